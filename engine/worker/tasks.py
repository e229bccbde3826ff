"""The tasks: ids in, one call down, nothing returned. The rows are the record, Celery the doorbell."""

from __future__ import annotations

import time
from uuid import UUID

from engine import external_slots, run_due
from engine.executor import BATCH
from engine.pipeline import ask
from engine.sweeper import sweep_in_turn
from engine.worker.app import app
from engine.worker.notifications import acknowledge, notify, own_queues, served_lanes, suppress_notifications

SLICE = 2.0  # seconds that one ring may keep a worker; then others get their turn
# A look that found fewer than this lets more come together, for longer the more it found: a burst is worth waiting for
# and nobody sees it, one approval alone is not. In singles that is 0.48 of the limit instead of 0.36 (four rounds).
FEW = 50
PATIENCE, LONGEST = 0.005, 0.1  # seconds: for each that was found; at most


A_MOMENT = 0.005  # seconds, in which another child of this worker looks outside and finds nothing
SWEEP_EVERY = 1.0  # seconds

_sweep_at = 0.0  # by time.monotonic()
_alone_is_next = _some_run_alone = False


@app.task(ignore_result=True)
def run_due_effects(effect_ids: list[str]) -> None:
    """Do these effects, those still due, then what else is due. A message may be lost, late or doubled."""
    started, claimed = time.monotonic(), 1
    with suppress_notifications():
        if effect_ids:
            run_due([UUID(key) for key in effect_ids], of=served_lanes())
        else:
            acknowledge()
        while claimed and time.monotonic() - started < SLICE:
            claimed = _look()
            if 0 < claimed < FEW:
                time.sleep(min(LONGEST, claimed * PATIENCE))
    if claimed:
        # Much is due. To read all of a table was the best plan while it was small and is the worst after a flood (with
        # 20,000 rows 70 times as long), and PostgreSQL keeps it until autovacuum's next ANALYZE, within some minute.
        ask("DISCARD PLANS", prepare=False)
        notify([], queues=own_queues())


@app.task(ignore_result=True)
def sweep_effects() -> None:
    """The clock's message, each second, so that somebody looks who would else have nothing to do."""
    run_due_effects([])


def _look() -> int:
    """Do what is due, or one of those that must run alone, in turn: a look is one claim, which ends in time.

    First, once a second, find what nobody rang for: a sweep waits in no queue.
    """
    global _sweep_at, _alone_is_next, _some_run_alone
    if time.monotonic() > _sweep_at:
        _sweep_at, _alone_is_next = time.monotonic() + SWEEP_EVERY, True
        if any(len(due) > BATCH for due in sweep_in_turn()):
            notify([], once=True)
    if _alone_is_next:
        _some_run_alone = run_due(of=served_lanes(), alone=True) > 0
        if _some_run_alone:
            _alone_is_next = False
            return 1
    _alone_is_next = _some_run_alone
    claimed = run_due(of=served_lanes(), lately=True)
    if not claimed and external_slots.was_full:
        time.sleep(A_MOMENT)
        claimed = run_due(of=served_lanes(), lately=True)
    return claimed + _some_run_alone
