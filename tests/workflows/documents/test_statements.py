from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.contrib.auth.models import Permission
from django.db.models import F, Sum

from core.models import BalanceEntry, Invoice, Payment, Refund
from core.problems import Problem
from engine import perform, testing
from tests.factories import StaffFactory
from workflows.actions import void_invoice
from workflows.actions.credit_notes import CREDITABLE, issue_credit_note, write_credit_note
from workflows.documents.composing.statement import statement_data
from workflows.lifecycle.invoicing import issue_invoice
from workflows.refunds import Payee, request_refund
from workflows.settlement.balances import balance_of, open_remainders

pytestmark = pytest.mark.django_db

DUTIES = [
    "reverse_payment",
    "void_invoice",
    "request_refund",
    "approve_refund",
    "write_credit_note",
    "issue_credit_note",
]
OFTEN = ["bill", "pay", "overpay", "refund", "end_refund"]
ACTS = [*OFTEN, *OFTEN, "take_back_part", "reverse", "void", "write_off", "correct", "credit", "credit"]
DAYS = [0, 0, 1, 1, 9, 40]  # until the next of them


class Desk:
    """Staff who act on a customer's money: with an amount, on one of the rows that may be chosen."""

    def __init__(self, signed, receive):
        self.signed, self.receive = signed, receive
        self.one, self.other = StaffFactory(), StaffFactory()
        for staff in (self.one, self.other):
            staff.user_permissions.add(*Permission.objects.filter(codename__in=DUTIES))
        self.count = 0

    def bill(self, amount, which):
        signed = self.signed
        issue_invoice(signed.account, amount=amount, subscription=signed.subscription, cause=None, method=None)

    def pay(self, amount, which):
        takes_money = [*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE]
        invoice = pick(Invoice.objects.filter(status__in=takes_money), which)
        self.receive(invoice, min(amount, invoice.outstanding), reference=self.reference())

    def overpay(self, amount, which):
        invoice = pick(Invoice.objects.all(), which)
        self.receive(invoice, invoice.outstanding + amount, reference=self.reference())

    def credit(self, amount, which):
        invoice = pick(Invoice.objects.filter(status__in=CREDITABLE), which)
        note = write_credit_note(invoice, amount=min(amount, invoice.demanded), reason="a day less", by=self.one)
        if note.status == "draft":
            issue_credit_note(note, by=self.other)

    def take_back_part(self, amount, which):
        payment = pick(Payment.objects.filter(status="succeeded"), which)
        perform(payment.reverse_part, by=self.one, amount=min(amount, payment.kept / 2), reason_given="recalled")

    def reverse(self, amount, which):
        perform(pick(Payment.objects.filter(status="succeeded"), which).reverse, by=self.one, reason_given="bounced")

    def void(self, amount, which):
        void_invoice(
            pick(Invoice.objects.filter(status__in=Invoice.OPEN), which),
            by=self.one,
            reason="a mistake",
            to_balance=True,
        )

    def write_off(self, amount, which):
        perform(pick(Invoice.objects.filter(status__in=Invoice.OPEN), which).write_off, by=self.one)

    def refund(self, amount, which):
        there = sum(rest for _, rest in open_remainders(self.signed.account.pk, "USD"))
        request_refund(
            self.signed.account,
            amount=min(amount, there),
            currency="USD",
            payee=Payee("Ann"),
            reason="overpaid",
            by=self.one,
        )

    def end_refund(self, amount, which):
        refund = pick(Refund.objects.filter(status__in=Refund.UNDER_WAY), which)
        if refund.status == Refund.Status.REQUESTED and which % 2:
            perform(refund.cancel, by=self.one, because="a mistake")
        elif refund.status == Refund.Status.REQUESTED:
            perform(refund.approve, by=self.other)
        elif refund.status == Refund.Status.APPROVED:
            perform(refund.mark_sent, by=self.one, sent_on=refund.created_at.date())
        else:
            perform(refund.fail, by=self.one, because="no such account")

    def correct(self, amount, which):
        self.count += 1
        account = self.signed.account
        BalanceEntry.objects.create(account=account, currency="USD", amount=amount, key=f"hand:{self.count}")

    def reference(self):
        self.count += 1
        return f"SEEN{self.count}"


def pick(rows, which):
    found = list(rows.order_by("pk"))
    if not found:
        raise NothingThereError
    return found[which % len(found)]


class NothingThereError(Exception):
    """No row that this could be done to."""


def told(account, start, end):
    """Opening balance, amounts of the rows and closing balance, as they are printed."""
    data = statement_data(account, "en", currency="USD", start=start, end=end, on=end)
    [table], [total] = data["sections"], data["totals"]
    opening, *rows = [[amount_of(cell) for cell in row[2:]] for row in table["rows"]]
    closing = amount_of(total["value"]) * (-1 if total["label"] == "In your favour" else 1)
    running = opening[1]
    for amount, owed in rows:
        running += amount
        assert owed == running
    return opening[1], [amount for amount, _ in rows], closing


def amount_of(text):
    return Decimal(text.removesuffix(" USD").replace(",", "") or 0)


def owed(account):
    open_ = Invoice.objects.filter(account=account, currency="USD", status__in=Invoice.OPEN)
    asked = open_.aggregate(sum=Sum(F("total") - F("credited") - F("allocated") - F("written_off")))["sum"] or Decimal(
        0
    )
    return asked - balance_of(account.pk).get("USD", Decimal(0))


@pytest.mark.parametrize("seed", range(8))
def test_statements_of_any_history_add_up_and_chain(seed, customer, receive, clock, run_effects):
    chance, signed = Random(seed), customer()
    began, closings = clock.today(), dict[date, Decimal]()
    desk = Desk(signed, receive)

    for _ in range(20):
        with suppress(Problem, NothingThereError):
            getattr(desk, chance.choice(ACTS))(Decimal(chance.randint(1, 120)), chance.randrange(4))
        run_effects()
        closings[clock.today()] = told(signed.account, began, clock.today())[2]
        assert closings[clock.today()] == owed(signed.account)
        clock.advance(days=chance.choice(DAYS))

    today = clock.today()
    before, rows, end = told(signed.account, began - timedelta(days=1), today)
    assert (before, before + sum(rows)) == (0, end)
    for day, closing in closings.items():
        first, second = told(signed.account, began, day), told(signed.account, day + timedelta(days=1), today)
        assert first[2] == second[0] == closing, "what was said of a day stays so"
        assert first[1] + second[1] == rows


def test_money_for_what_was_written_off_changes_no_day_before(customer, pay, receive, controller, clock):
    signed = customer()
    began = clock.today()
    pay(signed.invoice, amount=40)
    perform(Invoice.objects.get().write_off, by=controller)
    assert told(signed.account, began, began)[1:] == ([89, -40, -49], 0)

    clock.advance(days=1)
    receive(signed.invoice, "20", reference="LATE")  # the rest is asked for again

    assert told(signed.account, began, began)[1:] == ([89, -40, -49], 0)
    assert told(signed.account, clock.today(), clock.today()) == (0, [-20, 49], 29)
    assert owed(signed.account) == 29


def test_refund_is_told_of_the_day_on_which_its_money_left_the_balance(active, receive, clock):
    signed = active()
    began = clock.today()
    receive(signed.invoice, "60", reference="MORE")
    desk = Desk(signed, receive)
    desk.refund(Decimal(60), 0)
    for _ in range(2):  # approved, sent
        clock.advance(days=1)
        desk.end_refund(0, 0)

    clock.advance(days=1)
    desk.end_refund(0, 0)  # it came back
    testing.run_effects()

    data = statement_data(signed.account, "en", currency="USD", start=began, end=clock.today(), on=clock.today())
    words = [row[1] for row in data["sections"][0]["rows"][-2:]]
    assert words == ["Refund", "Refund that came back"]
    assert [closing for *_, closing in (told(signed.account, began, began + timedelta(days=n)) for n in (0, 2, 3))] == [
        0,
        0,
        -60,
    ]
