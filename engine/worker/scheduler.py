from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import beat

from engine.worker.broker import SWEEP_EFFECTS
from engine.worker.notifications import producing, room_in


class Scheduler(beat.Scheduler):  # type: ignore[misc]
    """Keeps its times in memory, so there is no file to lose. Several beats at once send more sweeps, no more.

    Touches BEAT_ALIVE_FILE at each tick, also while the broker is away, so that a probe can watch it.
    """

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
        """Sends no sweep where enough messages wait: workers that are busy sweep by themselves."""
        with producing() as producer:
            if entry.task == SWEEP_EFFECTS and not room_in(producer, entry.options["queue"]):
                return None
            return super().apply_async(entry, producer=producer, advance=advance, **options)
