from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from core.models import Plan
from core.problems import Problem


def home(request: HttpRequest) -> HttpResponse:
    plans = Plan.objects.public()
    return render(request, "web/home.html", {"plans": plans})


def all_problems(request: HttpRequest) -> HttpResponse:
    """Target of the `type` of problem documents (RFC 9457 3.1.1)."""
    return render(request, "web/problems.html", {"problems": _problems().values()})


def one_problem(request: HttpRequest, slug: str) -> HttpResponse:
    problem = _problems().get(slug)
    if problem is None:
        raise Http404
    return render(request, "web/problems.html", {"problems": [problem]})


def _problems() -> dict[str, dict[str, str | int]]:
    return {
        kind.slug: {"slug": kind.slug, "status": kind.status, "title": gettext(kind.TITLE)}
        for kind in sorted(Problem.__subclasses__(), key=lambda kind: (kind.status, kind.slug))
    }
