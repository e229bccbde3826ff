from __future__ import annotations

from engine.worker import tasks
from engine.worker.broker import RUN_DUE_EFFECTS, SWEEP_EFFECTS


def test_names_that_messages_carry_are_those_of_registered_tasks():
    assert tasks.run_due_effects.name == RUN_DUE_EFFECTS
    assert tasks.sweep_effects.name == SWEEP_EFFECTS
