from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from django.apps import apps
from django.db.models import Model

from engine.models import RATE, Effect, Throttle, Transition
from engine.stateful import CREATED, Stateful, edges_of, initial_states

Handler = TypeVar("Handler", bound=Callable[..., Any])

LONGEST_TIMEOUT = 15  # seconds
SLOW, LONGEST_SLOW = "slow", 15 * 60  # handlers that may take longer, with a worker of its own
DEFAULT_PATIENCE = timedelta(hours=24)
MAX_ATTEMPTS = 10_000
SECONDS = {"s": 1, "m": 60, "h": 3600}
LATE = 0.1  # seconds that a call may come late while the far side still sees the rate


@dataclass(frozen=True)
class Retry:
    """How failures are retried (docs/engine.md); None: the defaults of engine.lease. first, longest: seconds."""

    attempts: int | None = None
    first: float | None = None
    longest: float | None = None
    patience: timedelta | None = None
    on: Mapping[type[Exception], Retry | None] = field(default_factory=dict)

    def check(self, name: str) -> None:
        if self.attempts is not None and not 1 <= self.attempts <= MAX_ATTEMPTS:
            raise ValueError(f"{name}: attempts are from 1 to {MAX_ATTEMPTS}")
        if any(wait is not None and wait <= 0 for wait in (self.first, self.longest)):
            raise ValueError(f"{name}: a wait is above 0 s")
        if self.first is not None and self.longest is not None and self.first > self.longest:
            raise ValueError(f"{name}: the first wait is longer than the longest")
        for error, rule in self.on.items():
            if not (isinstance(error, type) and issubclass(error, Exception)):
                raise ValueError(f"{name}: {error!r} is no class of errors")  # noqa: TRY004 - as all declarations
            if rule is not None:
                rule.check(name)

    def of(self, error: BaseException) -> Retry | None:
        for cls in type(error).__mro__:
            if cls in self.on:
                return self.on[cls]
        return self


@dataclass(frozen=True)
class Kind:
    """One kind of effect: docs/engine.md explains each field, as an argument of @effect_handler."""

    name: str
    run: Callable[..., Any]
    batch: int = 1
    external: bool = False
    idempotent: bool = True
    ordered: bool = False
    timeout: timedelta = timedelta(seconds=15)
    patience: timedelta | None = None
    retry: Retry = field(default_factory=Retry)
    throttle: str = ""
    run_context: Callable[[], AbstractContextManager[None]] | None = None
    lane: str = "inward"
    revision: int = 1
    purgeable: bool = False
    by_key: bool = False
    related: tuple[str, ...] = ()
    prefetch: tuple[str, ...] = ()
    preview: Callable[..., Any] | None = None


@dataclass(frozen=True)
class FollowUp:
    kind: Kind
    to: str | None = None
    after: timedelta = timedelta(0)


NOTHING_ELSE = Retry()
kinds: dict[str, Kind] = {}
follow_ups: dict[tuple[str, str], list[FollowUp]] = defaultdict(list)
machines: dict[str, type[Stateful]] = {}
rates: dict[str, timedelta | None] = {}  # by throttle: the time between two calls; None: only an operator's


def effect_handler(
    name: str,
    *,
    batch: int = 1,
    external: bool = False,
    idempotent: bool = True,
    ordered: bool = False,
    timeout: int = 15,
    patience: timedelta | None = DEFAULT_PATIENCE,
    retry: Retry = NOTHING_ELSE,
    rate: str | None = None,
    throttle: str = "",
    run_context: Callable[[], AbstractContextManager[None]] | None = None,
    lane: str | None = None,
    revision: int = 1,
    purgeable: bool = False,
    by_key: bool = False,
    related: tuple[str, ...] = (),
    prefetch: tuple[str, ...] = (),
    preview: Callable[..., Any] | None = None,
) -> Callable[[Handler], Handler]:
    """`timeout` in seconds; the others are the fields of Kind.

    preview: called in previews instead of the handler, where that is too costly to be rolled back.

    rate: "14/s", "100/m", "1000/h": of all processes and all kinds with the same `throttle`.
    """
    longest = LONGEST_SLOW if lane == SLOW else LONGEST_TIMEOUT
    if not 0 < timeout <= longest:
        raise ValueError(f"{name}: a timeout is above 0 and at most {longest} s, so that a lease outlives it")
    if external and batch > 1:
        raise ValueError(f"{name}: external effects are executed one by one")
    if not (external or idempotent):
        raise ValueError(f"{name}: idempotent=False is for external effects")
    if by_key and (external or related or prefetch):
        raise ValueError(f"{name}: by_key=True is for handlers inside the database that read their objects themselves")
    if batch < 1:
        raise ValueError(f"{name}: a batch is of 1 at least")
    if (rate or throttle) and not external:
        raise ValueError(f"{name}: a rate is for external effects")
    retry.check(name)
    throttle = throttle or (name if rate else "")
    lane = lane or ("outward" if external else "inward")
    _check_length("the name", name, "kind")
    _check_length(f"{name}: the lane", lane, "lane")
    if throttle:
        _check_length(f"{name}: the throttle", throttle, "name", Throttle)
        every = time_between(rate) if rate else None
        if rates.setdefault(throttle, every) != every:
            raise ValueError(f"{name}: the throttle {throttle!r} has another rate already")

    def register(run: Handler) -> Handler:
        known = kinds.get(name)
        if known is not None and (known.run.__module__, known.run.__qualname__) != (run.__module__, run.__qualname__):
            raise ValueError(f"Two functions want to be the effect {name!r}")
        try:
            inspect.signature(run).bind(object(), object())
        except TypeError as error:
            raise ValueError(f"{name}: a handler takes an object and its effect: {error}") from None
        kinds[name] = Kind(
            name,
            run,
            batch=batch,
            external=external,
            idempotent=idempotent,
            ordered=ordered,
            timeout=timedelta(seconds=timeout),
            patience=patience if external else None,
            retry=retry,
            throttle=throttle,
            run_context=run_context,
            lane=lane,
            revision=revision,
            purgeable=purgeable,
            by_key=by_key,
            related=related,
            prefetch=prefetch,
            preview=preview,
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
    """cause: a transition, or a class for the creation of a row.

    to: only if it led to that status. after: due so much later.
    """
    if isinstance(cause, type) and issubclass(cause, Stateful):
        model, name, targets = cause, CREATED, set(initial_states(cause))
    else:
        model, name = cause._django_fsm.field.model, cause.__name__  # type: ignore[union-attr]
        targets = {target for edge, _, target in edges_of(model) if edge == name}
    said = f"on({model.__name__}, {name})"
    _check_length(f"{said}: the transition's name", name, "name", Transition)
    if to is not None and to not in targets:
        raise ValueError(f"{said}: it never leads to {to!r}, only to {sorted(targets)}")
    lines = follow_ups[machine_name(model), name]
    for handler in effects:
        follower = FollowUp(handler.kind, to, after)  # type: ignore[attr-defined]
        if follower in lines:
            continue
        if any(line.kind.name == follower.kind.name and (to is None or line.to in {None, to}) for line in lines):
            raise ValueError(f"{said}: {follower.kind.name} follows it already, and of one transition it does so once")
        lines.append(follower)


def time_between(rate: str) -> timedelta:
    """Calls are evenly spaced: a burst after a pause would be refused. Raises ValueError for what is not a rate."""
    if not re.fullmatch(RATE, rate, re.ASCII):
        raise ValueError(f"{rate!r} is no rate such as 14/s, 100/m or 1000/h")
    calls, _, unit = rate.partition("/")
    return timedelta(seconds=(SECONDS[unit] + LATE) / int(calls))


def _check_length(what: str, name: str, column: str, model: type[Model] = Effect) -> None:
    kept: Any = model._meta.get_field(column)
    if not 0 < len(name) <= kept.max_length:
        raise ValueError(f"{what} {name!r} has {len(name)} characters, and from 1 to {kept.max_length} can be kept")


def machine_name(model: type[Model]) -> str:
    """As stored in rows: the name of the model in small letters."""
    name = model._meta.model_name
    assert name is not None
    if name not in machines:
        _check_length("the machine", name, "machine")
    known = machines.setdefault(name, model)  # type: ignore[arg-type]
    if known is not model:
        raise ValueError(f"Two machines are called {name!r}: {known.__module__} and {model.__module__}")
    return name


def lanes() -> list[str]:
    return sorted({kind.lane for kind in kinds.values()}, key=lambda lane: (lane != "inward", lane))


def slow_kinds() -> list[Kind]:
    """Only a worker of the lane SLOW may execute them, whatever lane their rows are in."""
    return [kind for kind in kinds.values() if kind.lane == SLOW]


def subject_model(machine: str) -> type[Stateful] | None:
    if machine not in machines:
        for model in apps.get_models():
            if issubclass(model, Stateful):
                machine_name(model)
    return machines.get(machine)
