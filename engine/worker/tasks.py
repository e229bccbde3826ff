from __future__ import annotations

import time
from uuid import UUID

from engine import external_slots, run_due
from engine.executor import BATCH
from engine.pipeline import ask
from engine.sweeper import sweep_in_turn
from engine.worker.app import app
from engine.worker.broker import own_queues, served_lanes
from engine.worker.notifications import clear_pending, notify, suppress_notifications

MAX_RUNTIME = 2.0  # seconds that one message may keep a worker
# After fewer than this a look waits for more: bursts come in batches, a single approval does not wait. In singles that
# is 0.48 of the limit instead of 0.36 (four rounds).
SMALL_BATCH = 50
WAIT_PER_EFFECT, MAX_WAIT = 0.005, 0.1  # seconds

SLOT_WAIT = 0.005  # seconds, if another child held the external slot
SWEEP_INTERVAL = 1.0  # seconds

_sweep_at = 0.0  # by time.monotonic()
_isolated_is_next = _some_run_isolated = False


@app.task(ignore_result=True)
def run_due_effects(effect_ids: list[str]) -> None:
    """Execute these effects if still due, then what else is due. The message may be lost, late or doubled."""
    started, claimed = time.monotonic(), 1
    with suppress_notifications():
        if effect_ids:
            run_due([UUID(key) for key in effect_ids], of=served_lanes())
        else:
            clear_pending()
        while claimed and time.monotonic() - started < MAX_RUNTIME:
            claimed = _look()
            if 0 < claimed < SMALL_BATCH:
                time.sleep(min(MAX_WAIT, claimed * WAIT_PER_EFFECT))
    if claimed:
        # After a flood a plan made for a small table takes 70 times as long (20,000 rows), until autovacuum's ANALYZE.
        ask("DISCARD PLANS", prepare=False)
        notify([], queues=own_queues())


@app.task(ignore_result=True)
def sweep_effects() -> None:
    run_due_effects([])


def _look() -> int:
    """Execute one claim or, in turn, one effect that must run alone. Sweeps once a second."""
    global _sweep_at, _isolated_is_next, _some_run_isolated
    if time.monotonic() > _sweep_at:
        _sweep_at, _isolated_is_next = time.monotonic() + SWEEP_INTERVAL, True
        if any(len(due) > BATCH for due in sweep_in_turn()):
            notify([], once=True)
    if _isolated_is_next:
        _some_run_isolated = run_due(of=served_lanes(), alone=True) > 0
        if _some_run_isolated:
            _isolated_is_next = False
            return 1
    _isolated_is_next = _some_run_isolated
    claimed = run_due(of=served_lanes(), lately=True)
    if not claimed and external_slots.was_full:
        time.sleep(SLOT_WAIT)
        claimed = run_due(of=served_lanes(), lately=True)
    return claimed + _some_run_isolated
