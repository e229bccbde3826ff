from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.db.models.functions import Now

from core.models import PaymentMethod
from core.models.invoice import names_invoice
from core.models.payment import normal_reference
from web.forms.base import PageForm
from web.forms.fields import Amount, Choice, Line

AGES = [("", "Any age"), ("1", "Over a day"), ("3", "Over 3 days"), ("7", "Over a week"), ("30", "Over a month")]


class QueueFilter(PageForm):
    """An invalid filter shows its error and is ignored."""

    q = Line(required=False, max_length=100, label="Search")
    country = Line(required=False, max_length=2)
    method = Choice(required=False)
    currency = Line(required=False, max_length=3)
    age = Choice(required=False, choices=AGES)
    least = Amount(required=False, label="From")
    most = Amount(required=False, label="To")

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        methods = PaymentMethod.objects.values_list("code", "name").order_by("name")
        self.fields["method"].choices = lambda: [("", "Any method"), *methods]  # type: ignore[attr-defined]
        self.fields["q"].widget.attrs |= {"type": "search", "placeholder": "Customer, invoice, reference"}
        for name in ("country", "currency"):
            self.fields[name].widget.attrs |= {"size": 4, "autocapitalize": "characters", "autocomplete": "off"}
        for amount in ("least", "most"):
            self.fields[amount].currency = ""  # type: ignore[attr-defined]  # any currency
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs.setdefault("autocomplete", "off")

    @property
    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    @property
    def has_more(self) -> bool:
        """A filter of the collapsed part is used."""
        return bool({"country", "currency", "least", "most"} & ({*self.chosen} | {*self.errors}))

    @property
    def condition(self) -> Q | None:
        chosen = self.chosen
        found = Q()
        columns = {"method": "method__code", "least": "amount__gte", "most": "amount__lte"}
        for name, column in columns.items():
            if name in chosen:
                found &= Q(**{column: chosen[name]})
        if "country" in chosen:
            found &= Q(account__country=chosen["country"].upper())
        if "currency" in chosen:
            found &= Q(currency=chosen["currency"].upper())
        if "age" in chosen:
            found &= Q(created_at__lt=Now() - timedelta(days=int(chosen["age"])))
        if "q" in chosen:
            found &= _mentions(chosen["q"])
        return found or None

    @property
    def query(self) -> str:
        return urlencode({name: str(value) for name, value in self.chosen.items()})


def _mentions(words: str) -> Q:
    key = normal_reference(words)
    found = (
        Q(account__name__icontains=words)
        | names_invoice(words, path="invoice__")
        | Q(payer_name__icontains=words)
        | Q(account__billing_email__iexact=words)
    )
    return found | Q(reference_key__contains=key) if key else found
