from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from core.models import CreditNote, Invoice
from core.models.invoice_line import lines_of
from workflows.documents.composing import parts
from workflows.documents.composing.credit_note import credited_table
from workflows.documents.composing.invoice import line_table, tax_notes, tax_tables, totals_of
from workflows.documents.rendering.data import DocumentData
from workflows.tax.crediting import credited, lines_left


def cancellation_data(invoice: Invoice, language: str, *, number: str, on: date, reason: str) -> DocumentData:
    """A credit note over all that is left of an issued invoice of which nothing is paid; its amounts are positive."""
    data = parts.blank("cancellation", language=language, on=on, title=_("Cancellation"), number=number)
    data["recipient"] = parts.recipient(_("Credited to"), invoice.customer_name, invoice.snapshot)
    data["facts"] = parts.facts(
        (_("Date"), parts.day(on)),
        (_("Of invoice"), invoice.number),
        (_("Of the day"), parts.day(invoice.issued_on)),
        (_("Reason"), reason),
    )
    if invoice.credited:
        left = lines_left(invoice)
        rest = credited(invoice, left, {each.line.position: each.gross for each in left if each.gross})
        note = CreditNote(
            currency=invoice.currency, net=rest.net, tax=rest.tax, total=rest.total, tax_details={"taxes": rest.taxes}
        )
        data["sections"] = [credited_table(rest.lines, invoice.currency), *tax_tables(note)]
        data["totals"] = totals_of(note)
    else:
        data["sections"] = [line_table(lines_of(invoice), invoice.currency), *tax_tables(invoice)]
        data["totals"] = totals_of(invoice)
    data["notes"] = tax_notes(invoice)
    return data
