"""The workflow engine: state machines, effects that follow their transitions, and both in PostgreSQL.

    perform(door.open_up, by=user)     take one transition, and schedule what follows from it
    perform_many([...])                the same for a set, in a constant number of statements
    preview(door.open_up, by=user)     what that would do, rolled back
    create(door, by=user)              insert a row with a lifecycle
    on(Door.open_up, count_visits)     what follows from what
    @effect_handler("door.count")      the function that executes one kind of effect

A transition and its effects are written in one statement, so neither exists without the other. `run_due` executes
effects, `sweep` finds those that no worker was notified of. docs/engine.md teaches it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.alerts import alert
    from engine.batches import gather, schedule_batch
    from engine.dependents import Behind, behind
    from engine.errors import NotYet, PermanentFailure, RemoteUnavailable, RetryAfter, Unanswered
    from engine.executor import run_due
    from engine.operator_actions import allowed_actions, retry, retry_many, skip
    from engine.pauses import let_go, pause, resume
    from engine.previews import Busy, Preview, preview, preview_of
    from engine.recheck import look_again
    from engine.registry import Retry, effect_handler, lanes, on
    from engine.rules import available, explain
    from engine.scheduled_runs import run_once_per
    from engine.scheduling import NewEffect, amend, reschedule, schedule, schedule_many
    from engine.signals import effects_created
    from engine.sweeper import sweep
    from engine.transitions import (
        RequestKeyReused,
        Step,
        caused_by,
        create,
        create_many,
        perform,
        perform_many,
    )
    from engine.waiting import wait_for_effects

__all__ = [
    "Behind",
    "Busy",
    "NewEffect",
    "NotYet",
    "PermanentFailure",
    "Preview",
    "RemoteUnavailable",
    "RequestKeyReused",
    "Retry",
    "RetryAfter",
    "Step",
    "Unanswered",
    "alert",
    "allowed_actions",
    "amend",
    "available",
    "behind",
    "caused_by",
    "create",
    "create_many",
    "effect_handler",
    "effects_created",
    "explain",
    "gather",
    "lanes",
    "let_go",
    "look_again",
    "on",
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
    "run_once_per",
    "schedule",
    "schedule_batch",
    "schedule_many",
    "skip",
    "sweep",
    "wait_for_effects",
]

# Loaded at first use: Django imports an app's package before there are models. No module may have one of these names.
_MODULES = {
    "alerts": ["alert"],
    "scheduling": ["NewEffect", "amend", "schedule", "schedule_many", "reschedule"],
    "errors": ["NotYet", "PermanentFailure", "RetryAfter", "Unanswered", "RemoteUnavailable"],
    "recheck": ["look_again"],
    "operator_actions": ["allowed_actions", "retry", "retry_many", "skip"],
    "registry": ["Retry", "effect_handler", "lanes", "on"],
    "rules": ["available", "explain"],
    "executor": ["run_due"],
    "signals": ["effects_created"],
    "sweeper": ["sweep"],
    "scheduled_runs": ["run_once_per"],
    "transitions": ["RequestKeyReused", "Step", "caused_by", "create", "create_many", "perform", "perform_many"],
    "waiting": ["wait_for_effects"],
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
