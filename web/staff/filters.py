from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.db.models.functions import Now

from core.models import PaymentMethod
from core.models.invoice import names_invoice
from core.models.payment import normal_reference
from engine.ids import first_id_at
from web.forms.base import PageForm
from web.forms.fields import Amount, Choice, Line
from web.status_labels import DOCUMENT_KINDS, STATUSES

MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)
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


class DocumentFilter(PageForm):
    """What is no kind, status or month is ignored."""

    q = Line(required=False, max_length=100, label="Number or customer")
    kind = Choice(required=False)
    status = Choice(required=False)
    month = Line(required=False, max_length=7)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        states = [(code, words) for code, (words, _) in STATUSES["document"].items()]
        self.fields["kind"].choices = [("", "Any kind"), *DOCUMENT_KINDS.items()]  # type: ignore[attr-defined]
        self.fields["status"].choices = [("", "Any status"), *states]  # type: ignore[attr-defined]
        self.fields["q"].widget.attrs |= {"type": "search", "autocomplete": "off"}
        self.fields["month"].widget.attrs |= {"type": "month", "placeholder": "2026-11", "autocomplete": "off"}

    @property
    def chosen(self) -> dict[str, str]:
        self.is_valid()
        found = {name: str(value) for name, value in self.cleaned_data.items() if value}
        if first_of_month(found.get("month", "")) is None:
            found.pop("month", None)
        return found

    @property
    def condition(self) -> Q:
        chosen = self.chosen
        found = Q(**{name: chosen[name] for name in ("kind", "status") if name in chosen})
        if first := first_of_month(chosen.get("month", "")):
            after = (first + timedelta(days=31)).replace(day=1)
            found &= Q(pk__gte=_first_id_of(first), pk__lt=_first_id_of(after))
        if words := chosen.get("q", ""):
            found &= (
                Q(number__in=[words, words.upper()])
                | Q(account__name__icontains=words)
                | Q(account__billing_email__iexact=words)
            )
        return found


def first_of_month(text: str) -> date | None:
    """Of `2026-11`; None if it is no month that documents may be of."""
    return date.fromisoformat(f"{text}-01") if MONTH.fullmatch(text) else None


def _first_id_of(day: date) -> Any:
    return first_id_at(datetime.combine(day, time(), UTC))


def _mentions(words: str) -> Q:
    key = normal_reference(words)
    found = (
        Q(account__name__icontains=words)
        | names_invoice(words, path="invoice__")
        | Q(payer_name__icontains=words)
        | Q(account__billing_email__iexact=words)
    )
    return found | Q(reference_key__contains=key) if key else found
