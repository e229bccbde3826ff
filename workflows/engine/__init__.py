"""The workflow engine: state machines decide, effects follow, PostgreSQL remembers both.

    perform(door.open_up, by=user)     take one transition, and owe what follows from it
    perform_many([...])                the same for a set, in a constant number of statements
    begin(door, by=user)               a row with a lifecycle is born
    on(Door.open_up, count_visits)     what follows from what
    @effect("door.count")              a function that pays one kind of debt

A transition and the effects that follow from it are written in one statement, so neither exists without
the other. `run_due` pays the debts, `sweep` finds those that nobody rang for. docs/engine.md teaches it.
"""

from workflows.engine.alert import alert
from workflows.engine.errors import NotYet, Permanent, RetryAfter, Unanswered, Unreachable
from workflows.engine.later import look_again
from workflows.engine.operate import may_do, retry, retry_many, skip
from workflows.engine.owe import Debt, amend, owe, owe_many, reschedule
from workflows.engine.perform import (
    RequestKeyReused,
    Step,
    because,
    begin,
    begin_many,
    perform,
    perform_many,
)
from workflows.engine.registry import effect, lanes, on
from workflows.engine.rules import available, explain
from workflows.engine.run import run_due
from workflows.engine.signals import effects_recorded
from workflows.engine.sweep import sweep
from workflows.engine.tick import once_per
from workflows.engine.wait import settled

__all__ = [
    "Debt",
    "NotYet",
    "Permanent",
    "RequestKeyReused",
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
    "effect",
    "effects_recorded",
    "explain",
    "lanes",
    "look_again",
    "may_do",
    "on",
    "once_per",
    "owe",
    "owe_many",
    "perform",
    "perform_many",
    "reschedule",
    "retry",
    "retry_many",
    "run_due",
    "settled",
    "skip",
    "sweep",
]
