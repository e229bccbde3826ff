from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import Choice, StrictInteger, StrictSerializer, Text
from api.views import operation
from api.workflows import OperatorView
from core.problems import WrongState
from engine import let_go, pause, resume
from engine.models import LET_GO_MOST, EffectPause, Throttle
from engine.pauses import COUNT_LIMIT, pauses, set_rate, waiting_for
from engine.registry import rates


class PauseOut(serializers.Serializer):
    id = serializers.UUIDField()
    scope = serializers.ChoiceField(EffectPause.Scope.choices)
    name = serializers.CharField(help_text="Of the kind or lane; the id of the account.")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    by_id = serializers.UUIDField()
    waiting = serializers.SerializerMethodField(help_text=f"Due and stopped by it; above {COUNT_LIMIT}: more.")
    let_go = serializers.SerializerMethodField(help_text="Effects that go all the same.")

    @extend_schema_field({"type": "integer"})
    def get_waiting(self, paused: EffectPause) -> int:
        return waiting_for(paused)

    @extend_schema_field({"type": "integer"})
    def get_let_go(self, paused: EffectPause) -> int:
        return len(paused.let_go)


class LetGoOut(serializers.Serializer):
    let_go = serializers.IntegerField()
    waiting = serializers.IntegerField()


class ResumedOut(serializers.Serializer):
    waited = serializers.IntegerField()


class RateOut(serializers.Serializer):
    throttle = serializers.CharField()
    rate = serializers.CharField(help_text="An operator's; empty: the declared one counts.")
    seconds = serializers.FloatField(allow_null=True, help_text="From one call to the next; null: as many as come.")


class Pauses(OperatorView):
    """GET workflows/pauses/: what is paused now. POST: pause more; what is new is recorded and waits."""

    class In(StrictSerializer):
        scope = Choice(EffectPause.Scope.values)
        name = Text(max_length=60, default="", allow_blank=True)
        reason = Text(max_length=2000, lines=True)
        hours = StrictInteger(least=1, most=8760, required=False, help_text="After which it ends by itself.")

    @operation([PauseOut])
    def get(self, request: Request) -> Response:
        return Response({"results": PauseOut(pauses(), many=True).data, "next": None, "previous": None})

    @operation(PauseOut, status=201, raises=(WrongState,))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        until = timezone.now() + timedelta(hours=data["hours"]) if "hours" in data else None
        made = pause(data["scope"], data["name"], by=self.caller, reason=data["reason"], until=until)
        return Response(PauseOut(made).data, status=201)


class LetGo(OperatorView):
    """POST workflows/pauses/{id}/let-go/: let the oldest of what it stops go."""

    class In(StrictSerializer):
        count = StrictInteger(least=1, most=LET_GO_MOST)

    @operation(LetGoOut, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        paused = get_object_or_404(EffectPause, pk=pk)
        gone = let_go(paused, form.validated_data["count"], by=self.caller)
        return Response({"let_go": gone, "waiting": waiting_for(paused)})


class Resume(OperatorView):
    """POST workflows/pauses/{id}/resume/: let all of it go."""

    @operation(ResumedOut, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        return Response({"waited": resume(get_object_or_404(EffectPause, pk=pk), by=self.caller)})


class Rates(OperatorView):
    """GET workflows/rates/: how often far sides are called. POST: another rate than the declared; empty: that one."""

    class In(StrictSerializer):
        throttle = Text(max_length=60)
        rate = Text(max_length=10, allow_blank=True, help_text="10/s, 100/m, 1000/h")

    @operation([RateOut])
    def get(self, request: Request) -> Response:
        return Response({"results": _rates(), "next": None, "previous": None})

    @operation(RateOut)
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        set_rate(data["throttle"], data["rate"], by=self.caller)
        return Response(next(each for each in _rates() if each["throttle"] == data["throttle"]))


def _rates() -> list[dict[str, Any]]:
    rows = {row.name: row for row in Throttle.objects.all()}
    found = []
    for name, declared in sorted(rates.items()):
        row = rows.get(name)
        every = (row.every if row else None) or declared
        seconds = every.total_seconds() if every else None
        found.append({"throttle": name, "rate": row.rate if row else "", "seconds": seconds})
    return found
