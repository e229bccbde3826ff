"""Made lines with the errors that payers make, at fixed rates: what is matched by itself is right."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.models import Account, BankAccount, Invoice, PayerIdentity, Subscription
from core.payees.references import ALPHABET, on_paper
from engine import Step, create_many, perform_many
from tests.factories import PlanFactory, StaffFactory
from tests.workflows.bank.statement_files import IBAN
from workflows.bank import CandidateFinder
from workflows.bank.readers.statement import Line

pytestmark = pytest.mark.django_db

PRICES = [Decimal(price) for price in ("9.00", "19.00", "29.00", "89.00", "189.00", "990.00")]
KNOWN_PAYERS, PAYS_FOR_ANOTHER = 0.7, 0.1
WRONG_SIGN, SWAPPED, CUT, OTHER_CURRENCY, CLOSED = 0.1, 0.05, 0.05, 0.03, 0.03
AT_ONCE = 1000


@dataclass
class Made:
    line: Line
    invoice: Invoice
    is_intact: bool  # it carries the reference as it is
    is_payable: bool


@pytest.fixture
def invoices(db):
    return lambda count: list(_issue(count))


def _issue(count: int) -> list[Invoice]:
    """Each of an account of its own, at one of six prices; some in another currency, some closed."""
    plan, today = PlanFactory(), date(2026, 3, 1)
    status = Account.Status.PENDING_PAYMENT
    accounts = [Account(name=f"Customer {n}", status=status, country="DE") for n in range(count)]
    create_many(accounts)
    subscriptions = [
        Subscription(account=account, plan=plan, currency="EUR", price=random.choice(PRICES), interval="month")
        for account in accounts
    ]
    create_many(subscriptions)
    invoices = [
        Invoice(
            account=subscription.account,
            subscription=subscription,
            currency="USD" if random.random() < OTHER_CURRENCY else "EUR",
            total=subscription.price,
        )
        for subscription in subscriptions
    ]
    create_many(invoices)
    due = today + timedelta(days=14)
    perform_many(
        Step(invoice.issue, {"number": f"INV-{n:06}", "issued_on": today, "due_on": due, "snapshot": {}})
        for n, invoice in enumerate(invoices, 100_000)
    )
    perform_many(invoice.lapse for invoice in invoices if random.random() < CLOSED)
    return invoices


def _written(reference: str) -> tuple[str, bool]:
    """As a payer types it, and whether it is still itself."""
    chance, place = random.random(), random.randrange(1, 9)
    if chance < WRONG_SIGN:
        wrong = random.choice([sign for sign in ALPHABET if sign != reference[place]])
        return reference[:place] + wrong + reference[place + 1 :], False
    if chance < WRONG_SIGN + SWAPPED:
        swapped = reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]
        return swapped, swapped == reference
    if chance < WRONG_SIGN + SWAPPED + CUT:
        return reference[: random.randrange(4, 9)], False
    return random.choice([reference, on_paper(reference), reference.lower()]), True


def _made(invoices: list[Invoice], payers: dict[int, str]) -> Made:
    place = random.randrange(len(invoices))
    invoice = invoices[place]
    typed, is_intact = _written(invoice.payment_reference)
    payer = random.choice(list(payers)) if random.random() < PAYS_FOR_ANOTHER else place
    line = Line(
        row=1,
        booked_on=date(2026, 3, 4),
        amount=invoice.total,
        text=f"{random.choice(['invoice', 'Rechnung', 'INV', 'thanks 2026'])} {typed} {random.randrange(10**6)}",
        payer_account=payers.get(payer, f"DE{random.randrange(10**20):020}"),
    )
    return Made(line, invoice, is_intact, invoice.currency == "EUR" and invoice.status in Invoice.OPEN)


@pytest.mark.parametrize(
    ("count", "lines"),
    [
        pytest.param(300, 2000, id="short"),
        pytest.param(50_000, 100_000, id="long", marks=[pytest.mark.faults, pytest.mark.timeout(3600)]),
    ],
)
def test_what_is_sure_is_right_and_most_of_what_carries_its_reference_is_sure(invoices, seed, count, lines):
    account, staff = BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR"), StaffFactory()
    issued = invoices(count)
    payers = {n: f"DE{n:020}" for n in range(count) if random.random() < KNOWN_PAYERS}
    PayerIdentity.objects.bulk_create(
        PayerIdentity(account_id=issued[n].account_id, kind="account", value=number, confirmed_by=staff)
        for n, number in payers.items()
    )

    seen: Counter[str] = Counter()
    finder = CandidateFinder(account)
    for _ in range(0, lines, AT_ONCE):
        made = [_made(issued, payers) for _ in range(AT_ONCE)]
        candidates = finder.find([one.line for one in made])
        assert finder.have_any([one.line for one in made]) == [bool(found) for found in candidates]
        for one, found in zip(made, candidates, strict=True):
            sure = [candidate for candidate in found if candidate.rule]
            seen["intact"] += one.is_intact and one.is_payable
            seen["sure"] += bool(sure) and one.is_intact and one.is_payable
            seen["wrong"] += any(candidate.invoice.pk != one.invoice.pk for candidate in sure)
            seen["not payable"] += bool(sure) and not one.is_payable

    sys.stdout.write(f"  {lines} lines: {dict(seen)}\n")
    assert (seen["wrong"], seen["not payable"]) == (0, 0)
    assert seen["sure"] >= 0.8 * seen["intact"] > 0
