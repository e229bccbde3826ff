"""What follows from what: `@effect` names a debt, `on` says when it arises."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Model

from core.models.stateful import Stateful

Handler = TypeVar("Handler", bound=Callable[..., Any])

BIRTH = "begin"


@dataclass(frozen=True)
class Kind:
    """One kind of effect, and how to pay it.

    name: stored in the rows, so that the function may be renamed; revision: of its payload's shape.
    batch: above 1 the function takes sequences of objects and effects, at most so many.
    outward: it leaves the house; no transaction is open while it runs, and what it returns is kept.
    """

    name: str
    run: Callable[..., Any]
    batch: int = 1
    outward: bool = False
    timeout: timedelta = timedelta(seconds=15)
    lane: str = "inward"
    revision: int = 1


@dataclass(frozen=True)
class Follower:
    kind: Kind
    to: str | None = None
    after: timedelta = timedelta(0)


kinds: dict[str, Kind] = {}
followers: dict[tuple[str, str], list[Follower]] = defaultdict(list)
machines: dict[str, type[Stateful]] = {}


def effect(
    name: str,
    *,
    batch: int = 1,
    outward: bool = False,
    timeout: int = 15,
    lane: str | None = None,
    revision: int = 1,
) -> Callable[[Handler], Handler]:
    """Make a function the handler of one kind of effect. `timeout` in seconds."""

    def register(run: Handler) -> Handler:
        if name in kinds and kinds[name].run.__qualname__ != run.__qualname__:
            raise ValueError(f"Two functions want to be the effect {name!r}")
        kinds[name] = Kind(
            name,
            run,
            batch,
            outward,
            timedelta(seconds=timeout),
            lane or ("outward" if outward else "inward"),
            revision,
        )
        run.kind = kinds[name]  # type: ignore[attr-defined]
        return run

    return register


def on(
    cause: type[Stateful] | Callable[..., Any],
    *effects: Callable[..., Any],
    to: str | None = None,
    after: timedelta = timedelta(0),
) -> None:
    """Let effects follow a transition, or the birth of a row where `cause` is its class.

    to: only when it led to that status. after: not due before that much time has passed.
    """
    if isinstance(cause, type) and issubclass(cause, Stateful):
        model, name = cause, BIRTH
    else:
        model, name = cause._django_fsm.field.model, cause.__name__  # type: ignore[union-attr]
    for handler in effects:
        follower = Follower(handler.kind, to, after)  # type: ignore[attr-defined]
        if follower not in followers[machine_of(model), name]:
            followers[machine_of(model), name].append(follower)


def machine_of(model: type[Model]) -> str:
    """The stored name of a model's machine: `payment`."""
    name = model._meta.model_name
    assert name is not None
    known = machines.setdefault(name, model)  # type: ignore[arg-type]
    if known is not model:
        raise ValueError(f"Two machines are called {name!r}: {known.__module__} and {model.__module__}")
    return name


def subject_model(machine: str) -> type[Stateful] | None:
    return machines.get(machine)
