from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from workflows.actions.personal import export_person
from workflows.management.arguments import person


class Command(BaseCommand):
    help = "Print all that is held about a person, and about the account they own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        self.stdout.write(export_person(person(email)))
