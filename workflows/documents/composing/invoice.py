from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core.models import CreditNote, Invoice, InvoiceLine
from core.models.invoice_line import lines_of
from core.payees.instructions import DEMO_WARNING
from core.payees.qr_codes import payment_code
from core.payees.references import on_paper
from workflows.documents.composing import parts
from workflows.documents.rendering.data import DocumentData, Section
from workflows.mail.payment_instructions import instructions_for, reference_for, ways_to_pay
from workflows.periods import last_day_of


def invoice_data(invoice: Invoice, language: str) -> DocumentData:
    """Of an issued invoice with its account, lines and method. What was paid later is told by receipts."""
    assert invoice.issued_on is not None
    data = parts.blank(
        "invoice", language=language, on=invoice.issued_on, title=_("Invoice"), number=invoice.number or ""
    )
    data["recipient"] = parts.recipient(_("Billed to"), invoice.customer_name, invoice.snapshot)
    data["facts"] = parts.facts(
        (_("Issued"), parts.day(invoice.issued_on)),
        (_("Due"), parts.day(invoice.due_on)),
        (_("Period"), period_of(invoice)),
        (_("Payment reference"), on_paper(invoice.payment_reference)),
    )
    lines = lines_of(invoice)
    data["sections"] = [line_table(lines, invoice.currency), *tax_tables(invoice)]
    data["totals"] = totals_of(invoice)
    data["notes"] = [*tax_notes(invoice), *parts.paragraphs(invoice.seller.terms if invoice.seller else "")]
    return asking(data, invoice, language)


def asking(data: DocumentData, invoice: Invoice, language: str) -> DocumentData:
    """With how to pay, and a warning of a demo's payee on each page."""
    is_demo = invoice.payment_method is not None and invoice.payment_method.is_demo
    return {
        **data,
        "payment": payment_part(invoice, language),
        "sign": DEMO_WARNING if is_demo else "",
    }


def line_table(lines: Sequence[InvoiceLine], currency: str) -> Section:
    is_taxed = any(line.tax_rate for line in lines)
    columns: list[tuple[Any, bool]] = [(_("Description"), False), (_("Quantity"), True), (_("Unit price"), True)]
    columns += [(_("Tax"), True)] if is_taxed else []
    columns.append((_("Amount"), True))
    rows = [
        [
            line.description,
            f"{line.quantity.normalize():f}",
            parts.price(line.unit_price, currency),
            *([f"{line.tax_rate.normalize():f} %"] if is_taxed else []),
            parts.money(line.net, currency),
        ]
        for line in lines
    ]
    return parts.table("", columns, rows)


def tax_tables(of: Invoice | CreditNote) -> list[Section]:
    """Only where tax is charged; other categories are told by a note."""
    taxes = [tax for tax in of.tax_details.get("taxes", []) if Decimal(tax["amount"])]
    rows = [row for tax in taxes for row in _tax_rows(tax, of.currency)]
    if len(rows) < 2:
        return []
    columns = [(_("Tax"), False), (_("On"), True), (_("Amount"), True)]
    return [parts.table("", columns, rows)]


def totals_of(of: Invoice | CreditNote) -> list[Any]:
    currency = of.currency
    if not of.tax:
        return [parts.total(_("Total"), of.total, currency, strong=True)]
    taxes = [tax for tax in of.tax_details.get("taxes", []) if Decimal(tax["amount"])]
    named = _tax_name(taxes[0]) if len(taxes) == 1 else _("Tax")
    assert of.net is not None
    return [
        parts.total(_("Net"), of.net, currency),
        parts.total(named, of.tax, currency),
        parts.total(_("Total"), of.total, currency, strong=True),
    ]


def tax_notes(of: Invoice | CreditNote) -> list[str]:
    """Why no tax is charged, and of whom it is owed."""
    taxes = of.tax_details.get("taxes", [])
    return [tax["reason"] for tax in taxes if tax.get("reason")]


def period_of(invoice: Invoice) -> str:
    if invoice.period_start is None or invoice.period_end is None:
        return ""
    first, last = parts.day(invoice.period_start), parts.day(last_day_of(invoice.period_end))
    return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def payment_part(invoice: Invoice, language: str) -> Any:
    """A PaymentPart with its code as text, by the chosen method, else the first that fits; None if nothing is open."""
    methods = ways_to_pay(invoice) if invoice.status in Invoice.OPEN else []
    if not methods:
        return None
    method = next((each for each in methods if each.pk == invoice.payment_method_id), methods[0])
    reference = reference_for(invoice, method)
    code = payment_code(method, invoice.outstanding, invoice.currency, reference)
    return {
        "heading": _("How to pay: %(method)s") % {"method": method.name},
        "facts": [
            parts.fact(_("Amount"), parts.money(invoice.outstanding, invoice.currency)),
            parts.fact(_("Payment reference"), reference),
            *(parts.fact(line.label, line.value) for line in method.payee()),
        ],
        "text": _without_sign(instructions_for(method, invoice, language).text),
        "code": {
            "content": code,
            "alternative": _("Payment code for %(amount)s, reference %(reference)s")
            % {"amount": parts.money(invoice.outstanding, invoice.currency), "reference": reference},
            "caption": _("Scan to pay"),
        }
        if code
        else None,
    }


def _without_sign(text: str) -> list[str]:
    """It stands above all of a demo's paper."""
    return [line for line in parts.paragraphs(text) if line != DEMO_WARNING]


def _tax_rows(tax: dict[str, Any], currency: str) -> list[list[str]]:
    base = parts.money(Decimal(tax["base"]), currency)
    if not tax.get("parts"):
        return [[_tax_name(tax), base, parts.money(Decimal(tax["amount"]), currency)]]
    return [[label, base, parts.money(Decimal(amount), currency)] for label, amount in tax["parts"]]


def _tax_name(tax: dict[str, Any]) -> str:
    return f"{tax['label']} {tax['rate']} %" if tax.get("label") else f"{_('Tax')} {tax['rate']} %"
