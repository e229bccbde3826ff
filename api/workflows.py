"""The engine's API for operators: machines, transitions, effects, failures."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import Choice, StrictBoolean, StrictSerializer, Text, UuidField
from api.payments import TransitionOut
from api.query import ListQuery, Query
from api.views import CallerView, operation
from core.problems import WrongState
from engine import allowed_actions, retry, retry_many, skip
from engine.conf import OPERATE_PERMISSION
from engine.failures import failures
from engine.models import Batch, Effect, EffectEvent, Transition
from engine.registry import follow_ups, machine_name
from engine.stateful import Stateful, edges_of, initial_states
from workflows.reporting.state_diagrams import machine_models, mermaid, mermaid_of_all, states_of
from workflows.reporting.waiting import work_blocked_by


class OperatesEffects(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.has_perm(OPERATE_PERMISSION))


class OperatorView(CallerView):
    permission = OPERATE_PERMISSION
    permission_classes = [OperatesEffects]


class EffectOut(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(Effect.State.choices)
    lane = serializers.CharField()
    account_id = serializers.UUIDField()
    machine = serializers.CharField()
    object_id = serializers.UUIDField()
    transition_id = serializers.UUIDField(allow_null=True)
    attempts = serializers.IntegerField()
    crashes = serializers.IntegerField()
    last_error = serializers.CharField()
    cause = serializers.CharField(help_text="Of the last error: its class, and the far side's code if it gave one.")
    created_at = serializers.DateTimeField()
    run_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    took = serializers.IntegerField(allow_null=True, help_text="Milliseconds.")
    available = serializers.SerializerMethodField()

    def get_available(self, effect: Effect) -> list[str]:
        return allowed_actions(effect, self.context["request"].user)


class BatchOut(serializers.Serializer):
    """Effects that belong together, and how far they are."""

    id = serializers.UUIDField()
    key = serializers.CharField(source="then.key")
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    skipped = serializers.IntegerField()
    stuck = serializers.IntegerField(help_text="Dead or uncertain: the batch stays open until somebody sees to them.")
    note = serializers.CharField(help_text="What came of it, once it is complete.")
    then_id = serializers.UUIDField(help_text="The effect that follows when all of them are done or skipped.")
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class EventOut(serializers.Serializer):
    what = serializers.ChoiceField(EffectEvent.What.choices)
    at = serializers.DateTimeField()
    detail = serializers.CharField()
    actor_id = serializers.UUIDField(allow_null=True)
    fence = serializers.IntegerField()
    payload = serializers.JSONField(help_text="As it was before an edit.")


class WaitsOut(serializers.Serializer):
    """What waits for an effect that is not over."""

    says = serializers.ListField(child=serializers.CharField(), help_text="All of it, in sentences.")
    released = serializers.ListField(
        child=serializers.UUIDField(), help_text="Effects that may run as soon as it is done or skipped."
    )
    later = serializers.IntegerField(help_text="How many of the same object may run after those, in their turn.")
    missing = serializers.IntegerField(help_text="How many of its batch are not over, this one with them.")


class StoryOut(EffectOut):
    """An effect with all that is known of it."""

    key = serializers.CharField()
    revision = serializers.IntegerField()
    payload = serializers.JSONField()
    outcome = serializers.JSONField()
    batch_id = serializers.UUIDField(allow_null=True)
    fence = serializers.IntegerField()
    lease_until = serializers.DateTimeField(allow_null=True)
    events = serializers.SerializerMethodField()
    causes = serializers.SerializerMethodField()
    waits = serializers.SerializerMethodField()

    @extend_schema_field(EventOut(many=True))
    def get_events(self, effect: Effect) -> Any:
        return EventOut(effect.events.order_by("id"), many=True).data

    @extend_schema_field(TransitionOut(many=True))
    def get_causes(self, effect: Effect) -> Any:
        """The transition it follows from, what that one followed from, and so on to the person who asked."""
        return TransitionOut(effect.transition.causes() if effect.transition else [], many=True).data

    @extend_schema_field(WaitsOut)
    def get_waits(self, effect: Effect) -> Any:
        waits, says = work_blocked_by(effect)
        released = [row.pk for row in waits.released]
        return {"says": says, "released": released, "later": waits.later, "missing": waits.missing}


class EdgeOut(serializers.Serializer):
    name = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()


class FollowerOut(serializers.Serializer):
    transition = serializers.CharField()
    kind = serializers.CharField()
    to = serializers.CharField(allow_null=True)
    after = serializers.IntegerField(help_text="Seconds.")


class MachineOut(serializers.Serializer):
    name = serializers.CharField()
    states = serializers.ListField(child=serializers.CharField())
    births = serializers.ListField(child=serializers.CharField())
    edges = EdgeOut(many=True)
    followers = FollowerOut(many=True)


class FailureOut(serializers.Serializer):
    kind = serializers.CharField()
    cause = serializers.CharField()
    state = serializers.ChoiceField(Effect.State.choices)
    tried = serializers.ChoiceField(["never", "attempted", "uncertain"])
    count = serializers.IntegerField()
    oldest = serializers.DateTimeField()
    example = serializers.UUIDField(help_text="The newest of these effects.")


class BulkRetryOut(serializers.Serializer):
    matched = serializers.IntegerField()
    retried = serializers.IntegerField()


class Machines(OperatorView):
    """GET workflows/machines/: states, edges and followers; `?format=mermaid` draws them."""

    class In(Query):
        machine = Text(max_length=40, required=False)
        format = Choice(["json", "mermaid"], default="json")

    @operation([MachineOut], text_types=("text/vnd.mermaid",))
    def get(self, request: Request) -> Response | HttpResponse:
        query = self.query
        models = {machine_name(model): model for model in machine_models()}
        if "machine" in query:
            models = {query["machine"]: _known(models, query["machine"])}
        if query["format"] == "mermaid":
            drawn = [*models.values()]
            text = mermaid(drawn[0]) if "machine" in query else mermaid_of_all(drawn)
            return HttpResponse(text + "\n", content_type="text/vnd.mermaid; charset=utf-8")
        machines = [_machine(name, model) for name, model in models.items()]
        return Response({"results": machines, "next": None, "previous": None})


class Transitions(OperatorView, ListAPIView):
    """GET workflows/transitions/: what happened, newest first."""

    serializer_class = TransitionOut

    class Filters(ListQuery):
        ordering = Choice(["-at", "at"], required=False, help_text="The newest first, or the oldest.")
        machine = Text(max_length=40, required=False)
        object_id = UuidField(required=False)
        name = Text(max_length=60, required=False)
        actor = UuidField(required=False)

    def get_queryset(self) -> QuerySet[Transition]:
        filters = dict(self.query)
        machines = {machine_name(model): model for model in machine_models()}
        if "machine" in filters:
            _known(machines, filters["machine"])
        elif "object_id" in filters:
            filters["machine__in"] = list(machines)  # the index of objects begins with it
        return Transition.objects.filter(**filters)


class Effects(OperatorView, ListAPIView):
    """GET workflows/effects/: what is or was owed, newest first."""

    serializer_class = EffectOut

    class Filters(ListQuery):
        state = Choice(Effect.State.choices, required=False)
        kind = Text(max_length=60, required=False)
        lane = Text(max_length=20, required=False)
        object_id = UuidField(required=False)
        account_id = UuidField(required=False)
        batch_id = UuidField(required=False)

    def get_queryset(self) -> QuerySet[Effect]:
        return Effect.objects.filter(**self.query)


class Batches(OperatorView, ListAPIView):
    """GET workflows/batches/: effects that belong together and how far they are, newest first."""

    serializer_class = BatchOut

    class Filters(ListQuery):
        state = Choice(["open", "complete"], required=False, help_text="Complete: all effects are done or skipped.")

    def get_queryset(self) -> QuerySet[Batch]:
        found = Batch.objects.select_related("then").with_stuck()
        if "state" in self.query:
            found = found.filter(completed_at__isnull=self.query["state"] == "open")
        return found


class EffectStory(OperatorView):
    """GET workflows/effects/{id}/: an effect and its story."""

    @operation(StoryOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return _story(request, pk)


class RetryEffect(OperatorView):
    """POST workflows/effects/{id}/retry/: let it run again now, with another payload if one is given."""

    class In(StrictSerializer):
        reason = Text(default="", max_length=2000, allow_blank=True, lines=True)
        payload = serializers.DictField(required=False)

    @operation(StoryOut, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        retry(get_object_or_404(Effect, pk=pk), by=self.caller, **form.validated_data)
        return _story(request, pk)


class SkipEffect(OperatorView):
    """POST workflows/effects/{id}/skip/: it need not happen any more."""

    class In(StrictSerializer):
        reason = Text(max_length=2000, lines=True)

    @operation(StoryOut, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        skip(get_object_or_404(Effect, pk=pk), by=self.caller, **form.validated_data)
        return _story(request, pk)


class Failures(OperatorView):
    """GET workflows/failures/: what is dead, uncertain or tried again, by kind and cause; the largest groups first."""

    @operation([FailureOut])
    def get(self, request: Request) -> Response:
        return Response({"results": FailureOut(failures(), many=True).data, "next": None, "previous": None})


class BulkRetry(OperatorView):
    """POST workflows/effects/bulk-retry/: the dead ones, or those of another state; `dry_run` only counts."""

    class In(StrictSerializer):
        kind = Text(max_length=60, required=False)
        cause = Text(max_length=120, required=False)
        state = Choice([*map(str, Effect.NEEDS_ATTENTION), "waiting"], default=str(Effect.State.DEAD))
        dry_run = StrictBoolean(default=False)
        reason = Text(default="", max_length=2000, allow_blank=True, lines=True)

    @operation(BulkRetryOut)
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        wanted = Effect.objects.filter(**{name: data[name] for name in ("state", "kind", "cause") if name in data})
        matched = retry_many(wanted, by=self.caller, dry_run=True)
        retried = 0 if data["dry_run"] else retry_many(wanted, by=self.caller, reason=data["reason"])
        return Response({"matched": matched, "retried": retried})


def _story(request: Request, pk: UUID) -> Response:
    effect = get_object_or_404(Effect.objects.select_related("transition"), pk=pk)
    return Response(StoryOut(effect, context={"request": request}).data)


def _machine(name: str, model: type[Stateful]) -> dict[str, Any]:
    return {
        "name": name,
        "states": states_of(model),
        "births": list(initial_states(model)),
        "edges": [{"name": edge, "source": source, "target": target} for edge, source, target in edges_of(model)],
        "followers": [
            {"transition": edge, "kind": line.kind.name, "to": line.to, "after": int(line.after.total_seconds())}
            for (machine, edge), lines in sorted(follow_ups.items())
            if machine == name
            for line in lines
        ],
    }


def _known(machines: dict[str, type[Stateful]], name: str) -> type[Stateful]:
    if name not in machines:
        raise serializers.ValidationError({"machine": [f"There are: {', '.join(sorted(machines))}."]})
    return machines[name]
