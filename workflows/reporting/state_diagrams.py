from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps

from engine.registry import FollowUp, follow_ups, machine_name
from engine.stateful import CREATED, Stateful, edges_of, initial_states, status_field

HEAD = """# The machines

Drawn from the code by `manage.py draw_workflows`; do not edit. An arrow is a transition, the lines below a
diagram say what follows from it. `create` is the birth of a row.
"""


def page() -> str:
    """The whole of docs/workflows.md."""
    return "\n".join([HEAD, *(_section(model) for model in machine_models())])


def machine_models() -> list[type[Stateful]]:
    return [model for model in apps.get_models() if issubclass(model, Stateful)]


def mermaid(model: type[Stateful]) -> str:
    births = [f"    [*] --> {state}" for state in initial_states(model)]
    edges = [f"    {source} --> {target}: {name}" for name, source, target in edges_of(model)]
    return "\n".join(["stateDiagram-v2", *births, *edges])


def mermaid_of_all(models: list[type[Stateful]]) -> str:
    # States bear their machine's name: two machines may share a word.
    lines = ["stateDiagram-v2"]
    for model in models:
        machine = machine_name(model)
        lines.append(f"    state {machine} {{")
        lines += [f'        state "{state}" as {machine}_{state}' for state in states_of(model)]
        lines += [f"        [*] --> {machine}_{state}" for state in initial_states(model)]
        lines += [
            f"        {machine}_{source} --> {machine}_{target}: {name}" for name, source, target in edges_of(model)
        ]
        lines.append("    }")
    return "\n".join(lines)


def states_of(model: type[Stateful]) -> list[str]:
    return [str(value) for value, _ in status_field(model).choices or ()]


def _section(model: type[Stateful]) -> str:
    purpose = (model.__doc__ or "").strip().splitlines()[0]
    lines = [f"## {model.__name__}", "", purpose, "", "```mermaid", mermaid(model), "```", ""]
    return "\n".join([*lines, *_followers(model), ""])


def _followers(model: type[Stateful]) -> Iterator[str]:
    names = [CREATED, *sorted(status_field(model).transitions[model])]
    for name in names:
        for follower in follow_ups.get((machine_name(model), name), ()):
            yield f"- `{name}`{_condition(follower)}: `{follower.kind.name}`"


def _condition(follower: FollowUp) -> str:
    to = f" to {follower.to}" if follower.to else ""
    return to + (f", {follower.after} later" if follower.after else "")
