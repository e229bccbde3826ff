from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models.signals import pre_delete
from django_fsm import RETURN_VALUE, FSMField, FSMFieldDescriptor, State

from engine.base import BaseModel
from engine.triggers import NoDelete, StatusGuard

REFRESHING = "_is_refreshing"
CREATED = "begin"
NO_TENANT = UUID(int=0)


class DirectStateChange(Exception):  # noqa: N818 - a bug in our code, not a Problem
    """A status was about to change without a Transition row: use perform() or create()."""


class StatusDescriptor(FSMFieldDescriptor):
    """Allows loading a row, refuses `row.status = ...`."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        if self.field.name in instance.__dict__ and REFRESHING not in instance.__dict__:
            raise DirectStateChange(f"{type(instance).__name__}.status is written by perform() only")
        self.field.set_state(instance, value)


class StatusField(FSMField):
    """Its transitions run inside the engine only."""

    descriptor_class = StatusDescriptor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 20, **kwargs})

    def change_state(self, instance: models.Model, method: Any, *args: Any, **kwargs: Any) -> Any:
        name = f"{type(instance).__name__}.{method.__name__}"
        raise DirectStateChange(f"{name}() is a transition: perform({name.lower()}, by=..., ...)")

    def _collect_transitions(self, *args: Any, **kwargs: Any) -> None:
        super()._collect_transitions(*args, **kwargs)
        model = kwargs["sender"]
        if issubclass(model, Stateful) and model in self.transitions:
            _check_conditions(model)
            model._meta.constraints = [
                *model._meta.constraints,
                _guard(model),
                NoDelete(name=f"{model._meta.model_name}_kept"),
            ]
            model._meta.original_attrs["constraints"] = model._meta.constraints
            pre_delete.connect(_refuse_deletion, sender=model)


class Stateful(BaseModel):
    """A row with a lifecycle. `version` counts its Transitions: the last one's `seq`."""

    status: StatusField
    version = models.PositiveIntegerField(default=0, editable=False)

    # States that a new row may have; empty: the default of `status`.
    INITIAL_STATES: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    @property
    def tenant_id(self) -> UUID:
        tenant: UUID = getattr(self, "account_id", NO_TENANT)
        return tenant

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Save the named columns, never the status: a stale copy must not undo a transition."""
        if self._state.adding:
            raise DirectStateChange(f"A {type(self).__name__} is made by create()")
        names = set(update_fields or ())
        if not names or names & {"status", "version"}:
            raise DirectStateChange(f"Name the columns: save(update_fields=[...]), and not {names or 'all'}")
        super().save(update_fields=names, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """This instance accepts a status while it reloads."""
        self.__dict__[REFRESHING] = True
        try:
            super().refresh_from_db(*args, **kwargs)
        finally:
            self.__dict__.pop(REFRESHING, None)


def status_field(model: type[Stateful]) -> StatusField:
    field = model.__dict__["status"].field
    assert isinstance(field, StatusField)
    return field


def edges_of(model: type[Stateful]) -> list[tuple[str, str, str]]:
    """(transition, source, target)"""
    return sorted(
        (edge.name, str(edge.source), target)
        for edge in status_field(model).get_all_transitions(model)
        for target in _targets(edge.target)
    )


def initial_states(model: type[Stateful]) -> tuple[str, ...]:
    return tuple(map(str, model.INITIAL_STATES or (status_field(model).get_default(),)))


def _check_conditions(model: type[Stateful]) -> None:
    # Refusals name the conditions that are not met.
    for edge in status_field(model).get_all_transitions(model):
        for condition in edge.conditions:
            if not getattr(condition, "__name__", "").isidentifier():
                raise ValueError(f"{model.__name__}.{edge.name}: the condition {condition!r} has no name to show")


def _refuse_deletion(sender: type[Stateful], **_: Any) -> None:
    raise DirectStateChange(f"A {sender.__name__} is never deleted: it has transitions that end it")


def _targets(target: object) -> Iterator[str]:
    if isinstance(target, RETURN_VALUE):
        yield from map(str, target.allowed_states)
    else:
        assert not isinstance(target, State), "of the dynamic targets only RETURN_VALUE says where it may lead"
        yield str(target)


def _guard(model: type[Stateful]) -> StatusGuard:
    machine = model._meta.model_name
    assert machine is not None
    edges = [f"{name}:{source}>{target}" for name, source, target in edges_of(model)]
    births = [f"{CREATED}:>{state}" for state in initial_states(model)]
    return StatusGuard(name=f"{machine}_status_guard", machine=machine, edges=edges + births)
