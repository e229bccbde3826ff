from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

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
    Plan,
    Refund,
    Subscription,
    User,
)
from engine.models import Effect
from workflows.mail import context, urls
from workflows.mail.context import Values
from workflows.payees.changes import changes
from workflows.payees.example_instructions import INSTRUCTIONS

KEY = UUID("01900000-0000-7000-8000-000000000000")
AT = datetime(2026, 11, 4, 14, 5, tzinfo=UTC)
PAYEE = {
    "beneficiary": "Example Demo Ltd",
    "bank": "Example Bank",
    "iban": "DE89370400440532013000",
    "bic": "DEUTDEFFXXX",
    "sort_code": "00-00-00",
}


def account(**change: Any) -> Account:
    facts = {
        "name": "Example & Sons",
        "status": Account.Status.ACTIVE,
        "credits": 3000,
        "trial_ends_on": date(2026, 11, 17),
    }
    return Account(id=KEY, **facts | change)


def user(**change: Any) -> User:
    return User(id=KEY, **{"email": "ann@example.test"} | change)


def subscription(**change: Any) -> Subscription:
    facts = {
        "account": account(),
        "plan": Plan(id=KEY, code="growth", name="Growth", credits=3000),
        "status": Subscription.Status.ACTIVE,
        "currency": "USD",
        "price": Decimal(189),
        "interval": "month",
        "period_start": date(2026, 11, 3),
        "period_end": date(2026, 12, 3),
    }
    return Subscription(id=KEY, **facts | change)


def invoice(**change: Any) -> Invoice:
    facts = {
        "account": account(),
        "subscription": subscription(),
        "status": Invoice.Status.PENDING,
        "number": "INV-000123",
        "payment_reference": "K2M7X4R907",
        "currency": "USD",
        "total": Decimal(189),
        "issued_on": date(2026, 11, 3),
        "due_on": date(2026, 11, 10),
        "period_start": date(2026, 12, 3),
    }
    return Invoice(id=KEY, **facts | change)


def method(**change: Any) -> PaymentMethod:
    facts = {
        "code": "intl_wire",
        "name": "SWIFT wire",
        "kind": PaymentMethod.Kind.BANK_TRANSFER,
        "currency": "USD",
        "instructions": INSTRUCTIONS["intl_wire"],
        "fields": PAYEE,
        "is_demo": True,
    }
    return PaymentMethod(id=KEY, **facts | change)


def payment(**change: Any) -> Payment:
    facts = {
        "account": account(),
        "invoice": invoice(),
        "method": method(),
        "currency": "USD",
        "amount": Decimal(189),
        "received": Decimal(189),
        "value_date": date(2026, 11, 5),
        "reference": "FT26309-7781",
        "payer_name": "Example & Sons",
        "paid_on": date(2026, 11, 4),
        "notes": "Sent from our account at Example Bank,\nby our accountant.",
        "status": Payment.Status.SUCCEEDED,
    }
    return Payment(id=KEY, **facts | change)


def refund(**change: Any) -> Refund:
    facts = {
        "account": account(),
        "currency": "EUR",
        "amount": Decimal("40.50"),
        "payee_name": "Example & Sons",
        "payee_account": "DE02120300000000202051",
        "reference": "K7R2M9XW4T",
        "sent_on": date(2026, 11, 5),
        "status": Refund.Status.SENT,
    }
    return Refund(id=KEY, **facts | change)


def credit_note(**change: Any) -> CreditNote:
    facts = {
        "account": account(),
        "invoice": invoice(),
        "currency": "USD",
        "net": Decimal("20.00"),
        "tax": Decimal(0),
        "total": Decimal("20.00"),
        "to_balance": Decimal(0),
        "reason": "Two days without service",
        "issued_on": date(2026, 11, 5),
        "status": CreditNote.Status.APPLIED,
    }
    return CreditNote(id=KEY, **facts | change)


def document(**change: Any) -> Document:
    facts = {"account": account(), "kind": Document.Kind.INVOICE, "data": {"title": "Invoice"}}
    return Document(id=KEY, **facts | change)


def duty_grant(**change: Any) -> DutyGrant:
    facts = {
        "kind": "give",
        "person": user(),
        "duties": ["core.approve_payment", "staff"],
        "origin": "person",
        "asked_by": user(email="eve@example.test"),
        "waits_until": AT,
    }
    return DutyGrant(id=KEY, **facts | change)


def effects() -> list[Effect]:
    refused = "SMTPServerDisconnected: Connection unexpectedly closed"
    return [Effect(kind="mail.invoice_issued", state="dead", attempts=12, last_error=refused) for _ in range(2)]


def _issued(**change: Any) -> Values:
    about = invoice(**change)
    return context.invoice_issued(about, "Growth", [method(), method()]) | _to_pay(about)


def _reminder(days_late: int) -> Values:
    about = invoice()
    words = context.invoice_reminder(about, "Growth", [method(is_demo=False), method()], days_late=days_late)
    return words | _to_pay(about)


def _to_pay(about: Invoice) -> Values:
    """As for a proved billing address."""
    return {"hosted_link": urls.hosted_invoice("example") if about.status in Invoice.OPEN else ""}


def _approved(allocated: str = "189", to_balance: str = "0", of: dict[str, Any] | None = None) -> Values:
    paid = {"status": Invoice.Status.PAID, "allocated": Decimal(189)} | (of or {})
    total = Decimal(allocated) + Decimal(to_balance)
    return context.payment_approved(
        payment(invoice=invoice(**paid), amount=total, received=total),
        "Growth",
        allocated=Decimal(allocated),
        to_balance=Decimal(to_balance),
    )


def _rejected(code: Payment.Reason, notes: str = "", **change: Any) -> Values:
    claim = payment(status=Payment.Status.FAILED, reason_code=code, admin_notes=notes, **change)
    return context.payment_rejected(claim, [method()])


def _behind(status: Subscription.Status) -> Subscription:
    return subscription(status=status)


def _payee(*, waits: bool, **change: Any) -> Values:
    asked_by = user(email="ann@staff.example.test")
    was = PayeeVersion(number=1, fields=PAYEE, instructions={"en": "Send {amount}."})
    facts = {"number": 2, "asked_by": asked_by, "wait_hours": 4, "alone_hours": 24} | change
    version = PayeeVersion(fields=PAYEE | {"iban": "GB29NWBK60161331926819"}, instructions=was.instructions, **facts)
    return context.payee_changed(method(), version, changes(method(), was, version), waits=waits)


PART = {"status": Invoice.Status.PARTIALLY_PAID, "allocated": Decimal(177)}
CLOSED = {"status": Invoice.Status.VOID, "allocated": Decimal(0)}

SAMPLES: dict[str, dict[str, Callable[[], Values]]] = {
    "trial_started": {"a trial": lambda: context.trial_started(account(credits=1000))},
    "trial_ending": {"a trial": lambda: context.trial_ending(account())},
    "trial_ended": {
        "nothing chosen": lambda: context.trial_ended(account(), None),
        "a plan is chosen": lambda: context.trial_ended(account(), invoice()),
    },
    "invoice_issued": {
        "first": _issued,
        "renewal, partly from the balance": lambda: _issued(purpose=Invoice.Purpose.RENEWAL, **PART),
        "upgrade": lambda: _issued(purpose=Invoice.Purpose.UPGRADE),
        "no way to pay is enabled": lambda: context.invoice_issued(invoice(), "Growth", []),
        "paid from the balance": lambda: _issued(
            purpose=Invoice.Purpose.RENEWAL, status=Invoice.Status.PAID, allocated=Decimal(189)
        ),
    },
    "invoice_reminder": {
        "before": lambda: _reminder(-3),
        "on the day": lambda: _reminder(0),
        "late": lambda: _reminder(3),
        "no way to pay is enabled": lambda: context.invoice_reminder(invoice(), "Growth", [], days_late=-3),
    },
    "payment_submitted": {
        "new": lambda: context.payment_submitted(payment()),
        "has waited too long": lambda: context.payment_submitted(payment(), days_waiting=8),
        "several": lambda: context.payments_submitted([payment(), payment(amount=Decimal(177))], 12),
    },
    "payment_approved": {
        "welcome": _approved,
        "renewal": lambda: _approved(of={"purpose": Invoice.Purpose.RENEWAL}),
        "a part": lambda: _approved("177", of=PART),
        "more than was due": lambda: _approved("189", "11", of={"purpose": Invoice.Purpose.RENEWAL}),
        "for a closed invoice": lambda: _approved("0", "189", of=CLOSED),
        "on account": lambda: context.payment_approved(
            payment(invoice=None), "", allocated=Decimal(0), to_balance=Decimal(189)
        ),
    },
    "payment_rejected": {
        "not received": lambda: _rejected(Payment.Reason.NOT_RECEIVED),
        "with a note": lambda: _rejected(
            Payment.Reason.UNREADABLE_PROOF, "The lower half of the slip is dark:\nthe reference cannot be read."
        ),
        "without a reference": lambda: _rejected(Payment.Reason.OTHER, reference=""),
        "the invoice is closed": lambda: _rejected(Payment.Reason.INVOICE_CLOSED, invoice=invoice(**CLOSED)),
    },
    "payment_partial": {"a bank kept a fee": lambda: context.payment_partial(invoice(**PART), [method(), method()])},
    "payment_reversed": {
        "it had paid an invoice": lambda: context.payment_reversed(
            payment(reversal_reason="recalled by the bank of the payer"), allocated=Decimal(189)
        ),
        "it was in the balance": lambda: context.payment_reversed(
            payment(reversal_reason="booked twice"), allocated=Decimal(0)
        ),
        "a part of it": lambda: context.payment_reversed_in_part(
            payment(), Decimal(40), reason="one of three transfers came back"
        ),
        "a part, on account": lambda: context.payment_reversed_in_part(
            payment(invoice=None), Decimal(40), reason="one of three transfers came back"
        ),
        "on account": lambda: context.payment_reversed(
            payment(invoice=None, reversal_reason="recalled by the bank of the payer"), allocated=Decimal(0)
        ),
    },
    "credit_note_issued": {
        "of an open invoice": lambda: context.credit_note_issued(credit_note()),
        "of one that was paid in part": lambda: context.credit_note_issued(credit_note(to_balance=Decimal("5.00"))),
        "of a paid one": lambda: context.credit_note_issued(credit_note(to_balance=Decimal("20.00"))),
    },
    "refund_sent": {
        "to an account": lambda: context.refund_sent(refund()),
        "by hand": lambda: context.refund_sent(refund(payee_account="", currency="PKR", amount=Decimal(5000))),
    },
    "document": {
        "an invoice": lambda: context.document(document(number="INV-2026-000123")),
        "a statement": lambda: context.document(document(kind="statement", data={"title": "Statement of account"})),
    },
    "refund_failed": {
        "the bank sent it back": lambda: context.refund_failed(refund(ended_because="The account is closed")),
    },
    "subscription_past_due": {
        "an invoice is open": lambda: context.subscription_past_due(
            _behind(Subscription.Status.PAST_DUE), invoice(), date(2026, 11, 18)
        ),
        "none is": lambda: context.subscription_past_due(_behind(Subscription.Status.PAST_DUE), None, None),
    },
    "subscription_suspended": {
        "an invoice is open": lambda: context.subscription_suspended(
            _behind(Subscription.Status.SUSPENDED), invoice(), date(2026, 12, 18)
        ),
        "of the next period": lambda: context.subscription_suspended(
            _behind(Subscription.Status.SUSPENDED), invoice(period_end=date(2027, 1, 3)), date(2026, 12, 18)
        ),
    },
    "subscription_cancelled": {
        "as asked": lambda: context.subscription_cancelled(subscription()),
        "unpaid": lambda: context.subscription_cancelled(subscription(), unpaid=True),
        "another plan took its place": lambda: context.subscription_cancelled(subscription(), successor="Scale"),
        "paid ahead": lambda: context.subscription_cancelled(subscription(), freed=Decimal("89.00")),
    },
    "members_let_go": {"an address was proved": lambda: context.members_let_go(account())},
    "no_way_to_pay": {
        "a method was switched off": lambda: context.no_way_to_pay(["in PK, in PKR"], [], 0),
        "invoices are open": lambda: context.no_way_to_pay([], [invoice(), invoice()], 12),
    },
    "payee_changed": {
        "it waits": lambda: _payee(waits=True),
        "in force": lambda: _payee(waits=False, confirmed_by=user(email="bob@staff.example.test")),
        "in force after waiting alone": lambda: _payee(waits=False),
        "at once, of a method that no invoice shows": lambda: _payee(waits=False, at_once=True),
    },
    "documents_wait": {
        "nobody has named the company": lambda: context.documents_wait("seller", "", 3),
        "no tax rule": lambda: context.documents_wait("tax_rule", "DE", 12),
        "a letter without a font": lambda: context.documents_wait(
            "letters", "No font has the letters \u0e01 (Thai).", 1
        ),
    },
    "no_owner": {"the log-in was closed": lambda: context.no_owner(account())},
    "address_refused": {
        "an unknown mailbox": lambda: context.address_refused(
            account(), "bills@example.test", "550 5.1.1 No such user here"
        )
    },
    "duty_requested": {
        "a second person confirms": lambda: context.duty_requested(duty_grant(), alone=False),
        "a firm of one": lambda: context.duty_requested(duty_grant(reason="Our new bookkeeper"), alone=True),
        "another address": lambda: context.duty_requested(
            duty_grant(kind="email", duties=["email"], email="ann.lee@example.test"), alone=False
        ),
    },
    "duty_granted": {
        "confirmed": lambda: context.duty_granted(duty_grant(confirmed_by=user(email="max@example.test"))),
        "after the waiting time": lambda: context.duty_granted(duty_grant()),
        "taken": lambda: context.duty_granted(duty_grant(kind="take", reason="Left the firm")),
        "by the machine's operator": lambda: context.duty_granted(duty_grant(origin="operator", asked_by=None)),
    },
    "security_notice": {
        "a new password": lambda: context.security_notice(user(), is_password=True, at=AT),
        "a new network": lambda: context.security_notice(user(), is_password=False, at=AT),
    },
    "test": {"asked for": lambda: context.test(user(), server="mail.example.test:587", at=AT)},
    "effects_dead": {"two mails": lambda: context.effects_dead("mail.invoice_issued", effects())},
}
SAMPLES |= {
    "password_reset": {"asked for": lambda: context.password_reset(user(), urls.password_reset("example"))},
    "verify_email": {"signed up": lambda: context.verify_email(user(), urls.verify_email("example"))},
    "verify_billing_email": {
        "asked for": lambda: context.verify_billing_email(
            account(billing_email="bills@example.test"), urls.verify_billing_email("example")
        )
    },
    "member_invited": {
        "invited": lambda: context.member_invited(
            Invitation(account=account(), email="ann@example.test", invited_by=user(email="owner@example.test")),
            urls.invitation("example"),
        )
    },
}
TO_STAFF = {
    "payment_submitted",
    "address_refused",
    "duty_granted",
    "duty_requested",
    "documents_wait",
    "effects_dead",
    "no_owner",
    "no_way_to_pay",
    "payee_changed",
    "security_notice",
    "test",
}
