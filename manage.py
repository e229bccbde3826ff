#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    try:
        settings.DEBUG  # noqa: B018 - reads them all
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # one line: what an operator has to set
    execute_from_command_line(sys.argv)
