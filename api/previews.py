"""A verb's own request is run and rolled back. Nothing is stored, nor the answer."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import Choice, MoneyText, StrictSerializer, UtcDateTime
from api.payments import ApprovePayment, RejectPayment
from api.staff import BulkResultOut, ReversePayment
from api.views import CallerView, Operation, StaffView, operation
from core.money import money_text
from core.problems import NotFound, PermissionDenied, WrongState
from engine import Busy
from workflows.reporting.previews import BillingPreview, preview_billing


class ChangeOut(serializers.Serializer):
    """An object that would be in another state. One that would be born has no id yet, and no source."""

    machine = serializers.CharField()
    object_id = serializers.UUIDField(allow_null=True)
    account_id = serializers.UUIDField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    target = serializers.CharField()


class PreviewedBalanceOut(serializers.Serializer):
    currency = serializers.CharField()
    amount = MoneyText()


class PreviewedEffectOut(serializers.Serializer):
    """What would be owed: a mail, or a timer. `due_at`: not before."""

    kind = serializers.CharField()
    machine = serializers.CharField(allow_blank=True)
    due_at = UtcDateTime(source="run_at")


class PreviewOut(serializers.Serializer):
    """What would happen. A mail may find that there is nothing to say any more when it leaves."""

    summary = serializers.CharField(help_text="All of it in one sentence, in English.")
    changes = ChangeOut(many=True)
    credits = serializers.IntegerField(help_text="Given; below zero: taken back.")
    balance = PreviewedBalanceOut(
        many=True, help_text="What comes to the customer's balance; below zero: what leaves it."
    )
    mails = PreviewedEffectOut(many=True)
    timers = PreviewedEffectOut(many=True)
    failing = serializers.ListField(
        child=serializers.CharField(), help_text="Kinds of what would follow and could not be done as things are."
    )


class BulkPreviewOut(PreviewOut):
    """The same of many, and what would become of each."""

    results = BulkResultOut(many=True)


def previewing(view: type[StaffView], response: type[PreviewOut] = PreviewOut) -> type[StaffView]:
    """What a POST to `view` would do, with the same body, permission and problems."""
    declared: Operation = view.post.operation  # type: ignore[attr-defined]

    class Previewing(view):  # type: ignore[misc, valid-type]
        keeps_answers = False

        @operation(response, request=declared.request, raises=(*declared.raises, Busy))
        def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
            found = preview_billing(lambda: view.post(self, request, *args, **kwargs), by=self.caller)  # type: ignore[attr-defined]
            self.answer_later = None  # there is nothing to wait for
            return Response(_row(found, found.engine.answer.data, response))

    first = (view.__doc__ or "").strip().split("\n")[0]
    words = re.sub(r"^POST [^:]*: ", "", first)
    kept_out = "The answer is never stored: an Idempotency-Key is let pass, and stays unused."
    Previewing.__doc__ = f"What would follow, and nothing is done: {words}\n\n{kept_out}"
    Previewing.__name__ = Previewing.__qualname__ = f"Preview{view.__name__}"
    return Previewing


class PreviewPayment(CallerView):
    """POST billing/admin/payments/{id}/preview/: what a decision would bring about, and nothing is done.

    `inputs` is the body that the verb takes; who may not decide so is refused as they would be then.
    """

    keeps_answers = False
    verbs = {
        "approve": previewing(ApprovePayment),
        "reject": previewing(RejectPayment),
        "reverse": previewing(ReversePayment),
    }

    class In(StrictSerializer):
        verb = Choice([(name, name) for name in ("approve", "reject", "reverse")])
        inputs = serializers.DictField(default=dict)

        EXAMPLE = {"verb": "approve", "inputs": {"amount_received": "89.00"}}

    @operation(PreviewOut, raises=(PermissionDenied, NotFound, WrongState, Busy))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        view = self.verbs[form.validated_data["verb"]](request=request, args=self.args, kwargs=self.kwargs)
        view.check_permissions(request)
        vars(request)["_full_data"] = form.validated_data["inputs"]  # as if posted to the verb's own path
        return view.post(request, pk)  # type: ignore[attr-defined, no-any-return]


def _row(found: BillingPreview, answer: Any, response: type[PreviewOut]) -> dict[str, Any]:
    row = {
        "summary": found.summary,
        "changes": [
            {
                "machine": each.machine,
                "object_id": each.object_id if each.source else None,
                "account_id": each.account_id,
                "source": each.source,
                "target": each.target,
            }
            for each in found.changes
        ],
        "credits": found.credits,
        "balance": [
            {"currency": currency, "amount": money_text(amount, currency)}
            for currency, amount in sorted(found.balance.items())
            if amount
        ],
        "mails": found.mails,
        "timers": found.engine.timers,
        "failing": [each.kind for each in found.engine.effects if each.pk in found.engine.failed],
    }
    if response is BulkPreviewOut:
        row["results"] = answer["results"]
    return dict(response(row).data)
