from __future__ import annotations

BUDGET = 2.0  # seconds after which a run begins no further effect
NEWEST_WEIGHT = 0.3  # of the newest call in the moving mean

_mean: dict[str, float] = {}  # seconds, by lane


def note(lane: str, seconds: float) -> None:
    known = _mean.get(lane, seconds)
    _mean[lane] = known + NEWEST_WEIGHT * (seconds - known)


def expected(lane: str) -> float:
    return _mean.get(lane, 0.0)


def claim_limit(lane: str, limit: int) -> int:
    mean = expected(lane)
    return limit if mean * limit <= BUDGET else max(1, int(BUDGET / mean))
