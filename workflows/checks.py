"""What must hold before any process starts: `manage.py check` and every start-up."""

from __future__ import annotations

from typing import Any

from django.core import checks

from core.models.stateful import BIRTH
from workflows.engine.registry import followers, kinds, machines


@checks.register()
def followers_are_declared(**_: Any) -> list[checks.CheckMessage]:
    """Every `on(...)` line names a transition of its machine."""
    errors: list[checks.CheckMessage] = []
    for (machine, name), lines in followers.items():
        if name != BIRTH and not hasattr(getattr(machines[machine], name, None), "_django_fsm"):
            errors.append(checks.Error(f"{machine} has no transition {name!r}", id="workflows.E001"))
        errors += [
            checks.Error(f"{machine}.{name} is followed by the unknown effect {line.kind.name!r}", id="workflows.E002")
            for line in lines
            if line.kind.name not in kinds
        ]
    return errors
