"""Machines as Mermaid state diagrams, with what follows each transition."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django_fsm import RETURN_VALUE, State

from core.models.stateful import Stateful
from workflows.engine.registry import BIRTH, Follower, followers, machine_of
from workflows.engine.rules import status_field

HEAD = """# The machines

Drawn from the code by `manage.py draw_workflows`; do not edit. An arrow is a transition, the lines below a
diagram say what follows from it. `begin` is the birth of a row.
"""


def page() -> str:
    """The whole of docs/workflows.md."""
    return "\n".join([HEAD, *(_section(model) for model in machine_models())])


def machine_models() -> list[type[Stateful]]:
    return [model for model in apps.get_models() if issubclass(model, Stateful)]


def mermaid(model: type[Stateful]) -> str:
    """A stateDiagram-v2 of the model's machine."""
    edges = [f"    {source} --> {target}: {name}" for name, source, target in edges_of(model)]
    return "\n".join(["stateDiagram-v2", *edges])


def edges_of(model: type[Stateful]) -> list[tuple[str, str, str]]:
    """(transition, source, target), one for each arrow."""
    return sorted(
        (edge.name, str(edge.source), target)
        for edge in status_field(model).get_all_transitions(model)
        for target in _targets(edge.target)
    )


def _targets(target: object) -> list[str]:
    if isinstance(target, RETURN_VALUE):
        return [str(state) for state in target.allowed_states]
    assert not isinstance(target, State), "only RETURN_VALUE says where it may lead"
    return [str(target)]


def _section(model: type[Stateful]) -> str:
    purpose = (model.__doc__ or "").strip().splitlines()[0]
    lines = [f"## {model.__name__}", "", purpose, "", "```mermaid", mermaid(model), "```", ""]
    return "\n".join([*lines, *_followers(model), ""])


def _followers(model: type[Stateful]) -> Iterator[str]:
    names = [BIRTH, *sorted(status_field(model).transitions[model])]
    for name in names:
        for follower in followers.get((machine_of(model), name), ()):
            yield f"- `{name}`{_condition(follower)}: `{follower.kind.name}`"


def _condition(follower: Follower) -> str:
    to = f" to {follower.to}" if follower.to else ""
    return to + (f", {follower.after} later" if follower.after else "")
