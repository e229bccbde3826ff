"""Effects that take as long as they are told, known to processes started from here and to nobody else.

`python -m tests.faults.slow worker` is the product's worker that also knows this kind.
"""

from __future__ import annotations

import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

if __name__ == "__main__":
    django.setup()

from engine import effect_handler, schedule
from engine.models import Effect
from engine.registry import SLOW


@effect_handler("faults.slow", lane=SLOW, timeout=60)
def dawdle(_: None, effect: Effect) -> None:
    """In a transaction that is idle for longer than a session may be."""
    time.sleep(effect.payload["seconds"])


def lay(key: str, *, seconds: float) -> None:
    schedule(dawdle, key=f"slow:{key}", payload={"seconds": seconds})


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    from engine.worker.app import app
    from engine.worker.beat_schedule import beat_schedule
    from engine.worker.broker import queues, swept_queues

    # As if this were an app listed before `tasks`, which looked for kinds of this lane already.
    app.conf.update(task_queues=queues(), beat_schedule=beat_schedule(swept_queues()))
    execute_from_command_line(sys.argv)
