"""How reviewing goes, as charts that the server draws, each with its table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now

from web.staff.door import OPERATE, REVIEW, Visit, may_see, staff_with
from workflows.figures import DAYS, LATEST, dead_per_kind, oldest_claim, paces

WIDTH, HEIGHT, FOOT, SLOT, BAR = 560, 150, 20, 40, 22


@dataclass(frozen=True)
class Bar:
    """One part of a column of a chart."""

    x: float
    y: float
    height: float
    tone: str


@staff_with(OPERATE, REVIEW)
def figures_page(request: Visit) -> HttpResponse:
    *days, whole = paces()
    highest = max((day.approved + day.rejected for day in days), default=0) or 1
    slowest = max((day.most for day in days), default=0) or 1
    oldest = oldest_claim()
    context = {
        "days": [(day, in_words(day.half), in_words(day.most)) for day in days],
        "labels": [(n * SLOT + SLOT / 2, day.day) for n, day in enumerate(days) if n % 2],
        "whole": whole,
        "half": in_words(whole.half),
        "most": in_words(whole.most),
        "decided": whole.approved + whole.rejected,
        "counts": [bar for n, day in enumerate(days) for bar in _stack(n, highest, day.approved, day.rejected)],
        "times": [bar for n, day in enumerate(days) for bar in _stack(n, slowest, day.half, day.most - day.half)],
        "highest": highest,
        "slowest": in_words(slowest if slowest > 1 else 0),
        "oldest": oldest,
        "oldest_age": in_words((now() - oldest.created_at) / timedelta(seconds=1)) if oldest else "",
        "dead": dead_per_kind(),
        "span": DAYS,
        "latest": LATEST,
        "box": {"width": WIDTH, "height": HEIGHT + FOOT, "floor": HEIGHT, "bar": BAR},
        "may_operate": may_see(request.user, OPERATE),
    }
    return render(request, "web/staff/figures.html", context)


def _stack(n: int, highest: float, low: float, high: float) -> list[Bar]:
    """Two parts one above the other."""
    room = HEIGHT - 16
    below, above = room * low / highest, room * high / highest
    x = n * SLOT + (SLOT - BAR) / 2
    parts = [Bar(x, HEIGHT - below, below, "bar"), Bar(x, HEIGHT - below - above, above, "bar-2")]
    return [part for part in parts if part.height > 0]


def in_words(seconds: float) -> str:
    """`42 s`, `12 min`, `5.5 h`, `3 d`"""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} d"
