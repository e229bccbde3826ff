from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.transaction import atomic

from engine.pauses import pauses
from workflows.reporting.invariants import findings, invariants


class Command(BaseCommand):
    help = "Print a line for each row that breaks an invariant, and fail when there is one. Reads only."

    def handle(self, *args: Any, **options: Any) -> None:
        with atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            found = list(findings(cursor))
        for paused in pauses():  # what waits for that breaks nothing
            self.stdout.write(f"Paused: {paused}, since {paused.created_at:%Y-%m-%d %H:%M} UTC.")
        for line in found:
            self.stdout.write(line)
        if found:
            raise CommandError(f"{len(found)} rows break an invariant.")
        self.stdout.write(f"{len(invariants())} invariants hold.")
