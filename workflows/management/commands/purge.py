from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.periods import database_now
from workflows.retention import delete_expired

LEAST = 30  # days: until then an operator may ask whether a mail was sent


class Command(BaseCommand):
    help = "Delete what is kept for a while only: answers, tokens, sessions, tries, and effects done long ago."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=int,
            metavar="DAYS",
            help=f"Effects done longer ago than this, at least {LEAST}; default: EFFECT_RETENTION_DAYS.",
        )

    def handle(self, *args: Any, older_than: int | None, **options: Any) -> None:
        if older_than is not None and older_than < LEAST:
            raise CommandError(f"Effects are kept for {LEAST} days at least.")
        days = settings.EFFECT_RETENTION_DAYS if older_than is None else older_than
        before = database_now() - timedelta(days=days) if days else None
        forgotten = delete_expired(effects_before=before)
        self.stdout.write(", ".join(f"{name} {count}" for name, count in forgotten.items()))
