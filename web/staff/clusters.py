from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from core.problems import Problem
from web.forms.base import PageForm
from web.forms.fields import Line
from web.staff.access import MANAGE, StaffRequest, staff_with
from workflows.actions.trials import Cluster, close_cluster, cluster_of, clusters, mark_seen


class ClusterForm(PageForm):
    reason = Line(
        label="Reason, where they are closed",
        required=False,
        max_length=500,
        css="full",
        help_text="Kept in the history of each account.",
    )


@staff_with(MANAGE)
def clusters_page(request: StaffRequest) -> HttpResponse:
    return render(request, "web/staff/clusters.html", {"clusters": clusters()})


@staff_with(MANAGE)
def cluster_page(request: StaffRequest, reason: str, key: str) -> HttpResponse:
    cluster = cluster_of(reason, key)
    if cluster is None:
        raise Http404("There is no such cluster any more.")
    form = ClusterForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_valid():
        try:
            _decide(request, cluster, form.cleaned_data["reason"])
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            return redirect("clusters")
    return render(request, "web/staff/cluster.html", {"cluster": cluster, "form": form}, status=status)


def _decide(request: StaffRequest, cluster: Cluster, reason: str) -> None:
    if request.POST.get("verb") == "close":
        closed, kept = close_cluster(cluster.reason, cluster.key, by=request.user, why=reason)
        messages.success(
            request, f"{closed} closed. {kept} left: they are on trial no more, or have claimed a payment."
        )
    else:
        count = mark_seen(cluster.reason, cluster.key, by=request.user)
        messages.success(request, f"{count} marked as seen.")
