"""Two customers, staff of each kind, and rows of theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import connection
from django.test import override_settings

from core.models import BankAccount, Document, Industry, Membership, Payment, StatementLine, Subscription, User
from core.models.document import document_key
from core.models.user import STAFF_PERMISSIONS
from engine import pause, perform, testing
from engine.ids import uuid7
from engine.models import Effect
from tests.api.caller import Caller
from tests.factories import PASSWORD, PaymentMethodFactory, PlanFactory, SellerVersionFactory, UserFactory
from tests.workflows.bank.statement_files import IBAN, Row, camt
from workflows.actions import choose_plan, claim_payment, sign_up
from workflows.actions.credit_notes import write_credit_note
from workflows.actions.invoice_links import make_link
from workflows.actions.sign_up import SignUp
from workflows.actions.sites import open_site
from workflows.bank import Part, import_statement, match_line
from workflows.documents.waiting import prepare
from workflows.mail.signed_links import RESET, VERIFICATION
from workflows.refunds import Payee, request_refund

CUSTOMERS = ["stranger", "viewer", "member", "admin", "owner"]
ACTORS = ["nobody", *CUSTOMERS, "clerk", "reviewer", "approver", "operator", "root"]
BILLING = {
    "billing_email": "bills@acme.test",
    "address_line1": "1 High Street",
    "address_line2": "",
    "city": "Springfield",
    "state": "",
    "postal_code": "",
    "country": "US",
    "tax_id": "",
}


@dataclass
class Scenario:
    """An active customer with one of everything, a stranger, and staff of every sort."""

    callers: dict[str, Caller]
    ids: dict[str, UUID]  # by noun: what the addresses and bodies are about
    more: dict[str, Any] = field(default_factory=dict)

    def id(self, noun: str) -> str:
        return str(self.ids[noun])


@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])  # as in every test
def build() -> Scenario:
    plans = {
        code: PlanFactory(code=code, name=code, price=Decimal(price))
        for code, price in {"free": "0.00", "starter": "89.00", "growth": "189.00"}.items()
    }
    method = PaymentMethodFactory()
    ours, theirs = (_customer(name, plans["starter"]) for name in ("ours", "theirs"))
    invoice, other = ours.invoice, theirs.invoice
    assert invoice is not None
    assert other is not None
    people = {role: _member(ours, role) for role in ("viewer", "member", "admin")}
    staff = {
        "clerk": _staff(),
        "reviewer": _staff("review_payment"),
        "approver": _staff(*STAFF_PERMISSIONS),
        "operator": _staff("operate_effects"),
        "root": UserFactory(is_staff=True, is_superuser=True, email="root@staff.test"),
    }

    def claim(on: Any, by: User, reference: str) -> Payment:
        return claim_payment(invoice=on, method=method, amount=on.total, currency="USD", reference=reference, by=by)

    settled = claim(invoice, ours.user, "SETTLED")
    perform(settled.approve, by=_staff("approve_payment"))
    testing.run_effects()
    ours.account.refresh_from_db()
    subscription, upgrade = choose_plan(ours.account, plans["growth"], by=ours.user, method=method)
    assert upgrade is not None
    waiting = claim(upgrade, ours.user, "WAITING")
    make_link(upgrade, by=ours.user)
    bank_account, lines = _bank(settled, staff["approver"])
    refunds = _refunds(_customer("overpaid", plans["starter"]), method)
    # A plan chosen for the next period, which can be taken back.
    Subscription.objects.filter(pk=subscription.pk).update(
        next_plan=plans["growth"], next_price=Decimal("189.00"), next_credits=3000, next_interval="month"
    )
    industry = Industry.objects.create(name="Bakery")
    site = open_site(ours.account, name="Main Street", industry=industry, by=ours.user)
    paper = _paper(settled)
    effect = Effect.objects.filter(account_id=ours.account.pk).order_by("-id")[0]
    Effect.objects.filter(pk=effect.pk).update(state="dead", attempts=3, fence=3, last_error="ValueError: no")
    paused = pause("kind", "mail.effects_dead", by=staff["operator"], reason="nobody is there to read it")
    for person in (*people.values(), *staff.values()):
        person.set_password(PASSWORD)
        person.save()
    user = {"owner": ours.user, "stranger": theirs.user, **people, **staff}
    return Scenario(
        callers={"nobody": Caller(), **{name: Caller(person) for name, person in user.items()}},
        ids={
            "account": ours.account.pk,
            "invoice": upgrade.pk,
            "subscription": subscription.pk,
            "claim": waiting.pk,
            "settled": settled.pk,
            "member": Membership.objects.get(user=people["member"]).pk,
            "site": site.pk,
            "industry": industry.pk,
            "effect": effect.pk,
            "pause": paused.pk,
            "bank account": bank_account.pk,
            "statement": lines[0].statement.file_id,
            "document": paper.pk,
            "line": lines[0].pk,
            "matched line": lines[1].pk,
            "outgoing line": lines[2].pk,
            **refunds,
            **_credit_notes(theirs.invoice, customer=_customer("credited", plans["starter"])),
            "missing": uuid7(),
        },
        more={
            "password": PASSWORD,
            "email": ours.user.email,
            "member email": people["member"].email,
            "reset link": RESET.token_of(ours.user),
            "verification link": VERIFICATION.token_of(ours.user),
        },
    )


def digest() -> list[Any]:
    """How many rows each table has and what is in them: what a refused request must not change."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname FROM pg_class
               WHERE relkind = 'r' AND (relname LIKE 'core_%' OR relname LIKE 'engine_%' OR relname LIKE 'knox_%')
                   -- Where refusals are counted, and when a page was asked for and a password typed.
                   AND relname NOT IN ('core_ratelimitbucket', 'core_refusalcount', 'core_session')"""
        )
        # Not the expiry of a token, which using it moves on.
        row = "(to_jsonb(t) - CASE '{0}' WHEN 'knox_authtoken' THEN 'expiry' ELSE '' END)::text"
        one = f"SELECT '{{0}}', count(*), coalesce(sum(hashtextextended({row}, 0)), 0) FROM \"{{0}}\" t"
        cursor.execute(" UNION ALL ".join(one.format(row[0]) for row in cursor.fetchall()))
        return sorted(cursor.fetchall())


def _customer(name: str, plan: Any) -> SignUp:
    return sign_up(
        email=f"owner@{name}.test",
        password=PASSWORD,
        account_name=name,
        plan=plan.code,
        currency="USD",
        billing=BILLING,
    )


def _bank(settled: Payment, bookkeeper: User) -> tuple[BankAccount, list[StatementLine]]:
    """An account of the operator's with three lines: one is open, one is what `settled` was, one took it back."""
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="USD")
    account.payment_methods.add(settled.method)
    settled.refresh_from_db()
    rows = [Row("89.00", "rent"), Row(f"{settled.received}", "seen"), Row(f"-{settled.received}", "returned")]
    import_statement(camt(*rows, currency="USD"), name="march.xml", by=bookkeeper)
    testing.run_effects()
    lines = list(StatementLine.objects.select_related("statement", "bank_account").order_by("row"))
    assert settled.received is not None
    match_line(lines[1], [Part(settled.received, payment=settled)], by=bookkeeper)
    return account, lines


def _credit_notes(first: Any, *, customer: SignUp) -> dict[str, UUID]:
    """A draft, and an invoice that has none."""
    draft = write_credit_note(first, amount=Decimal(5), reason="Matrix", by=_staff("write_credit_note"))
    assert customer.invoice is not None
    return {"credit note": draft.pk, "creditable": customer.invoice.pk}


def _refunds(customer: SignUp, method: Any) -> dict[str, UUID]:
    """Of money that an invoice had no use for: one that is requested, one approved, one sent."""
    invoice = customer.invoice
    assert invoice is not None
    claim = claim_payment(
        invoice=invoice, method=method, amount=invoice.total, currency="USD", reference="MORE", by=customer.user
    )
    perform(claim.approve, by=_staff("approve_payment"), received=invoice.total + 60)
    testing.run_effects()
    clerk, manager = _staff("request_refund"), _staff("approve_refund")
    requested, approved, sent = (
        request_refund(
            customer.account, amount=Decimal(10), currency="USD", payee=Payee("Ann"), reason="overpaid", by=clerk
        )
        for _ in range(3)
    )
    for refund in (approved, sent):
        perform(refund.approve, by=manager)
    perform(sent.mark_sent, by=clerk, sent_on=date(2026, 3, 4))
    return {"refund": requested.pk, "approved refund": approved.pk, "sent refund": sent.pk, "rich": customer.account.pk}


def _paper(settled: Payment) -> Document:
    """The receipt of `settled`: what it waited for is named now."""
    receipt = Document.objects.get(key=document_key(Document.Kind.RECEIPT, settled.pk))
    prepare(receipt, SellerVersionFactory(), None)
    testing.run_effects()
    return receipt


def _member(customer: SignUp, role: str) -> User:
    person = UserFactory(email=f"{role}@{customer.account.name}.test")
    Membership.objects.create(account=customer.account, user=person, role=role)
    return person


def _staff(*duties: str) -> User:
    person = UserFactory(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="core", codename__in=duties))
    return person


def make_dead(count=1, **change):
    effects = list(Effect.objects.filter(state="ready").order_by("id")[:count])
    assert len(effects) == count
    fields = {"state": "dead", "attempts": 3, "fence": 3, "last_error": "ValueError: no", **change}
    Effect.objects.filter(pk__in=[effect.pk for effect in effects]).update(**fields)
    return Effect.objects.filter(pk__in=[effect.pk for effect in effects]).order_by("id")
