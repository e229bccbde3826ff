from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now

from web.staff.access import OPERATE, REVIEW, StaffRequest, may_see, staff_with
from workflows.reporting.review_stats import (
    DAYS,
    MAX_CLAIMS,
    daily_stats,
    dead_effects_per_day,
    dead_per_kind,
    oldest_ages,
    oldest_claim,
)

HEIGHT, HEAD, FOOT, SLOT, BAR = 160, 26, 24, 40, 22  # HEAD: for text above the tallest bar
MARGIN = 16  # for the last day's name


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    height: float
    tone: str


@dataclass(frozen=True)
class Chart:
    """highest: the value of the tallest column, as text."""

    title: str
    parts: tuple[str, ...]
    bars: list[Bar]
    highest: str


@staff_with(OPERATE, REVIEW)
def figures_page(request: StaffRequest) -> HttpResponse:
    *days, whole = daily_stats()
    ages, died = oldest_ages(), dead_effects_per_day()
    oldest = oldest_claim()
    context = {
        "days": [
            (
                day,
                duration_text(day.median_seconds),
                duration_text(day.p90_seconds),
                duration_text(age) if age else "",
                given_up,
            )
            for day, age, given_up in zip(days, ages, died, strict=True)
        ],
        "charts": [
            _counts("Decisions per day", [(day.approved, day.rejected) for day in days], "approved", "rejected"),
            _times(
                "From claim to decision",
                [(day.median_seconds, day.p90_seconds - day.median_seconds) for day in days],
                "half",
                "nine in ten",
            ),
            _times("Oldest claim at the end of the day", [(age,) for age in ages]),
            _counts("Effects given up per day", [(count,) for count in died]),
        ],
        "labels": [(n * SLOT + SLOT / 2, day.day) for n, day in enumerate(days) if n % 3 == 1],
        "whole": whole,
        "half": duration_text(whole.median_seconds),
        "most": duration_text(whole.p90_seconds),
        "decided": whole.approved + whole.rejected,
        "oldest": oldest,
        "oldest_age": duration_text((now() - oldest.created_at) / timedelta(seconds=1)) if oldest else "",
        "dead": dead_per_kind(),
        "span": DAYS,
        "latest": MAX_CLAIMS,
        "box": {"width": DAYS * SLOT + MARGIN, "height": HEIGHT + FOOT, "floor": HEIGHT, "bar": BAR},
        "may_operate": may_see(request.user, OPERATE),
    }
    return render(request, "web/staff/figures.html", context)


def _counts(title: str, columns: Sequence[tuple[int, ...]], *parts: str) -> Chart:
    highest = max(map(sum, columns), default=0)
    return Chart(title, parts, _bars(columns, highest), f"{highest:,}" if highest else "none")


def _times(title: str, columns: Sequence[tuple[float, ...]], *parts: str) -> Chart:
    highest = max(map(sum, columns), default=0)
    return Chart(title, parts, _bars(columns, highest), duration_text(highest) if highest else "none")


def _bars(columns: Sequence[tuple[float, ...]], highest: float) -> list[Bar]:
    bars = []
    for n, column in enumerate(columns):
        top: float = HEIGHT
        for tone, amount in zip(("bar", "bar-2"), column, strict=False):
            height = (HEIGHT - HEAD) * amount / (highest or 1)
            top -= height
            if height > 0:
                bars.append(Bar(n * SLOT + (SLOT - BAR) / 2, top, height, tone))
    return bars


def duration_text(seconds: float) -> str:
    """`42 s`, `12 min`, `5.5 h`, `3 d`"""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} d"
