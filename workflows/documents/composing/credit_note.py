from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from core.models import CreditNote, CreditNoteLine
from workflows.documents.composing import parts
from workflows.documents.composing.invoice import tax_notes, tax_tables, totals_of
from workflows.documents.rendering.data import DocumentData, Section


def credit_note_data(note: CreditNote, language: str, *, number: str) -> DocumentData:
    """Of an applied credit note with its account and invoice; amounts are positive."""
    assert note.issued_on is not None
    invoice = note.invoice
    data = parts.blank("credit_note", language=language, on=note.issued_on, title=_("Credit note"), number=number)
    data["recipient"] = parts.recipient(_("Credited to"), invoice.customer_name, invoice.snapshot)
    data["facts"] = parts.facts(
        (_("Date"), parts.day(note.issued_on)),
        (_("Of invoice"), invoice.number),
        (_("Of the day"), parts.day(invoice.issued_on)),
        (_("Reason"), note.reason),
    )
    data["sections"] = [credited_table(note.lines.all(), note.currency), *tax_tables(note)]
    data["totals"] = totals_of(note)
    data["notes"] = [*_places_of(note), *tax_notes(note)]
    return data


def credited_table(lines: Iterable[CreditNoteLine], currency: str) -> Section:
    listed = list(lines)
    is_taxed = any(line.tax_rate for line in listed)
    columns: list[tuple[Any, bool]] = [(_("Description"), False)]
    columns += [(_("Tax"), True)] if is_taxed else []
    columns.append((_("Amount"), True))
    rows = [
        [
            line.description,
            *([f"{line.tax_rate.normalize():f} %"] if is_taxed else []),
            parts.money(line.net, currency),
        ]
        for line in listed
    ]
    return parts.table("", columns, rows)


def _places_of(note: CreditNote) -> list[str]:
    """Where the amount went."""
    assert note.to_balance is not None
    off = note.total - note.to_balance
    words = []
    if off:
        words.append(_("%(amount)s less is to be paid of the invoice.") % {"amount": parts.money(off, note.currency)})
    if note.to_balance:
        amount = {"amount": parts.money(note.to_balance, note.currency)}
        words.append(_("%(amount)s was paid already and is in your balance now.") % amount)
    return words
