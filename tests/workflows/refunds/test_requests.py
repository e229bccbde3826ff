from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import BalanceEntry, BankAccount, Refund
from core.problems import PermissionDenied, ValidationError, WrongState
from engine import perform
from engine.models import Effect
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory
from tests.workflows.bank.statement_files import IBAN
from tests.workflows.refunds.conftest import PAYEE, laws_hold, refused, staff_who
from workflows.refunds import Payee
from workflows.refunds.effects import give_back_refund
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 4)


def test_money_leaves_the_balance_with_the_request(overpaid, requested):
    payment = overpaid("40.00")

    refund = requested(payment.account, "25.00")

    assert balance_of(payment.account_id) == {"EUR": Decimal("15.00")}
    assert (refund.status, refund.payee_account, refund.approved_by) == ("requested", PAYEE.account, None)
    assert len(refund.reference) == 10
    assert laws_hold()


def test_refund_takes_the_rests_of_the_oldest_payments_first(overpaid, requested, run_effects):
    first = overpaid("10.00")
    second = PaymentFactory(  # all of it is left over: its invoice is paid
        invoice=first.invoice, account=first.account, currency="EUR", amount=Decimal(30), reference="again"
    )
    perform(second.approve, by=StaffFactory())
    run_effects()

    refund = requested(first.account, "25.00")

    taken = [(entry.payment_id, entry.amount) for entry in refund.balance_entries.order_by("pk")]
    assert taken == [(first.pk, Decimal(-10)), (second.pk, Decimal(-15))]
    assert laws_hold()


@pytest.mark.parametrize("amount", ["40.01", "0", "-1", "1.001"])
def test_more_than_the_balance_or_no_amount_is_refused(overpaid, requested, amount):
    payment = overpaid("40.00")

    with pytest.raises(ValidationError) as refusal:
        requested(payment.account, amount)

    assert list(refusal.value.members["errors"]) == ["amount"]
    assert not Refund.objects.exists()
    assert balance_of(payment.account_id) == {"EUR": Decimal("40.00")}


def test_balance_of_another_currency_does_not_count(overpaid, requested):
    payment = overpaid("40.00")

    with refused("The balance is 0.00 USD"):
        requested(payment.account, "1.00", currency="USD", bank_account=None)


@pytest.mark.parametrize(
    ("payee", "field"),
    [
        (Payee("", PAYEE.account), "payee_name"),
        (Payee("=1+1", PAYEE.account), "payee_name"),
        (Payee("株式会社", PAYEE.account), "payee_name"),
        (Payee("Ann", "DE00120300000000202051"), "payee_account"),
        (Payee("Ann", "1234567"), "payee_account"),
        (Payee("Ann", ""), "payee_account"),
        (Payee("Ann", IBAN), "payee_account"),
        (Payee("Ann", PAYEE.account, "NOBIC"), "payee_bank"),
        (Payee("Ann", f"{PAYEE.account}\n=2"), "payee_account"),
        (Payee("A" * 71, PAYEE.account), "payee_name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_payee_that_the_bank_could_not_pay_is_refused(overpaid, requested, payee, field):
    payment = overpaid("40.00")

    with pytest.raises(ValidationError) as refusal:
        requested(payment.account, "1.00", payee=payee)

    assert list(refusal.value.members["errors"]) == [field]
    assert not Refund.objects.exists()


def test_by_hand_a_name_alone_is_enough_in_any_script(overpaid, requested):
    refund = requested(overpaid("40.00").account, "5.00", payee=Payee("شركة المثال"), bank_account=None)

    assert (refund.payee_name, refund.payee_account, refund.bank_account) == ("شركة المثال", "", None)


def test_account_of_another_currency_pays_nothing(overpaid, requested, bank_account):
    dollars = BankAccount.objects.create(name="Dollars", number="123456789", currency="USD")

    with refused("Dollars is in USD"):
        requested(overpaid("40.00").account, "5.00", bank_account=dollars)


def test_who_has_not_the_duty_or_belongs_to_the_account_requests_nothing(overpaid, requested):
    payment = overpaid("40.00")
    stranger = staff_who("approve_refund")
    member = MembershipFactory(account=payment.account).user

    for somebody in (stranger, member):
        with pytest.raises(PermissionDenied):
            requested(payment.account, "5.00", by=somebody)


def test_nobody_approves_what_they_requested(overpaid, requested, bookkeeper):
    both = staff_who("request_refund", "approve_refund")
    refund = requested(overpaid("40.00").account, "5.00", by=both)

    with pytest.raises(PermissionDenied):
        perform(refund.approve, by=both)
    with pytest.raises(PermissionDenied):
        perform(refund.approve, by=bookkeeper)


def test_database_knows_that_two_people_are_needed(overpaid, approved):
    refund = approved(overpaid("40.00").account, "5.00")

    with pytest.raises(IntegrityError, match=r"refund_approved_by_another|frozen"), atomic():
        Refund.objects.filter(pk=refund.pk).update(approved_by=refund.requested_by)


@pytest.mark.parametrize(
    "change", [{"amount": 50}, {"payee_account": "DE89370400440532013000"}, {"payee_name": "Eve"}, {"currency": "USD"}]
)
def test_what_was_requested_is_frozen(overpaid, requested, change):
    refund = requested(overpaid("40.00").account, "5.00")

    with pytest.raises(IntegrityError, match="frozen"), atomic():
        Refund.objects.filter(pk=refund.pk).update(**change)


def test_cancelled_refund_is_in_the_balance_again_once(overpaid, requested, bookkeeper, run_effects):
    payment = overpaid("40.00")
    refund = requested(payment.account, "25.00")

    perform(refund.cancel, by=bookkeeper, because="Wrong payee")
    run_effects()

    again = Effect.objects.get(kind="refund.give_back")
    give_back_refund(refund, again)

    assert balance_of(payment.account_id) == {"EUR": Decimal("40.00")}
    assert BalanceEntry.objects.filter(refund=refund).count() == 2
    assert laws_hold()


def test_money_that_comes_back_pays_what_was_issued_meanwhile(overpaid, requested, bookkeeper, run_effects):
    payment = overpaid("100.00")
    refund = requested(payment.account, "100.00")
    later = InvoiceFactory(account=payment.account, subscription=None, currency="EUR", total=Decimal("60.00"))

    perform(refund.cancel, by=bookkeeper, because="Keeps it")
    run_effects()

    later.refresh_from_db()
    assert later.status == "paid"
    assert balance_of(payment.account_id) == {"EUR": Decimal("40.00")}
    assert laws_hold()


def test_without_a_reason_nothing_ends(overpaid, requested, bookkeeper):
    refund = requested(overpaid("40.00").account, "5.00")

    with refused("Say why"):
        perform(refund.cancel, by=bookkeeper, because="  ")


def test_reason_is_kept_whole_or_refused(overpaid, requested, bookkeeper):
    refund = requested(overpaid("40.00").account, "5.00")

    with refused("Use at most 200 characters"):
        perform(refund.cancel, by=bookkeeper, because="x" * 201)
    perform(refund.cancel, by=bookkeeper, because=f" {'x' * 200} ")

    refund.refresh_from_db()
    assert (refund.status, refund.ended_because) == ("cancelled", "x" * 200)


def test_what_is_sent_is_not_cancelled_and_may_fail(overpaid, approved, bookkeeper, run_effects):
    payment = overpaid("40.00")
    refund = approved(payment.account, "5.00")
    perform(refund.mark_sent, by=bookkeeper, sent_on=DAY)
    with pytest.raises(WrongState):
        perform(refund.cancel, by=bookkeeper, because="x")

    perform(refund.fail, by=bookkeeper, because="Account closed")
    run_effects()

    assert balance_of(payment.account_id) == {"EUR": Decimal("40.00")}
    assert laws_hold()


def test_refund_of_a_payment_that_is_reversed_lapses_before_it_is_sent(overpaid, approved, bookkeeper, run_effects):
    payment = overpaid("40.00")
    refund = approved(payment.account, "25.00")

    perform(payment.reverse, by=bookkeeper, reason_given="bounced")
    run_effects()

    refund.refresh_from_db()
    assert (refund.status, refund.ended_because) == ("cancelled", "The payment was reversed")
    assert balance_of(payment.account_id) == {}
    assert laws_hold()


def test_what_was_sent_of_a_reversed_payment_is_owed(overpaid, approved, bookkeeper, run_effects):
    payment = overpaid("40.00")
    refund = approved(payment.account, "25.00")
    perform(refund.mark_sent, by=bookkeeper, sent_on=DAY)

    perform(payment.reverse, by=bookkeeper, reason_given="bounced")
    run_effects()
    assert balance_of(payment.account_id) == {"EUR": Decimal("-25.00")}
    assert laws_hold()

    perform(refund.fail, by=bookkeeper, because="it came back")
    run_effects()
    assert balance_of(payment.account_id) == {}
    assert laws_hold()


def test_new_money_of_who_owes_is_refunded_only_beyond_that(overpaid, approved, requested, bookkeeper, run_effects):
    payment = overpaid("40.00")
    refund = approved(payment.account, "25.00")
    perform(refund.mark_sent, by=bookkeeper, sent_on=DAY)
    perform(payment.reverse, by=bookkeeper, reason_given="bounced")
    run_effects()
    overpaid("200.00", account=payment.account)  # 89 of it pay the invoice that is open again

    assert balance_of(payment.account_id) == {"EUR": Decimal("86.00")}
    with refused("no more can go back"):
        requested(payment.account, "86.01")
    requested(payment.account, "86.00")
    assert laws_hold()


def test_law_sees_a_refund_whose_money_is_still_there(overpaid, requested):
    refund = requested(overpaid("40.00").account, "5.00")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE core_balanceentry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM core_balanceentry WHERE refund_id = %s", [refund.pk])
        broken = str(list(findings(cursor)))

    assert "a refund has its money out of the balance until it has failed or was cancelled" in broken


def test_part_that_goes_back_comes_out_of_what_is_left_before_the_invoice(overpaid, approved, bookkeeper, run_effects):
    payment = overpaid("40.00")
    refund = approved(payment.account, "25.00")
    perform(refund.mark_sent, by=bookkeeper, sent_on=DAY)

    perform(payment.reverse_part, by=bookkeeper, amount=Decimal("20.00"), reason_given="recalled")
    run_effects()

    payment.invoice.refresh_from_db()
    assert payment.invoice.allocated == Decimal("84.00")  # 15 were left of the 40
    assert balance_of(payment.account_id) == {}
    assert laws_hold()


def test_refund_that_is_not_sent_lapses_when_a_part_of_its_payment_goes_back(
    overpaid, approved, bookkeeper, run_effects
):
    payment = overpaid("40.00")
    refund = approved(payment.account, "25.00")

    perform(payment.reverse_part, by=bookkeeper, amount=Decimal("20.00"), reason_given="recalled")
    run_effects()

    refund.refresh_from_db()
    payment.invoice.refresh_from_db()
    assert refund.status == "cancelled"
    assert payment.invoice.status == "paid"  # what came back from the refund pays what was open for a moment
    assert balance_of(payment.account_id) == {"EUR": Decimal("20.00")}
    assert laws_hold()
