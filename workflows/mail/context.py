"""The values of each mail's template, from loaded objects without queries, in the active language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from core.models import (
    Account,
    CreditNote,
    Document,
    DutyGrant,
    Invitation,
    Invoice,
    PayeeVersion,
    Payment,
    PaymentMethod,
    Refund,
    Subscription,
    User,
)
from core.models.document import SELLER, TAX_RULE
from core.payees.references import on_paper
from engine.models import Effect
from workflows.mail import urls
from workflows.mail.formatting import BidiText, CustomerText, NoWrap, count, day, moment, money, period_text
from workflows.mail.payment_instructions import Instructions, instructions_for, reference_for
from workflows.mail.rejection_reasons import reason_for
from workflows.payees.changes import Change
from workflows.periods import last_day_of

Values = dict[str, Any]
NAME_IN_LIST, ERROR_LENGTH = 40, 200  # characters


def trial_started(account: Account) -> Values:
    return {
        **_account(account),
        "credits": count(account.credits),
        "ends": day(account.trial_ends_on),
        "link": urls.dashboard(),
    }


def trial_ending(account: Account) -> Values:
    return {**_account(account), "ends": day(account.trial_ends_on), "link": urls.plan()}


def trial_ended(account: Account, open_invoice: Invoice | None) -> Values:
    if open_invoice is None:
        return {**_account(account), "has_chosen": False, "link": urls.plan()}
    return {**_invoice(open_invoice), "has_chosen": True}


def invoice_issued(invoice: Invoice, plan: str, methods: Sequence[PaymentMethod]) -> Values:
    return {
        **_invoice(invoice, plan),
        **_how_to_pay(invoice, methods),
        "purpose": invoice.purpose,
        "starts": day(invoice.period_start),
        "is_paid": invoice.status == Invoice.Status.PAID,
        "hosted_link": "",
        "from_balance": _unless_zero(invoice.allocated, invoice.currency),
    }


def invoice_reminder(invoice: Invoice, plan: str, methods: Sequence[PaymentMethod], *, days_late: int) -> Values:
    """days_late: negative before the due date."""
    return {
        **_invoice(invoice, plan),
        **_how_to_pay(invoice, methods),
        "is_late": days_late > 0,
        "is_today": days_late == 0,
        "hosted_link": "",
    }


def payment_submitted(payment: Payment, *, days_waiting: int = 0) -> Values:
    """days_waiting: since the claim, if it has waited too long; else 0."""
    return {
        **_payment(payment),
        "claims": (),
        "method": BidiText(payment.method.name),
        "payer": CustomerText(payment.payer_name),
        "by_link": _reader_of(payment),
        "paid_on": day(payment.paid_on),
        "notes": payment.notes,
        "days_waiting": days_waiting,
        "link": urls.review(payment),
    }


def payments_submitted(payments: Sequence[Payment], total: int) -> Values:
    """payments: the first, with their accounts."""
    return {
        "count": total,
        "claims": [
            {
                "amount": money(payment.amount, payment.currency),
                "name": CustomerText(Truncator(payment.account.name).chars(NAME_IN_LIST)),
            }
            for payment in payments
        ],
        "others": total - len(payments),
        "link": urls.desk(),
    }


def payment_approved(payment: Payment, plan: str, *, allocated: Decimal, to_balance: Decimal) -> Values:
    """allocated: of this payment to its invoice."""
    invoice = payment.invoice
    subscription = invoice and invoice.subscription
    is_open = subscription is not None and subscription.status == Subscription.Status.ACTIVE
    is_paid = invoice is not None and invoice.status == Invoice.Status.PAID and allocated > 0
    is_welcome = is_paid and is_open and invoice is not None and invoice.purpose == Invoice.Purpose.FIRST
    needs_more = invoice is not None and invoice.status in Invoice.OPEN
    link = urls.payment(payment)
    if is_welcome:
        link = urls.dashboard()
    elif invoice is not None and needs_more:
        link = urls.invoice(invoice)
    elif not allocated:
        link = urls.balance()
    return {
        **_payment(payment),
        "short_name": CustomerText(Truncator(payment.account.name).chars(40)),  # leaves room for the news
        "plan": BidiText(plan),
        "is_welcome": is_welcome,
        "is_paid": is_paid,
        "is_part": allocated > 0 and needs_more,
        "is_needed": allocated > 0,
        "to_balance": _unless_zero(to_balance, payment.currency),
        "value_date": day(payment.value_date),
        "active_until": _last_day(subscription.period_end) if subscription and is_open else None,
        "credits": count(payment.account.credits),
        "link": link,
    }


def payment_rejected(payment: Payment, methods: Sequence[PaymentMethod]) -> Values:
    reason = reason_for(payment.reason_code)
    assert payment.invoice is not None  # what a bank line brought is not rejected
    return {
        **_payment(payment),
        **_how_to_pay(payment.invoice, methods),
        "reason": reason.what,
        "advice": reason.next,
        "notes": payment.admin_notes,
        "link": urls.invoice(payment.invoice),
    }


def payment_partial(invoice: Invoice, methods: Sequence[PaymentMethod]) -> Values:
    return {**_invoice(invoice), **_how_to_pay(invoice, methods), "paid": money(invoice.allocated, invoice.currency)}


def payment_reversed(payment: Payment, *, allocated: Decimal) -> Values:
    """allocated: to its invoice, before it went back."""
    return {
        **_payment(payment),
        "part": "",
        "reason": payment.reversal_reason,
        "reopened": _unless_zero(allocated, payment.currency),
        "link": urls.invoice(payment.invoice) if payment.invoice and allocated else urls.balance(),
    }


def credit_note_issued(note: CreditNote) -> Values:
    assert note.to_balance is not None
    off = note.total - note.to_balance
    return {
        **_account(note.account),
        "amount": money(note.total, note.currency),
        "number": BidiText(note.invoice.number or ""),
        "reason": note.reason,
        "off": _unless_zero(off, note.currency),
        "to_balance": _unless_zero(note.to_balance, note.currency),
        "link": urls.invoice(note.invoice),
    }


def refund_sent(refund: Refund) -> Values:
    return {
        **_account(refund.account),
        "amount": money(refund.amount, refund.currency),
        "payee": BidiText(refund.payee_name or ""),
        "payee_account": BidiText(_end_of(refund.payee_account or "")),
        "reference": BidiText(on_paper(refund.reference)),
        "sent_on": day(refund.sent_on),
        "link": urls.balance(),
    }


def refund_failed(refund: Refund) -> Values:
    return {**refund_sent(refund), "reason": refund.ended_because}


def document(paper: Document) -> Values:
    title = " ".join(filter(None, [paper.data["title"], paper.number]))
    return {**_account(paper.account), "paper": BidiText(title), "link": urls.papers()}


def _end_of(number: str) -> str:
    """Enough for who has the account to know it."""
    return f"… {number[-4:]}" if len(number) > 4 else ""


def payment_reversed_in_part(payment: Payment, part: Decimal, *, reason: str) -> Values:
    return {
        **_payment(payment),
        "part": money(part, payment.currency),
        "reason": reason,
        "reopened": "",
        "link": urls.payment(payment),
    }


def subscription_past_due(subscription: Subscription, invoice: Invoice | None, suspended_on: date | None) -> Values:
    return {**_subscription(subscription, invoice), "suspended_on": day(suspended_on)}


def subscription_suspended(subscription: Subscription, invoice: Invoice | None, given_up_on: date | None) -> Values:
    """given_up_on: the first day on which paying comes too late."""
    pays_for = BidiText("")
    if invoice is not None and invoice.period_start and invoice.period_end and invoice.began_on is None:
        pays_for = BidiText(period_text(invoice.period_start, invoice.period_end))
    return {**_subscription(subscription, invoice), "ends_on": _last_day(given_up_on), "pays_for": pays_for}


def subscription_cancelled(
    subscription: Subscription, *, unpaid: bool = False, successor: str = "", freed: Decimal = Decimal(0)
) -> Values:
    """successor: the plan that replaced it. freed: what was paid for what did not begin."""
    return {
        **_subscription(subscription, None),
        "is_unpaid": unpaid,
        "successor": BidiText(successor),
        "freed": money(freed, subscription.currency) if freed else "",
        "link": urls.dashboard() if successor else urls.plan(),
    }


def effects_dead(kind: str, effects: Iterable[Effect]) -> Values:
    rows = [
        {"state": effect.state, "attempts": effect.attempts, "error": Truncator(effect.last_error).chars(ERROR_LENGTH)}
        for effect in effects
    ]
    return {"kind": BidiText(kind), "effects": rows, "link": urls.effects(kind)}


def no_way_to_pay(places: Sequence[str], invoices: Sequence[Invoice], found: int) -> Values:
    """places: in English. invoices: the newest of those `found`."""
    return {
        "places": [BidiText(place) for place in places],
        "invoices": [
            {
                "number": BidiText(invoice.number or ""),
                "name": BidiText(invoice.account.name),
                "open": money(invoice.outstanding, invoice.currency),
            }
            for invoice in invoices
        ],
        "others": found - len(invoices),
        "link": urls.payment_methods(),
    }


def payee_changed(method: PaymentMethod, version: PayeeVersion, changes: Sequence[Change], *, waits: bool) -> Values:
    """waits: not in force yet."""
    return {
        "method": BidiText(method.name),
        "code": BidiText(method.code),
        "changes": changes,
        "waits": waits,
        "asked_by": BidiText(version.asked_by.email if version.asked_by else "the operator of the machine"),
        "confirmed_by": BidiText(version.confirmed_by.email if version.confirmed_by else ""),
        "at_once": version.at_once,
        "wait_hours": version.wait_hours,
        "alone_hours": version.alone_hours,
        "link": urls.payment_method(method),
    }


def documents_wait(kind: str, detail: str, number: int) -> Values:
    """kind: seller, tax_rule or letters. detail: the country, or what was missing."""
    mended_at = {SELLER: urls.company, TAX_RULE: urls.tax_rules}.get(kind, urls.waiting_documents)
    return {"kind": kind, "detail": BidiText(detail), "count": count(number), "link": mended_at()}


def no_owner(account: Account) -> Values:
    return {"name": BidiText(account.name), "link": urls.account(account)}


def address_refused(account: Account, email: str, answer: str) -> Values:
    return {**_account(account), "email": BidiText(email), "answer": answer, "link": urls.account(account)}


def duty_requested(grant: DutyGrant, *, alone: bool) -> Values:
    """alone: nobody else may confirm it, so it waits for a time."""
    return {**_grant(grant), "alone": alone, "waits_until": moment(grant.waits_until)}


def duty_granted(grant: DutyGrant) -> Values:
    confirmed_by = BidiText(grant.confirmed_by.email) if grant.confirmed_by else None
    return {**_grant(grant), "confirmed_by": confirmed_by, "is_taken": grant.kind == DutyGrant.Kind.TAKE}


def security_notice(user: User, *, is_password: bool, at: datetime) -> Values:
    return {"email": BidiText(user.email), "is_password": is_password, "at": moment(at), "link": urls.ask_for_reset()}


def test(user: User, *, server: str, at: datetime) -> Values:
    return {"email": BidiText(user.email), "server": BidiText(server), "at": moment(at), "link": urls.mail_settings()}


def password_reset(user: User, link: str) -> Values:
    return {"email": BidiText(user.email), "link": link}


def verify_email(user: User, link: str) -> Values:
    return {"email": BidiText(user.email), "link": link}


def verify_billing_email(account: Account, link: str) -> Values:
    return {"email": BidiText(account.billing_email), "link": link}


def member_invited(invitation: Invitation, link: str) -> Values:
    assert invitation.invited_by is not None
    return {
        **_account(invitation.account),
        "email": BidiText(invitation.email),
        "inviter": CustomerText(invitation.invited_by.email),
        "link": link,
    }


def members_let_go(account: Account) -> Values:
    return {**_account(account), "link": urls.members()}


def without_customer_text(values: Values) -> Values:
    """Without a word that the sender typed, and without a link to a page that has some."""
    return {name: _bare(name, value) for name, value in values.items()} | {"is_bare": True, "hosted_link": ""}


def _bare(name: str, value: Any) -> Any:
    match value:
        case CustomerText():
            return BidiText(_("customer")) if name in ("name", "short_name", "account_name") else ""
        case dict():
            return {key: _bare(key, each) for key, each in value.items()}
        case Instructions():
            with override(value.language):
                return replace(value, values=_bare("values", value.values))
    return value


def payee_of(method: PaymentMethod) -> list[tuple[str, BidiText]]:
    """(label, value): labels in the active language, an IBAN in groups of four."""
    return [(line.label, BidiText(_grouped(line.key, line.value))) for line in method.payee()]


def _account(account: Account) -> Values:
    return {"name": CustomerText(account.name), "link": urls.dashboard()}


def _invoice(invoice: Invoice, plan: str = "") -> Values:
    return {
        **_account(invoice.account),
        "number": NoWrap(invoice.number or ""),
        "plan": BidiText(plan),
        "total": money(invoice.total, invoice.currency),
        "outstanding": money(invoice.outstanding, invoice.currency),
        "is_open": invoice.status in Invoice.OPEN,
        "due": day(invoice.due_on),
        "link": urls.invoice(invoice),
    }


def _payment(payment: Payment) -> Values:
    """Without an invoice its number is empty."""
    own = _invoice(payment.invoice) if payment.invoice else {**_account(payment.account), "number": NoWrap("")}
    return {
        **own,
        "amount": money(payment.amount, payment.currency),
        "received": money(payment.received or payment.amount, payment.currency),
        "reference": CustomerText(payment.reference),
        "link": urls.payment(payment),
    }


def _reader_of(payment: Payment) -> CustomerText | None:
    if payment.claimed_by_link is None:
        return None
    return CustomerText(payment.claimed_by_link.recipient or "somebody who is not named")


def _grant(grant: DutyGrant) -> Values:
    assert grant.person is not None
    return {
        "person": BidiText(grant.person.email),
        "duties": BidiText(grant.words),
        "email": BidiText(grant.email) if grant.email else None,
        "asked_by": BidiText(grant.asked_by.email) if grant.asked_by else None,
        "reason": CustomerText(grant.reason),
        "link": urls.duties(grant.person),
    }


def _subscription(subscription: Subscription, invoice: Invoice | None) -> Values:
    about = _invoice(invoice) if invoice else {**_account(subscription.account), "number": "", "link": urls.plan()}
    return {**about, "plan": BidiText(subscription.plan.name)}


def _how_to_pay(invoice: Invoice, methods: Sequence[PaymentMethod]) -> Values:
    # The first in full; the others are on the invoice's page.
    if not methods or invoice.status not in Invoice.OPEN:
        return {"pay": None}
    method = methods[0]
    return {
        "pay": {
            "method": BidiText(method.name),
            "is_demo": method.is_demo,
            "amount": money(invoice.outstanding, invoice.currency),
            "reference": NoWrap(reference_for(invoice, method)),
            "payee": payee_of(method),
            "instructions": instructions_for(method, invoice, get_language() or "en"),
            "has_others": len(methods) > 1,
        }
    }


def _last_day(end: date | None) -> NoWrap | None:
    return day(last_day_of(end)) if end else None


def _grouped(key: str, value: str) -> str:
    if key != "iban":
        return value
    return " ".join(value[start : start + 4] for start in range(0, len(value), 4))


def _unless_zero(amount: Decimal, currency: str) -> BidiText | None:
    return money(amount, currency) if amount > 0 else None
