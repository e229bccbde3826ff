from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.problems import Problem
from engine.operator_actions import skip_outward
from workflows.management.arguments import moment, person


class Command(BaseCommand):
    help = "Say of mails and calls that were due before a moment that they need not happen: they went out already."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--due-before", required=True, help="such as 2026-05-03T10:00Z")
        parser.add_argument("--by", required=True, help="the address of who may operate effects")
        parser.add_argument("--reason", default="sent before the restore", help="(default: %(default)s)")
        parser.add_argument("--dry-run", action="store_true", help="only say how many")

    def handle(self, *args: Any, due_before: str, by: str, reason: str, dry_run: bool, **options: Any) -> None:
        try:
            user = person(by)
            counts = skip_outward(due_before=moment(due_before), by=user, reason=reason, dry_run=dry_run)
        except Problem as problem:
            raise CommandError(problem.detail) from problem
        for kind, count in counts:
            self.stdout.write(f"{kind} {count}")
        total = sum(count for _, count in counts)
        self.stdout.write(f"{total} would be skipped" if dry_run else f"{total} skipped")
