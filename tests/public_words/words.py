"""The words that people and programs outside know us by, read off the product, one a line under its heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.apps import apps
from django.core.management import get_commands
from django.db import connection
from drf_spectacular.generators import SchemaGenerator

import engine.django_tasks  # noqa: F401 - its two kinds
from core.observability.metrics import Figures
from core.problems import Problem
from engine import registry
from engine.models import Effect
from engine.stateful import CREATED, Stateful, edges_of

ROOT = Path(__file__).parents[2]
OURS = ("engine", "core", "workflows", "tasks", "api", "web")
METHODS = ("get", "post", "put", "patch", "delete")
COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'audit'"


def page() -> str:
    """Takes a database with our schema."""
    return "\n".join(
        f"# {heading}\n\n" + "".join(f"{line}\n" for line in sorted(set(lines))) for heading, lines in all_words()
    )


def all_words() -> Iterator[tuple[str, Iterable[str]]]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    yield (
        "API routes",
        (
            f"{method.upper()} {path}"
            for path, routes in schema["paths"].items()
            for method in routes
            if method in METHODS
        ),
    )
    yield "API parameters", _parameters(schema)
    yield "API fields", _fields(schema["components"]["schemas"])
    yield "Problems", (f"{kind.slug} {kind.status} {kind.TITLE}" for kind in _kinds_of(Problem))
    stateful = [(model, "status") for model in _machines()]
    yield (
        "States",
        (
            f"{model._meta.model_name}.{state}"
            for model, field in [*stateful, (Effect, "state")]
            for state, _ in model._meta.get_field(field).choices
        ),
    )
    yield (
        "Transitions",
        (f"{model._meta.model_name}.{name}" for model in _machines() for name, *_ in (*edges_of(model), (CREATED,))),
    )
    yield "Effects", (kind.name for kind in registry.kinds.values() if _is_ours(kind.run.__module__))
    yield "Metrics", (" ".join([metric.name, *metric._labelnames]) for metric in Figures().collect())
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        yield "Audit views", (f"{view}.{column}" for view, column in cursor.fetchall())
    yield "Environment", re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    yield (
        "Permissions",
        (
            f"{model._meta.app_label}.{codename}"
            for model in apps.get_models()
            if model._meta.app_label in OURS
            for codename, _ in model._meta.permissions
        ),
    )
    yield "Commands", (name for name, app in get_commands().items() if isinstance(app, str) and _is_ours(app))


def _parameters(schema: dict) -> Iterator[str]:
    for path, routes in schema["paths"].items():
        for method, route in routes.items():
            for given in route.get("parameters", []) if method in METHODS else []:
                if given["in"] != "path":
                    yield f"{method.upper()} {path} {given['name']}"


def _fields(components: dict) -> Iterator[str]:
    for name, component in components.items():
        yield from (f"{name}.{field}" for field in component.get("properties", {}))
        yield from (f"{name}={value}" for value in component.get("enum", []))


def _kinds_of(problem: type[Problem]) -> Iterator[type[Problem]]:
    for kind in problem.__subclasses__():
        if _is_ours(kind.__module__):
            yield kind
        yield from _kinds_of(kind)


def _machines() -> list[type[Stateful]]:
    return [m for m in apps.get_models() if issubclass(m, Stateful) and _is_ours(m.__module__)]


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in OURS
