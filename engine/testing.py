from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, Literal
from unittest.mock import patch

from django.db.models import F

from engine import blocked, executor
from engine.executor import run_due
from engine.lease import LEASE, Sent
from engine.models import CircuitBreaker, Effect, EffectPause, Throttle
from engine.sweeper import sweep

Point = Literal["claim", "start", "work", "done"]

_NO_SESSION = 0  # no session has this pid


class SimulatedCrash(BaseException):
    """The end of the process: do not catch it."""


def run_effects() -> int:
    """Execute all that is due, without a broker; returns how many effects were claimed."""
    executed = 0
    while claimed := sum(run_due(ids) for ids in sweep()) + run_due():
        executed += claimed
    return executed


def advance(**time: float) -> None:
    """`advance(days=7)`. The database's clock cannot be set, so stored times of unfinished effects move back."""
    passed = timedelta(**time)
    unfinished = Effect.objects.exclude(state__in=Effect.FINISHED)
    unfinished.update(run_at=F("run_at") - passed, failing_since=F("failing_since") - passed)
    if passed > LEASE:
        unfinished.update(lease_until=F("lease_until") - passed)
    CircuitBreaker.objects.update(paused_until=F("paused_until") - passed)
    pauses = EffectPause.objects.filter(until__isnull=False).update(until=F("until") - passed)
    if pauses + Throttle.objects.update(free_at=F("free_at") - passed):
        blocked.invalidate()


@contextmanager
def crash_after(point: Point) -> Iterator[None]:
    """Simulate the death of this process when effects executed in the block reach that point; the block ends there.

    Raises AssertionError if no effect reached it.
    """
    held: list[Effect] = []

    def claim(original: Callable[..., int], claimed: list[Effect]) -> int:
        held.extend(claimed)
        if claimed and point == "claim":
            raise SimulatedCrash
        return original(claimed)

    def before(original: Callable[..., Any], *args: Any) -> Any:
        raise SimulatedCrash

    def after(original: Callable[..., Any], *args: Any) -> Any:
        original(*args)
        raise SimulatedCrash

    def after_writing(original: Callable[..., Any], sent: list[Sent]) -> Any:
        left = original(sent)
        if sent:
            raise SimulatedCrash
        return left

    deaths = {
        "claim": {},
        "start": {"_call": before},
        "work": {"_call": after},
        "done": {"_commit_together": after, "_keep": after_writing},
    }
    with ExitStack() as patches:
        for name, instead in {"_execute_all": claim, **deaths[point]}.items():
            patches.enter_context(patch.object(executor, name, _around(getattr(executor, name), instead)))
        try:
            yield
        except SimulatedCrash:
            for effect in held:
                mine = Effect.objects.filter(pk=effect.pk, fence=effect.fence, lease_until__isnull=False)
                mine.update(lease_pid=_NO_SESSION)
            return
    raise AssertionError(f"nothing came to the point {point!r}")


def _around(original: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: instead(original, *args)
