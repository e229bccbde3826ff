from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from engine.models import Transition
from engine.registry import follow_ups, machine_name
from engine.stateful import Stateful, edges_of
from web.staff.access import OPERATE, REVIEW, StaffRequest, may_see, staff_with
from web.staff.diagram import Diagram, draw
from web.status_labels import STATUSES
from workflows.reporting.estimated_counts import Estimate, estimated_counts
from workflows.reporting.history import HistoryNode, history_of
from workflows.reporting.state_diagrams import machine_models, states_of

WINDOW = 10_000  # the newest rows: the cost does not grow with the history
ROWS = 50


@staff_with(OPERATE, REVIEW)
def machines_page(request: StaffRequest) -> HttpResponse:
    models = _machines()
    tallies = estimated_counts(*((model, "status") for model in models.values()))
    drawn = [_drawing(name, model, counts) for (name, model), counts in zip(models.items(), tallies, strict=True)]
    return render(request, "web/staff/machines.html", {"machines": drawn})


@staff_with(OPERATE, REVIEW)
def rows(request: StaffRequest, machine: str) -> HttpResponse:
    """Objects in one state, or the latest transitions of one name."""
    model = _known(machine)
    state, name = request.GET.get("state", ""), request.GET.get("transition", "")
    context: dict[str, Any] = {"machine": machine, "window": WINDOW, "states": states_of(model), "state": state}
    if name:
        if name not in {"begin", *(edge for edge, _, _ in edges_of(model))}:
            raise Http404
        newest = Transition.objects.order_by("-id").values("pk")[:WINDOW]
        steps = Transition.objects.filter(pk__in=newest, machine=machine, name=name).select_related("actor")
        return render(
            request, "web/staff/machine_steps.html", {**context, "name": name, "steps": steps.order_by("-id")[:ROWS]}
        )
    if state and state not in states_of(model):
        raise Http404
    newest_rows = model._base_manager.order_by("-id").values("pk")[:WINDOW]
    found: QuerySet[Any] = model._base_manager.filter(pk__in=newest_rows).order_by("-id")
    if state:
        found = found.filter(status=state)
    if machine != "account":
        found = found.select_related("account", *({"subscription": ["plan"], "payment": ["invoice"]}.get(machine, [])))
    return render(request, "web/staff/machine_rows.html", {**context, "rows": found[:ROWS]})


@staff_with(OPERATE, REVIEW)
def history(request: StaffRequest, machine: str, pk: UUID) -> HttpResponse:
    model = _known(machine)
    row = model._base_manager.filter(pk=pk).first()
    if row is None:
        raise Http404
    context = {
        "machine": machine,
        "row": row,
        "lines": [line for root in history_of(machine, pk) for line in _lines(root, 0)],
        "home": _home(request, machine, pk),
        "may_operate": may_see(request.user, OPERATE),
    }
    return render(request, "web/staff/history.html", context)


def _lines(step: HistoryNode, depth: int) -> list[tuple[str, Any, int]]:
    """The causal tree as (row, depth): a transition, its effects, then what followed."""
    found: list[tuple[str, Any, int]] = [("transition", step.transition, depth)]
    found += [("effect", effect, depth + 1) for effect in step.effects]
    for following in step.follows:
        found += _lines(following, depth + 1)
    return found


def _home(request: StaffRequest, machine: str, pk: UUID) -> str:
    """Empty for users who may not see it."""
    pages = {"payment": "desk_payment", "invoice": "desk_invoice", "account": "desk_account"}
    return reverse(pages[machine], args=[pk]) if machine in pages and may_see(request.user, REVIEW) else ""


def _drawing(name: str, model: type[Stateful], counts: Estimate) -> dict[str, Any]:
    diagram: Diagram = draw(model)
    purpose = (model.__doc__ or "").strip().splitlines()[0]
    named = STATUSES.get(name, {})
    states = [
        {"box": box, "count": counts.counts.get(box.name, 0), "tone": named.get(box.name, ("", ""))[1]}
        for box in diagram.boxes
    ]
    edges = [
        (
            edge,
            source,
            target,
            [line.kind.name for line in follow_ups.get((name, edge), ()) if line.to in (None, target)],
        )
        for edge, source, target in edges_of(model)
    ]
    return {
        "name": name,
        "purpose": purpose,
        "diagram": diagram,
        "states": states,
        "edges": edges,
        "is_exact": counts.is_exact,
    }


def _machines() -> dict[str, type[Stateful]]:
    return {machine_name(model): model for model in machine_models() if machine_name(model) in STATUSES}


def _known(machine: str) -> type[Stateful]:
    models = _machines()
    if machine not in models:
        raise Http404
    return models[machine]
