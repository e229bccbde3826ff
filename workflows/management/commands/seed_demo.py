from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.seed import seed
from workflows.seed.people import PASSWORD, demo_password


class Command(BaseCommand):
    help = "Add what is missing of the demo's rows; what is there stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--allow-public-passwords",
            action="store_true",
            help="Add the demo's log-ins, whose password everybody knows, even with DEBUG off.",
        )

        parser.add_argument(
            "--without-stories",
            action="store_true",
            help="Add no companies whose payments go this way and that, only what a first customer needs.",
        )

    def handle(self, *args: Any, allow_public_passwords: bool, without_stories: bool, **options: Any) -> None:
        if demo_password() == PASSWORD and not (settings.DEBUG or allow_public_passwords):
            raise CommandError(
                "The demo's log-ins have a public password: "
                "set DEBUG=true for a demo, DEMO_PASSWORD for one of its own, or give --allow-public-passwords."
            )
        try:
            validate_password(demo_password())
        except ValidationError as error:
            raise CommandError(f"DEMO_PASSWORD will not do: {' '.join(error.messages)}") from error
        added = [f"{rows} {count}" for rows, count in seed(stories=not without_stories).items() if count]
        if added:
            self.stdout.write(f"Added: {', '.join(added)}.")
