"""The clock: what is rung, and how often. Two beats at once only ring twice."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celery import beat

from engine import conf
from engine.worker.broker import limits, producing
from engine.worker.notifications import room_in


def times(queues: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Whoever listens to any of the queues sweeps: no lane waits for the workers of another."""
    return {
        f"sweep {queue}": {
            "task": "engine.worker.tasks.sweep_effects",
            "schedule": 1.0,
            "options": {"expires": 5, "queue": queue, **limits(queue)},
        }
        for queue in queues
    } | {
        name: entry | {"options": {"queue": queues[0], **entry.get("options", {})}}
        for name, entry in conf.BEAT_SCHEDULE.items()
    }


class Scheduler(beat.Scheduler):  # type: ignore[misc]
    """Times in memory: there is nothing to remember, hence no file to lose.

    BEAT_ALIVE_FILE is touched at each tick, for whoever wants to see that it ticks, also while the broker is away.
    """

    # Celery's would wait in a tick for a broker that is away.
    producer = None

    def tick(self, *args: Any, **options: Any) -> float:
        if name := os.environ.get("BEAT_ALIVE_FILE"):
            Path(name).touch()
        pause: float = super().tick(*args, **options)
        return pause

    def adjust(self, n: float | None, drift: float = 0.0) -> float | None:
        """Celery's wakes 10 ms before each ring, and asks without a pause whether it is time yet."""
        return n + drift if n else n

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Not where enough messages wait already: workers that are busy sweep by themselves, before they look."""
        with producing() as producer:
            if entry.task == "engine.worker.tasks.sweep_effects" and not room_in(producer, entry.options["queue"]):
                return None
            return super().apply_async(entry, producer=producer, advance=advance, **options)
