from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from core.models import Invoice
from core.models.invoice_line import lines_of
from core.payees.references import on_paper
from workflows.documents.composing import parts
from workflows.documents.composing.invoice import asking
from workflows.documents.rendering.data import DocumentData


def reminder_data(invoice: Invoice, language: str, *, on: date) -> DocumentData:
    """Of an open invoice with its account, lines and method: what is left to pay, and how."""
    assert invoice.due_on is not None
    currency, days_late = invoice.currency, (on - invoice.due_on).days
    title = _("Reminder of invoice %(number)s") % {"number": invoice.number}
    data = parts.blank("reminder", language=language, on=on, title=title)
    data["recipient"] = parts.recipient(_("Billed to"), invoice.customer_name, invoice.snapshot)
    data["facts"] = parts.facts(
        (_("Date"), parts.day(on)),
        (_("Issued"), parts.day(invoice.issued_on)),
        (_("Due"), parts.day(invoice.due_on)),
        (_("Days late"), days_late if days_late > 0 else ""),
        (_("Payment reference"), on_paper(invoice.payment_reference)),
    )
    columns: list[tuple[Any, bool]] = [
        (_("Description"), False),
        (_("Invoice total"), True),
        (_("Already paid"), True),
        (_("Still to pay"), True),
    ]
    amounts = (invoice.demanded, invoice.allocated, invoice.outstanding)
    words = ", ".join(line.description for line in lines_of(invoice))
    data["sections"] = [parts.table("", columns, [[words, *(parts.money(each, currency) for each in amounts)]])]
    data["totals"] = [parts.total(_("To pay"), invoice.outstanding, currency, strong=True)]
    data["notes"] = [_("Please pay what is open, or tell us that you have.")]
    return asking(data, invoice, language)
