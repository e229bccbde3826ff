from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import beat

from engine.worker.broker import SWEEP_EFFECTS
from engine.worker.notifications import free_message_slots, producing


class Scheduler(beat.Scheduler):  # type: ignore[misc]
    """Times are in memory: there is no file to lose. Touches BEAT_ALIVE_FILE at each tick."""

    # Celery's own would wait in a tick for a broker that is away.
    producer = None

    def tick(self, *args: Any, **options: Any) -> float:
        if name := os.environ.get("BEAT_ALIVE_FILE"):
            Path(name).touch()
        pause: float = super().tick(*args, **options)
        return pause

    def adjust(self, n: float | None, drift: float = 0.0) -> float | None:
        """Celery's wakes 10 ms early and then asks in a busy loop whether it is time."""
        return n + drift if n else n

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """No sweep where enough messages wait: busy workers sweep by themselves."""
        with producing() as producer:
            if entry.task == SWEEP_EFFECTS and not free_message_slots(producer, entry.options["queue"]):
                return None
            return super().apply_async(entry, producer=producer, advance=advance, **options)
