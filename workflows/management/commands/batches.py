from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from engine.models import Batch


class Command(BaseCommand):
    help = "Say of the batches that are open, or with --all of the newest, how far they are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="also those that are complete")
        parser.add_argument("--limit", type=int, default=50, help="(default: %(default)s)")

    def handle(self, *args: Any, all: bool, limit: int, **options: Any) -> None:  # noqa: A002 - its name outside
        batches = Batch.objects.select_related("then").with_stuck().order_by("-id")
        if not all:
            batches = batches.filter(completed_at=None)
        for batch in batches[:limit]:
            self.stdout.write(_line(batch))


def _line(batch: Any) -> str:
    parts = [f"{batch} over"]
    if batch.skipped:
        parts.append(f"{batch.skipped} skipped")
    if batch.stuck:
        parts.append(f"{batch.stuck} dead or uncertain")
    if batch.completed_at:
        parts.append(batch.note or "complete")
    return f"{batch.then.key}: {', '.join(parts)}"
