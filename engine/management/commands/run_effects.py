from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from engine import run_due, sweep, throttles

IDLE_WAIT = 0.5  # seconds


class Command(BaseCommand):
    help = "Execute effects without a broker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Stop when nothing is due any more.")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        throttles.sleeps_until_free = True
        executed = 0
        try:
            while True:
                claimed = sum(run_due(ids) for ids in sweep()) + run_due()
                executed += claimed
                if not claimed:
                    if once:
                        break
                    time.sleep(IDLE_WAIT)
        except KeyboardInterrupt:
            pass
        self.stdout.write(f"{executed} effects run")
