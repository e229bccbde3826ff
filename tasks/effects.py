"""The tasks: ids in, one call down, nothing returned. The rows are the record, Celery the doorbell."""

from __future__ import annotations

import time
from uuid import UUID

from django.conf import settings

from tasks.celery import app
from tasks.doorbell import answer, answering, ring, served
from workflows.engine import run_due, sweep
from workflows.housekeeping import tidy

SLICE = 2.0  # seconds that one ring may keep a worker; then others get their turn
FEW = 20  # fewer than this in one look: let more come together
PATIENCE = 0.01  # seconds


@app.task(ignore_result=True)
def run_due_effects(effect_ids: list[str]) -> None:
    """Do these effects, those still due, then what else is due. A message may be lost, late or doubled."""
    started = time.monotonic()
    with answering():
        if effect_ids:
            run_due([UUID(key) for key in effect_ids], of=settings.WORKER_LANES)
        else:
            answer()
        while claimed := run_due(of=settings.WORKER_LANES):
            if time.monotonic() - started > SLICE:
                break
            if claimed < FEW:
                time.sleep(PATIENCE)
    if claimed:
        ring([], queues=served())


@app.task(ignore_result=True)
def sweep_effects() -> None:
    """Take back what a dead worker held and ring for what nobody heard. Harmless twice at once."""
    for due in sweep():
        ring(due)


@app.task(ignore_result=True)
def tidy_up() -> None:
    """Forget what is old enough; rows decide whether it is time."""
    tidy()
