"""Functions under Django's `@task`, which the engine does."""

from __future__ import annotations

from uuid import UUID

try:
    from django.tasks import TaskContext, task
except ImportError:  # Django 5.2
    from django_tasks import TaskContext, task

from engine import create
from tests.toy import outside
from tests.toy.models import Door

FAILING: list[Exception] = []  # raised one by one, by who comes next


@task()
def build_doors(building: str, how_many: int) -> list[str]:
    doors = [Door(building=UUID(building)) for _ in range(how_many)]
    for door in doors:
        create(door)
    if FAILING:
        raise FAILING.pop(0)
    return [str(door.pk) for door in doors]


@task(takes_context=True)
def count_attempts(context: TaskContext) -> int:
    if FAILING:
        raise FAILING.pop(0)
    return context.attempt


@task(backend="outward")
def tell_caretaker(key: str) -> dict[str, str]:
    if FAILING:
        raise FAILING.pop(0)
    return outside.send("tell", key=UUID(key))


@task()
async def count_doors() -> int:
    return await Door.objects.acount()
