from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _

from core.models import Invoice, InvoiceLine
from workflows.documents.composing import parts
from workflows.documents.composing.invoice import line_table, tax_notes, tax_tables, totals_of
from workflows.documents.rendering.data import DocumentData


def proforma_data(
    invoice: Invoice, lines: Sequence[InvoiceLine], language: str, *, on: date, valid_until: date
) -> DocumentData:
    """What an invoice that nobody has issued would say, without a number and without a reference to pay under."""
    data = parts.blank("proforma", language=language, on=on, title=_("Proforma invoice"))
    data["recipient"] = parts.account_recipient(_("Made out to"), invoice.account)
    data["facts"] = parts.facts((_("Date"), parts.day(on)), (_("Valid until"), parts.day(valid_until)))
    data["sections"] = [line_table(lines, invoice.currency), *tax_tables(invoice)]
    data["totals"] = totals_of(invoice)
    data["notes"] = [_("This is no invoice: nothing is owed, and no tax is due by it."), *tax_notes(invoice)]
    return data
