from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.reporting.state_diagrams import page

FILE = settings.BASE_DIR / "docs" / "workflows.md"


class Command(BaseCommand):
    help = "Write docs/workflows.md; with --check, only say whether it is stale."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Fail when the drawing is stale, write nothing.")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        drawn = FILE.read_text() if FILE.exists() else ""
        if drawn == page():
            return
        if check:
            raise CommandError("docs/workflows.md is stale: run manage.py draw_workflows")
        FILE.write_text(page())
        self.stdout.write("docs/workflows.md is written")
