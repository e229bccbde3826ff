from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django_fsm import FSMMeta
from django_fsm import Transition as Edge

from engine.actors import User
from engine.problems import PermissionDenied, WrongState
from engine.stateful import Stateful, status_field


@dataclass(frozen=True)
class Rule:
    name: str
    in_state: bool
    unmet: list[str]
    permitted: bool

    @property
    def is_open(self) -> bool:
        return self.in_state and self.permitted and not self.unmet


def explain(obj: Stateful, user: User | None) -> list[Rule]:
    """`user` None: the engine itself."""
    return [_rule(obj, meta, user) for meta in _transitions(type(obj))]


def available(obj: Stateful, user: User | None) -> list[str]:
    """The open ones of `explain`, but cheaper."""
    return [
        edge.name
        for edge in _edges_from(type(obj), obj.status)
        if _permitted(obj, edge, user) and all(condition(obj) for condition in edge.conditions)
    ]


def allow(obj: Stateful, meta: FSMMeta, user: User | None) -> Edge:
    """Raises PermissionDenied or WrongState."""
    rule = _rule(obj, meta, user)
    noun = type(obj)._meta.verbose_name
    if not rule.permitted:
        raise PermissionDenied(f"You may not {rule.name} this {noun}.")
    if not rule.is_open:
        because = ", ".join(rule.unmet).replace("_", " ") if rule.unmet else f"it is {obj.status}"
        raise WrongState(
            f"Cannot {rule.name} this {noun}: {because}.",
            object_status=str(obj.status),
            available=available(obj, user),
            unmet=rule.unmet,
        )
    edge = meta.get_transition(obj.status)
    assert edge is not None
    return edge


def _rule(obj: Stateful, meta: FSMMeta, user: User | None) -> Rule:
    edge = meta.get_transition(obj.status) if meta.has_transition(obj.status) else None
    return Rule(
        name=_any_edge(meta).name,
        in_state=edge is not None,
        unmet=[condition.__name__ for condition in edge.conditions if not condition(obj)] if edge else [],
        permitted=_permitted(obj, edge or _any_edge(meta), user),
    )


def _permitted(obj: Stateful, edge: Edge, user: User | None) -> bool:
    # Without a permission it belongs to the engine alone, with one to people alone.
    if user is None or edge.permission is None:
        return user is None and edge.permission is None
    asked: Any = user  # django-fsm knows Django's own classes only
    return bool(edge.has_perm(obj, asked))


@cache
def _transitions(model: type[Stateful]) -> tuple[FSMMeta, ...]:
    methods = status_field(model).transitions[model]
    return tuple(methods[name]._django_fsm for name in sorted(methods))


@cache
def _edges_from(model: type[Stateful], status: str) -> tuple[Edge, ...]:
    edges = (meta.get_transition(status) for meta in _transitions(model) if meta.has_transition(status))
    return tuple(edge for edge in edges if edge is not None)


def _any_edge(meta: FSMMeta) -> Edge:
    return next(iter(meta.transitions.values()))
