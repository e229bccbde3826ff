"""A moving mean of the duration of external calls, in this process: a claim is no larger than what fits in one run."""

from __future__ import annotations

BUDGET = 2.0  # seconds after which a run begins no further effect
NEWEST_WEIGHT = 0.3  # of the newest call in the moving mean

_mean: dict[str, float] = {}  # seconds, by lane


def note(lane: str, seconds: float) -> None:
    known = _mean.get(lane, seconds)
    _mean[lane] = known + NEWEST_WEIGHT * (seconds - known)


def expected(lane: str) -> float:
    """Seconds that the next call will take."""
    return _mean.get(lane, 0.0)


def fits(lane: str, limit: int) -> int:
    """How many of a lane to claim: `limit`, or what fits in the budget, at least one."""
    mean = expected(lane)
    return limit if mean * limit <= BUDGET else max(1, int(BUDGET / mean))
