"""The workflow engine: state machines decide, effects follow, PostgreSQL remembers both.

    perform(door.open_up, by=user)     take one transition, and schedule what follows from it
    perform_many([...])                the same for a set, in a constant number of statements
    preview(door.open_up, by=user)     what that would bring about, rolled back
    begin(door, by=user)               a row with a lifecycle is born
    on(Door.open_up, count_visits)     what follows from what
    @effect_handler("door.count")              a function that pays one kind of debt

A transition and the effects that follow from it are written in one statement, so neither exists without
the other. `run_due` pays the debts, `sweep` finds those that nobody rang for. docs/engine.md teaches it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.alerts import alert
    from engine.batches import gather, schedule_batch
    from engine.dependents import Behind, behind
    from engine.errors import NotYet, Permanent, RetryAfter, Unanswered, Unreachable
    from engine.executor import run_due
    from engine.operator_actions import may_do, retry, retry_many, skip
    from engine.pauses import let_go, pause, resume
    from engine.previews import Busy, Preview, preview, preview_of
    from engine.recheck import look_again
    from engine.registry import Retry, effect_handler, lanes, on
    from engine.rules import available, explain
    from engine.scheduled_runs import once_per
    from engine.scheduling import NewEffect, amend, reschedule, schedule, schedule_many
    from engine.signals import effects_recorded
    from engine.sweeper import sweep
    from engine.transitions import (
        RequestKeyReused,
        Step,
        because,
        begin,
        begin_many,
        perform,
        perform_many,
    )
    from engine.waiting import settled

__all__ = [
    "Behind",
    "Busy",
    "NewEffect",
    "NotYet",
    "Permanent",
    "Preview",
    "RequestKeyReused",
    "Retry",
    "RetryAfter",
    "Step",
    "Unanswered",
    "Unreachable",
    "alert",
    "amend",
    "available",
    "because",
    "begin",
    "begin_many",
    "behind",
    "effect_handler",
    "effects_recorded",
    "explain",
    "gather",
    "lanes",
    "let_go",
    "look_again",
    "may_do",
    "on",
    "once_per",
    "pause",
    "perform",
    "perform_many",
    "preview",
    "preview_of",
    "reschedule",
    "resume",
    "retry",
    "retry_many",
    "run_due",
    "schedule",
    "schedule_batch",
    "schedule_many",
    "settled",
    "skip",
    "sweep",
]

# A package that is in INSTALLED_APPS is imported before there are models: each name comes when it is asked for. So no
# module here may be called as one of these names.
_MODULES = {
    "alerts": ["alert"],
    "scheduling": ["NewEffect", "amend", "schedule", "schedule_many", "reschedule"],
    "errors": ["NotYet", "Permanent", "RetryAfter", "Unanswered", "Unreachable"],
    "recheck": ["look_again"],
    "operator_actions": ["may_do", "retry", "retry_many", "skip"],
    "registry": ["Retry", "effect_handler", "lanes", "on"],
    "rules": ["available", "explain"],
    "executor": ["run_due"],
    "signals": ["effects_recorded"],
    "sweeper": ["sweep"],
    "scheduled_runs": ["once_per"],
    "transitions": ["RequestKeyReused", "Step", "because", "begin", "begin_many", "perform", "perform_many"],
    "waiting": ["settled"],
    "previews": ["Busy", "Preview", "preview", "preview_of"],
    "batches": ["gather", "schedule_batch"],
    "dependents": ["Behind", "behind"],
    "pauses": ["let_go", "pause", "resume"],
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
