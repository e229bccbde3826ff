"""An effect that kills the process it runs in, known to workers started from here and to nobody else.

`python -m tests.faults.poison worker` is the product's worker that also knows this kind.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

if __name__ == "__main__":
    django.setup()

from engine import effect_handler, schedule
from engine.models import Effect


@effect_handler("faults.poison", batch=100)
def swallow(_: Sequence[None], effects: Sequence[Effect]) -> None:
    """Die of the poisoned ones; the others are done by doing nothing."""
    if any(effect.payload["is_poison"] for effect in effects):
        os.kill(os.getpid(), signal.SIGKILL)


def lay(neighbours: int) -> None:
    """Schedule one that kills and so many that do not, due together."""
    for number in range(neighbours + 1):
        schedule(swallow, key=f"poison:{number}", payload={"is_poison": number == neighbours // 2})


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
