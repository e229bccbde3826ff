"""Celery tasks: ids in, one call down, no result. The rows are the record."""

from __future__ import annotations

import time
from uuid import UUID

from engine import external_slots, run_due
from engine.executor import BATCH
from engine.pipeline import ask
from engine.sweeper import sweep_in_turn
from engine.worker.app import app
from engine.worker.broker import own_queues, served_lanes
from engine.worker.notifications import acknowledge, notify, suppress_notifications

MAX_RUNTIME = 2.0  # seconds that one message may keep a worker; then others get their turn
# A look that found fewer than this waits so that more come together, for longer the more it found. A burst is worth
# waiting for and nobody notices; a single approval is not. In singles that is 0.48 of the limit instead of 0.36 (four
# rounds).
SMALL_BATCH = 50
WAIT_PER_EFFECT, MAX_WAIT = 0.005, 0.1  # seconds

SLOT_WAIT = 0.005  # seconds until this worker looks again when another of its children held the external slot
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
            acknowledge()
        while claimed and time.monotonic() - started < MAX_RUNTIME:
            claimed = _look()
            if 0 < claimed < SMALL_BATCH:
                time.sleep(min(MAX_WAIT, claimed * WAIT_PER_EFFECT))
    if claimed:
        # Much is due. A plan that reads the whole table was best while it was small and is worst after a flood (70
        # times as long with 20,000 rows), and PostgreSQL keeps it until autovacuum's next ANALYZE, up to a minute.
        ask("DISCARD PLANS", prepare=False)
        notify([], queues=own_queues())


@app.task(ignore_result=True)
def sweep_effects() -> None:
    """Sent by beat each second, so that an idle worker looks, too."""
    run_due_effects([])


def _look() -> int:
    """Execute one claim: of all that is due, or in turn one effect that must run alone. Returns how many were claimed.

    Once a second it sweeps first, so that a sweep never waits in a queue.
    """
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
