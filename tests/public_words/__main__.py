"""`python -m stack run python -m tests.public_words` writes words.txt."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

from tests.public_words.test_public_words import KNOWN  # noqa: E402
from tests.public_words.words import page  # noqa: E402

call_command("migrate", verbosity=0)
KNOWN.write_text(page())
