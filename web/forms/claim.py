from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.models import Invoice, PaymentMethod
from core.models.payment_method import CLAIM_FIELDS
from core.money import money_text
from web.forms.base import PageForm
from web.forms.fields import Amount, Choice, Day, Line, Lines, ProofLink
from workflows.actions.payments import check_told
from workflows.periods import database_now, today_in


class ClaimForm(PageForm):
    """The method decides which fields are required."""

    method = Choice(label=_("Paid with"), css="full")
    amount = Amount(label=_("Amount"))
    paid_on = Day(label=_("Paid on"), required=False)
    reference = Line(
        label=_("Reference"), max_length=140, required=False, css="full",
        help_text=_("The number that your bank, wallet or receipt gave this payment."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr", "autocapitalize": "characters"}),
    )  # fmt: skip
    payer_name = Line(label=_("Name of the payer"), max_length=140, required=False, css="full")
    notes = Lines(label=_("Notes for us"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    proof_url = ProofLink(
        label=_("Link to a proof"), max_length=1000, required=False, css="full",
        help_text=_("A receipt or screenshot that you keep somewhere. Only our staff open it."),
    )  # fmt: skip
    token = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, *args: Any, invoice: Invoice, methods: list[PaymentMethod], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.methods = {method.code: method for method in methods}
        self.today = today_in(invoice.account.time_zone, database_now())
        choice, amount = self.fields["method"], self.fields["amount"]
        choice.choices = [(method.code, method.name) for method in methods]  # type: ignore[attr-defined]
        amount.currency = invoice.currency  # type: ignore[attr-defined]
        amount.shown = money_text(invoice.outstanding, invoice.currency)  # type: ignore[attr-defined]
        amount.label = f"{amount.label} ({invoice.currency})"
        self.fields["paid_on"].widget.attrs["max"] = f"{self.today:%Y-%m-%d}"
        example = self._example()
        if example:
            self.fields["reference"].help_text = gettext("It looks like %(example)s.") % {"example": example}
        for name in self._needed():
            if name in self.fields:
                self.fields[name].is_needed = True  # type: ignore[attr-defined]
                self.fields[name].widget.attrs["aria-required"] = "true"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if method := self.methods.get(data.get("method", "")):
            self.add_errors_of(partial(check_told, method, **{name: data.get(name) for name in CLAIM_FIELDS}))
        return data

    def _example(self) -> str:
        method = self.methods.get(str(self["method"].value() or ""))
        return method.reference_example if method else ""

    def _needed(self) -> list[str]:
        method = self.methods.get(str(self["method"].value() or ""))
        return list(method.requires) if method else []


class LinkClaimForm(ClaimForm):
    """For who has no log-in: without notes and proof, where no method requires them."""

    def __init__(self, *args: Any, methods: list[PaymentMethod], **kwargs: Any) -> None:
        super().__init__(*args, methods=methods, **kwargs)
        for name in {"notes", "proof_url"}.difference(*(method.requires for method in methods)):
            del self.fields[name]
