from __future__ import annotations

import time

from engine.models import Effect, Transition

FINISHED = {Effect.State.DONE, Effect.State.SKIPPED}
STUCK = {Effect.State.DEAD, Effect.State.UNCERTAIN}


def wait_for_effects(transition: Transition, *, timeout: float) -> bool:
    """RFC 7240, `Prefer: wait`. timeout: seconds. False at once if an effect is stuck."""
    deadline = time.monotonic() + timeout
    pause = 0.01
    while True:
        states = set(transition.effects.values_list("state", flat=True))
        if states <= FINISHED:
            return True
        if states & STUCK or time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
