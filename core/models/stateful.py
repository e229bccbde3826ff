"""What the nouns with a lifecycle share: a status that only the engine writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import models
from django_fsm import FSMField, FSMFieldDescriptor

from core.models.row import Row

REFRESHING = "_is_refreshing"


class NotThroughTheEngine(Exception):  # noqa: N818 - a bug in our code, not a Problem
    """A status was about to change without a Transition row: use perform() or begin()."""


class StatusDescriptor(FSMFieldDescriptor):
    """Lets a row be loaded, refuses `payment.status = ...`."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        if self.field.name in instance.__dict__ and REFRESHING not in instance.__dict__:
            raise NotThroughTheEngine(f"{type(instance).__name__}.status is written by perform() only")
        self.field.set_state(instance, value)


class StatusField(FSMField):
    """A django-fsm field whose transitions run inside `workflows.engine` and nowhere else."""

    descriptor_class = StatusDescriptor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 20, **kwargs})

    def change_state(self, instance: models.Model, method: Any, *args: Any, **kwargs: Any) -> Any:
        name = f"{type(instance).__name__}.{method.__name__}"
        raise NotThroughTheEngine(f"{name}() is a transition: perform({name.lower()}, by=..., ...)")


class Stateful(Row):
    """A row with a status. `version` counts its Transitions: the last one's `seq`."""

    status: StatusField
    version = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    @property
    def tenant_id(self) -> UUID | None:
        """Whose row this is, for the history; None for what belongs to nobody."""
        return getattr(self, "account_id", None)

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save the named columns, never the status: a copy that has grown stale must not undo a transition."""
        if self._state.adding:
            raise NotThroughTheEngine(f"A {type(self).__name__} is born through begin()")
        names = set(update_fields or ())
        if not names or names & {"status", "version"}:
            raise NotThroughTheEngine(f"Name the columns: save(update_fields=[...]), and not {names or 'all'}")
        super().save(update_fields=names, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row anew; meanwhile this one object, and no other, takes a status from outside."""
        self.__dict__[REFRESHING] = True
        try:
            super().refresh_from_db(*args, **kwargs)
        finally:
            del self.__dict__[REFRESHING]
