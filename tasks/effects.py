"""The tasks: ids in, one call down, nothing returned. The rows are the record, Celery the doorbell."""

from __future__ import annotations

import time
from uuid import UUID

from django.conf import settings

from tasks.celery import app
from tasks.doorbell import answer, answering, ring, served
from workflows.chain import close_days
from workflows.engine import run_due, sweep
from workflows.housekeeping import tidy

SLICE = 2.0  # seconds that one ring may keep a worker; then others get their turn
# A look that found fewer than this lets more come together, for longer the more it found: a burst is worth waiting for
# and nobody sees it, one approval alone is not. In singles that is 0.48 of the limit instead of 0.36 (four rounds).
FEW = 50
PATIENCE, LONGEST = 0.005, 0.1  # seconds: for each that was found; at most


@app.task(ignore_result=True)
def run_due_effects(effect_ids: list[str]) -> None:
    """Do these effects, those still due, then what else is due. A message may be lost, late or doubled."""
    started = time.monotonic()
    with answering():
        if effect_ids:
            run_due([UUID(key) for key in effect_ids], of=settings.WORKER_LANES)
        else:
            answer()
        while claimed := run_due(of=settings.WORKER_LANES, lately=True):
            if time.monotonic() - started > SLICE:
                break
            if claimed < FEW:
                time.sleep(min(LONGEST, claimed * PATIENCE))
    if claimed:
        ring([], queues=served())


@app.task(ignore_result=True)
def sweep_effects() -> None:
    """Take back what a dead worker held and ring for what nobody heard. Harmless twice at once."""
    for due in sweep():
        ring(due)


@app.task(ignore_result=True)
def tidy_up() -> None:
    """Forget what is old enough, and close the days of the history that are over; rows decide whether it is time."""
    tidy()
    close_days()
