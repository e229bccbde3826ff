"""Money of a known customer that pays no invoice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.db.thaw import thaw
from core.models import BalanceEntry, Invoice, LinePayment, Payment, PaymentMethod
from core.problems import DuplicateClaim, PermissionDenied, ValidationError
from engine import perform
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory
from tests.workflows.bank.statement_files import OTHER_IBAN
from workflows.bank import Part, accounts_of_payer, match_line
from workflows.bank.service_users import statement_user
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db
EUR_50 = Decimal("50.00")


@pytest.fixture
def account(bank_account):
    """With an open invoice in USD."""
    return InvoiceFactory().account


def issued(account, total="89.00"):
    method = PaymentMethod.objects.get(code="sepa")
    return InvoiceFactory(
        subscription__account=account, currency="EUR", total=Decimal(total), payment_method=method,
    )  # fmt: skip


def credit(line, account, by, amount=EUR_50):
    return match_line(line, [Part(amount, account=account)], by=by)


def broken() -> list[str]:
    with connection.cursor() as cursor:
        return list(findings(cursor))


def test_line_is_credited_to_the_balance_of_an_account(line_of, account, bookkeeper, run_effects, mailoutbox):
    line = line_of("50.00", "for later", payer="Ann", payer_iban=OTHER_IBAN)
    mailoutbox.clear()

    credit(line, account, bookkeeper)
    run_effects()

    payment = Payment.objects.get()
    assert (payment.status, payment.invoice, payment.bank_line, payment.received) == ("succeeded", None, line, EUR_50)
    assert (payment.submitted_by, payment.decided_by) == (statement_user(), bookkeeper)
    assert (line.status, LinePayment.objects.get().payment) == ("matched", payment)
    entry = BalanceEntry.objects.get()
    assert (entry.account, entry.payment, entry.currency, entry.amount) == (account, payment, "EUR", EUR_50)
    assert [mail.subject for mail in mailoutbox] == ["Your payment of 50.00 EUR has arrived"]
    assert "we keep it in your balance" in mailoutbox[0].body
    assert accounts_of_payer(line) == [account]
    assert broken() == []


def test_what_is_open_is_paid_from_it(line_of, account, bookkeeper, run_effects):
    dollars, invoice = Invoice.objects.get(), issued(account, total="40.00")

    credit(line_of("50.00"), account, bookkeeper)
    run_effects()

    invoice.refresh_from_db()
    assert invoice.status == "paid"
    assert list(BalanceEntry.objects.order_by("id").values_list("amount", flat=True)) == [EUR_50, Decimal(-40)]
    dollars.refresh_from_db()
    assert (dollars.status, dollars.allocated) == ("pending", 0)
    assert broken() == []


def test_reversal_takes_it_out_of_the_balance_and_of_what_it_paid(
    line_of, account, bookkeeper, run_effects, mailoutbox
):
    invoice = issued(account, total="40.00")
    credit(line_of("50.00"), account, bookkeeper)
    run_effects()
    mailoutbox.clear()

    perform(Payment.objects.get().reverse, by=bookkeeper, reason_given="recalled")
    run_effects()

    invoice.refresh_from_db()
    assert invoice.status == "pending"
    assert sum(BalanceEntry.objects.values_list("amount", flat=True)) == 0
    assert "What it had paid from there is open again" in " ".join(mailoutbox[0].body.split())
    assert broken() == []


def test_one_line_pays_an_invoice_and_credits_the_rest(line_of, account, bookkeeper, run_effects):
    invoice = issued(account)
    line = line_of("100.00", invoice.payment_reference)

    match_line(line, [Part(Decimal("89.00"), invoice=invoice), Part(Decimal("11.00"), account=account)], by=bookkeeper)
    run_effects()

    assert set(Payment.objects.values_list("status", "received")) == {
        ("succeeded", Decimal("89.00")), ("succeeded", Decimal("11.00")),
    }  # fmt: skip
    assert BalanceEntry.objects.get().amount == Decimal("11.00")
    assert broken() == []


def test_reference_that_counted_once_is_refused(line_of, account, bookkeeper):
    PaymentFactory(
        invoice=issued(account), account=account, currency="EUR", method=PaymentMethod.objects.get(code="sepa"),
        reference="BANK-77", reference_key="BANK77",
    )  # fmt: skip
    line = line_of("50.00")
    line.bank_id = "BANK-77"

    with pytest.raises(DuplicateClaim):
        credit(line, account, bookkeeper)
    line.refresh_from_db()
    assert (line.status, Payment.objects.count()) == ("open", 1)


def test_payment_without_an_invoice_is_only_of_a_bank_line(account):
    with pytest.raises(IntegrityError, match="payment_on_account_is_of_a_line"), atomic():
        PaymentFactory(
            invoice=None, account=account, method=PaymentMethod.objects.get(code="sepa"), submitted_by=StaffFactory()
        )


def test_line_of_a_payment_never_changes(line_of, account, bookkeeper):
    other = line_of("51.00", "another")
    credit(line_of("50.00"), account, bookkeeper)

    with pytest.raises(IntegrityError, match="bank_line_id is frozen"), atomic():
        Payment.objects.update(bank_line=other)


@pytest.mark.parametrize("who", ["member", "somebody without the right to approve"])
def test_who_may_not_decide_credits_nothing(line_of, account, bookkeeper, who):
    by = MembershipFactory(account=account).user
    if who != "member":
        by = StaffFactory()
        by.user_permissions.set(bookkeeper.user_permissions.filter(codename="match_lines"))

    with pytest.raises(PermissionDenied):
        credit(line_of("50.00"), account, by)
    assert not Payment.objects.exists()


def test_money_out_and_more_than_the_line_are_refused(line_of, account, bookkeeper):
    for line, amount in ((line_of("-50.00"), EUR_50), (line_of("49.99"), EUR_50)):
        with pytest.raises(ValidationError):
            credit(line, account, bookkeeper, amount)
    assert not Payment.objects.exists()


def test_payment_that_names_another_line_is_found(line_of, account, bookkeeper, run_effects):
    credit(line_of("50.00"), account, bookkeeper)
    run_effects()
    payment, other = Payment.objects.get(), line_of("60.00", "another")
    with thaw("core_payment", reason="a fault is made"):
        Payment.objects.update(bank_line=other)

    [finding] = broken()
    assert "a payment that a bank line brought" in finding
    assert str(payment.pk) in finding
