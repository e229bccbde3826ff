"""Numbers of invoices, receipts and credit notes: gapless per seller, kind and year."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db import connection

from core.models import NumberSeries, Seller
from core.validation.number_templates import INVOICE_TEMPLATES, has_year, number_text

KEPT_SECONDS = 60
# Invoices without a year go on in the series that they had before there were years.
WITHOUT_YEAR = "INV"

_NEXT = """
    INSERT INTO core_numberseries AS series (code, next, templates) VALUES (%s, 2, ARRAY[%s])
    ON CONFLICT (code) DO UPDATE SET next = series.next + 1, templates = CASE
        WHEN %s = ANY (series.templates) THEN series.templates ELSE array_append(series.templates, %s) END
    RETURNING next - 1"""


@dataclass(frozen=True)
class Number:
    text: str
    series: str
    count: int


def next_number(kind: str, *, on: date) -> Number:
    """INV-2026-000001, INV-2026-000002...: the series stays locked until the caller commits, so there are no gaps.

    kind: of `NUMBER_TEMPLATES`. on: the day that the document bears.
    """
    seller = Seller.current()
    template = seller.template_for(kind)
    series = series_of(seller, kind, template, on)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [series, template, template, template])
        count: int = cursor.fetchone()[0]
    return Number(number_text(template, year=on.year, number=count), series, count)


def following_number(seller: Seller, kind: str, template: str, *, on: date) -> str:
    """The number that would be next if the seller had this template; takes none."""
    count = next_count_of(series_of(seller, kind, template, on))
    return number_text(template, year=on.year, number=count)


def next_count_of(series: str) -> int:
    return NumberSeries.objects.filter(code=series).values_list("next", flat=True).first() or 1


def series_of(seller: Seller, kind: str, template: str, on: date) -> str:
    if has_year(template):
        return f"{seller.code}/{kind}/{on.year}"
    return WITHOUT_YEAR if kind == "invoice" else f"{seller.code}/{kind}"


def invoice_templates() -> tuple[str, ...]:
    """By which invoices were ever numbered, as of a minute ago at most."""
    return _templates(int(time.monotonic() // KEPT_SECONDS))


@lru_cache(maxsize=1)
def _templates(_minute: int) -> tuple[str, ...]:
    rows = NumberSeries.objects.filter(code__contains="/invoice/").values_list("templates", flat=True)
    used = [*(template for templates in rows for template in templates), Seller.current().template_for("invoice")]
    plain = NumberSeries.objects.filter(code=WITHOUT_YEAR).values_list("templates", flat=True)
    return tuple(dict.fromkeys([*INVOICE_TEMPLATES, *used, *(each for templates in plain for each in templates)]))
