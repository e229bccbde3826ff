from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from workflows.seed import seed_catalogue


class Command(BaseCommand):
    help = (
        "Add plans, industries, groups of staff, and ways to pay that are shut until they hold an account of yours. "
        "What is there stays as it is."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        added = [f"{rows} {count}" for rows, count in seed_catalogue().items() if count]
        self.stdout.write(f"Added: {', '.join(added)}." if added else "Nothing was missing.")
