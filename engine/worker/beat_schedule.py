from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine import conf
from engine.worker.broker import SWEEP_EFFECTS, limits


def beat_schedule(queues: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A sweep each second in each queue, so that no lane waits for another's workers."""
    return {
        f"sweep {queue}": {
            "task": SWEEP_EFFECTS,
            "schedule": 1.0,
            "options": {"expires": 5, "queue": queue, **limits(queue)},
        }
        for queue in queues
    } | {
        name: entry | {"options": {"queue": queues[0], **entry.get("options", {})}}
        for name, entry in conf.BEAT_SCHEDULE.items()
    }
