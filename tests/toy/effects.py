"""What must follow, one effect each."""

from __future__ import annotations

from collections.abc import Sequence

from engine import effect_handler, perform
from engine.models import Effect
from tests.toy import outside
from tests.toy.models import Door, Visit


@effect_handler("toy.count", batch=10)
def count_visits(doors: Sequence[Door], effects: Sequence[Effect]) -> None:
    """Note each visit. What is written here commits together with the effects' DONE: never twice."""
    Visit.objects.bulk_create(
        Visit(door=door, effect_id=effect.pk) for door, effect in zip(doors, effects, strict=True)
    )


@effect_handler("toy.close")
def close_by_itself(door: Door, effect: Effect) -> None:
    """Shut the door, if it still stands open since the transition that this follows from."""
    if door.version == effect.seq:
        perform(door.close, cause=effect)


@effect_handler("toy.greet", external=True, timeout=5)
def greet(door: Door, effect: Effect) -> dict[str, str]:
    """Tell the caretaker. A second run is known by its key."""
    return outside.send("greet", key=effect.pk)


@effect_handler("toy.page", external=True, idempotent=False)
def page_porter(door: Door, effect: Effect) -> dict[str, str]:
    """Sound the porter's pager, which knows no keys: whether it rang cannot be found out."""
    return outside.send("page", key=effect.pk)


@effect_handler("toy.log", external=True, ordered=True)
def log_remotely(door: Door, effect: Effect) -> dict[str, str]:
    """Write one line to a log elsewhere, in the order in which the door moved."""
    return outside.send(f"{effect.seq}", key=effect.pk)
