"""What the engine costs by itself."""

from __future__ import annotations

from collections.abc import Sequence

from engine import effect_handler
from engine.models import Effect


@effect_handler("bench.one")
def one(subject: None, effect: Effect) -> None:
    """Alone: a commit of its own."""


@effect_handler("bench.batch", batch=100)
def batch(subjects: Sequence[None], effects: Sequence[Effect]) -> None:
    """With others of its kind: a commit for all of them."""


@effect_handler("bench.outside", external=True)
def outside(subject: None, effect: Effect) -> None:
    """External, and answered at once."""
