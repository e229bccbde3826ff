"""How an invoice is paid, and what a claim of it begins with, for pages with and without a log-in."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from core.models import Invoice, PaymentMethod
from core.money import money_text
from core.payees.code_drawings import drawn_code
from core.payees.qr_codes import payment_code
from web.form_tokens import new_token
from web.forms.claim import ClaimForm
from workflows.mail.payment_instructions import instructions_for, reference_for, ways_to_pay


def new_claim_form(
    method: PaymentMethod | None,
    methods: list[PaymentMethod],
    found: Invoice,
    *,
    is_further: bool,
    kind: type[ClaimForm] = ClaimForm,
) -> ClaimForm:
    """Payer, date and reference stay empty: evidence must come from the customer."""
    initial = {"method": method and method.code, "token": new_token()}
    if not is_further:
        initial["amount"] = money_text(found.outstanding, found.currency)
    return kind(initial=initial, invoice=found, methods=methods)


def ways_of(found: Invoice, code: str) -> dict[str, Any]:
    methods = ways_to_pay(found)
    method = next((method for method in methods if method.code == code), methods[0] if methods else None)
    if method is None:
        return {"methods": methods, "method": None, "reference": found.payment_reference}
    return {"methods": methods, **way(method, found, get_language() or "en")}


def way(method: PaymentMethod, found: Invoice, language: str) -> dict[str, Any]:
    """What web/customer/way_to_pay.html shows of it."""
    reference = reference_for(found, method)
    return {
        "method": method,
        "reference": reference,
        "payee": method.payee(),
        "code": _drawn(payment_code(method, found.outstanding, found.currency, reference)),
        "instructions": instructions_for(method, found, language),
    }


def _drawn(text: str | None) -> SafeString:
    return mark_safe(drawn_code(text) if text else "")  # noqa: S308 - squares only
