from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import BankAccount, PaymentMethod
from engine import perform
from tests.factories import InvoiceFactory, PaymentFactory, PaymentMethodFactory, StaffFactory
from tests.workflows.bank.statement_files import OTHER_IBAN, Row, camt
from workflows.bank import Part, evidence, match_line, return_line, unmatch_line
from workflows.bank.evidence import bank_evidence, decided_evidence
from workflows.periods import database_now

pytestmark = pytest.mark.django_db

MONDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 6)
MARCH = ("2026-03-01", "2026-03-31")


@pytest.fixture
def claim(bank_account):
    """`claim(reference)`: of an own invoice, as said to be paid on Monday, by a method that takes three days."""
    PaymentMethod.objects.filter(code="sepa").update(bank_lag_days=3)

    def claim_(reference="WIRE42", **fields):
        given = {"invoice": InvoiceFactory(currency="EUR"), "paid_on": MONDAY} if "invoice" not in fields else {}
        method = PaymentMethodFactory(code="sepa")
        return PaymentFactory(
            **{**given, "method": method, "currency": "EUR", "reference": reference, "reference_key": reference}
            | fields
        )

    return claim_


def found(payment):
    return bank_evidence([payment.pk])[payment.pk]


def words(payment):
    return found(payment).words


def test_line_that_names_the_claim_s_invoice_is_its_evidence(claim, imported, lines):
    payment = claim()
    imported(camt(Row("77.00", f"PAY {payment.invoice.payment_reference[:4]} {payment.invoice.payment_reference[4:]}")))

    [line] = lines()
    assert (found(payment).state, found(payment).line_id, found(payment).day) == (
        "on_statement",
        line.pk,
        line.booked_on,
    )
    assert words(payment) == "on the statement of 4 March"
    assert not found(payment).is_decided


@pytest.mark.parametrize("text", ["WIRE 42", "ref: wire-42, thanks", "WIRE42"])
def test_line_with_the_claim_s_own_reference_is_its_evidence(claim, imported, text):
    payment, later = claim(), claim("WIRE43", paid_on=MONDAY + timedelta(days=60))
    imported(camt(Row("80.00", text), days=MARCH))

    assert words(payment) == "on the statement of 4 March"
    assert words(later) == "no statement yet reaches its day"


def test_line_that_names_the_claim_counts_also_when_the_customer_s_day_is_wrong(claim, imported):
    named, referred = claim(), claim("OTHER77")
    rows = [Row("70.00", named.invoice.payment_reference, day="2026-02-02"), Row("71.00", "OTHER77", day="2026-02-02")]
    imported(camt(*rows, days=("2026-02-01", "2026-03-31")))

    assert words(named) == "on the statement of 2 February"
    assert words(referred) == "a line of 2 February may be it, and is undecided"  # too early to be suggested


def test_line_that_took_the_money_back_is_no_evidence_of_it(claim, imported, lines, bookkeeper, run_effects):
    payment = claim()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    payment.refresh_from_db()
    imported(camt(Row("-89.00", "RETOURE WIRE42", is_return=True)))
    return_line(lines()[0], payment, by=bookkeeper)

    assert found(payment).state == "no_statement_yet"
    assert decided_evidence([payment.pk]) == {}


def test_invoice_number_is_read_as_banks_break_it(claim, numbered, imported):
    payment = claim(invoice=numbered("INV-000123"), paid_on=MONDAY)
    imported(camt(Row("70.00", "Rechnung inv 123 4/3"), days=MARCH))

    assert words(payment) == "on the statement of 4 March"


def test_line_that_was_matched_stands_until_it_is_taken_back(claim, imported, lines, bookkeeper, run_effects):
    payment = claim("ABCDE12345")
    imported(camt(Row("89.00", "nothing that is known")))
    perform(payment.approve, by=StaffFactory())
    run_effects()
    match_line(lines()[0], [Part(Decimal("89.00"), payment=payment)], by=bookkeeper)

    assert (words(payment), found(payment).is_decided) == ("on the statement of 4 March", True)
    assert decided_evidence([payment.pk]) == {payment.pk: found(payment)}

    unmatch_line(lines()[0], by=bookkeeper)
    assert found(payment).state == "no_statement_yet"
    assert decided_evidence([payment.pk]) == {}


def test_statement_that_reaches_far_enough_without_a_line_says_so(claim, imported):
    payment = claim()
    imported(camt(Row("5.00", "other"), days=("2026-03-02", "2026-03-05")))

    assert words(payment) == "not on the statement, which reaches to 5 March"
    assert found(payment).state == "not_on_statement"


@pytest.mark.parametrize(
    "days", [("2026-03-02", "2026-03-04"), ("2026-03-03", "2026-03-31"), ("2026-01-01", "2026-01-31")]
)
def test_statement_that_does_not_reach_its_days_says_nothing(claim, imported, days):
    payment = claim()
    imported(camt(Row("5.00", "other"), days=days))

    assert words(payment) == "no statement yet reaches its day"


def test_weekend_is_no_time_in_which_a_bank_works(claim, imported):
    PaymentMethod.objects.filter(code="sepa").update(bank_lag_days=1)
    payment = claim(paid_on=FRIDAY)
    imported(camt(Row("5.00", "other"), days=("2026-03-01", "2026-03-08")))
    assert found(payment).state == "no_statement_yet"

    imported(camt(Row("6.00", "Monday", day="2026-03-09"), opening="105.00", days=("2026-03-09", "2026-03-09")))
    assert words(payment) == "not on the statement, which reaches to 9 March"


def test_statement_of_a_day_that_goes_on_is_not_the_last_word(claim, imported):
    PaymentMethod.objects.filter(code="sepa").update(bank_lag_days=0)
    today = database_now().date()
    payment = claim(paid_on=today)
    imported(camt(Row("5.00", "other", day=f"{today}"), days=(f"{today - timedelta(days=9)}", f"{today}")))

    assert found(payment).state == "no_statement_yet"


@pytest.mark.parametrize(("opening", "state"), [("105.00", "not_on_statement"), ("300.00", "no_statement_yet")])
def test_hole_between_statements_may_hide_the_money(claim, imported, opening, state):
    payment = claim()
    imported(camt(Row("5.00", "one"), days=("2026-03-01", "2026-03-02")))
    imported(camt(Row("5.00", "two", day="2026-03-05"), opening=opening, days=("2026-03-05", "2026-03-05")))

    assert found(payment).state == state


def test_statement_that_does_not_add_up_may_lack_the_line(claim, imported):
    payment = claim()
    imported(camt(Row("5.00", "one"), closing="500.00", days=MARCH))

    assert found(payment).state == "no_statement_yet"


def test_every_account_of_the_method_has_to_be_known(claim, imported, bank_account):
    payment = claim()
    other = BankAccount.objects.create(name="Second", iban=OTHER_IBAN, currency="EUR")
    imported(camt(Row("5.00", "one"), days=MARCH))
    assert found(payment).state == "not_on_statement"

    other.payment_methods.set(bank_account.payment_methods.all())
    assert found(payment).state == "no_statement_yet"
    imported(camt(Row("5.00", "one"), iban=OTHER_IBAN, days=("2026-03-01", "2026-03-09")))
    assert words(payment) == "not on the statement, which reaches to 9 March"

    bank_account.payment_methods.clear()
    other.payment_methods.clear()
    assert found(payment).state == "no_statement_yet"


def test_line_of_this_amount_that_nobody_explained_may_be_its_money(claim, imported, lines, bookkeeper):
    payment, cheaper = claim(), claim("WIRE43", amount=Decimal("55.00"))
    imported(camt(Row("89.00", "my bank left the reference out"), days=MARCH))

    assert words(payment) == "a line of 4 March may be it, and is undecided"
    assert (found(payment).state, found(payment).link) == ("no_statement_yet", lines()[0].pk)
    assert found(cheaper).state == "not_on_statement"

    perform(lines()[0].ignore, by=bookkeeper, because="our own")
    assert found(payment).state == "not_on_statement"


def test_line_of_this_amount_for_another_invoice_does_not_hide_that_it_is_missing(claim, imported):
    payment, other = claim(), claim("OTHER77")
    imported(camt(Row("89.00", other.invoice.payment_reference), days=MARCH))

    assert found(other).state == "on_statement"
    assert found(payment).state == "not_on_statement"


def test_old_reference_of_the_same_customer_may_be_its_money(claim, imported):
    payment = claim()
    old = InvoiceFactory(currency="EUR", subscription=payment.invoice.subscription)
    imported(camt(Row("89.00", f"standing order {old.payment_reference}"), days=MARCH))

    assert words(payment) == "a line of 4 March may be it, and is undecided"


def test_known_payer_with_this_amount_is_its_evidence(claim, imported, lines, bookkeeper, run_effects):
    first = claim()
    imported(camt(Row("89.00", "WIRE42", payer="Ann Example", payer_iban="GB33BUKB20201555555555")))
    match_line(lines()[0], [Part(Decimal("89.00"), payment=first)], by=bookkeeper)
    run_effects()
    invoice = InvoiceFactory(currency="EUR", subscription=first.invoice.subscription)
    payment = claim("", invoice=invoice, paid_on=date(2026, 4, 2), submitted_by=first.submitted_by)
    row = Row("89.00", "thanks", day="2026-04-03", payer="Else", payer_iban="GB33BUKB20201555555555")
    imported(camt(row, opening="189.00", days=("2026-04-01", "2026-04-30")))

    assert words(payment) == "on the statement of 3 April"


def test_known_payer_who_names_another_s_invoice_pays_that(claim, imported, lines, bookkeeper, run_effects):
    first, other = claim(), claim("OTHER77")
    iban = "GB33BUKB20201555555555"
    imported(camt(Row("89.00", "WIRE42", payer="Ann Example", payer_iban=iban)))
    match_line(lines()[0], [Part(Decimal("89.00"), payment=first)], by=bookkeeper)
    run_effects()
    invoice = InvoiceFactory(currency="EUR", subscription=first.invoice.subscription)
    payment = claim("", invoice=invoice, paid_on=MONDAY, submitted_by=first.submitted_by)
    imported(camt(Row("89.00", other.invoice.payment_reference, payer_iban=iban), opening="189.00", days=MARCH))

    assert found(other).state == "on_statement"
    assert words(payment) == "a line of 4 March may be it, and is undecided"  # a person looks


def test_of_two_claims_of_an_invoice_a_line_is_evidence_of_one(claim, imported):
    first = claim("FIRST1")
    second = claim(
        "SECOND2", invoice=first.invoice, amount=Decimal("80.00"), paid_on=MONDAY, submitted_by=first.submitted_by
    )
    imported(camt(Row("80.00", first.invoice.payment_reference), days=MARCH))

    assert found(second).state == "on_statement"
    assert found(first).state == "no_statement_yet"  # it may be for it: nobody has decided


def test_rejected_claim_is_not_suggested(claim, imported):
    payment = claim()
    perform(payment.reject, by=StaffFactory(), reason_code="not_received")
    imported(camt(Row("80.00", "WIRE42"), days=MARCH))

    assert found(payment).state == "no_statement_yet"


def test_more_undecided_lines_than_are_looked_through_are_no_proof(claim, imported, monkeypatch):
    payment = claim()
    imported(camt(*(Row("5.00", f"{number}") for number in range(3)), days=MARCH))
    assert found(payment).state == "not_on_statement"

    monkeypatch.setattr(evidence, "UNDECIDED_MOST", 3)
    assert found(payment).state == "no_statement_yet"


def test_page_of_payments_takes_two_queries(claim, imported):
    payments = [claim(f"CLAIM{number}") for number in range(12)]
    imported(camt(*(Row("89.00", payment.invoice.payment_reference) for payment in payments[:4]), days=MARCH))

    for some in (payments[:1], payments[-1:], payments):
        with CaptureQueriesContext(connection) as queries:
            answer = bank_evidence([payment.pk for payment in some])
        assert len(queries) <= 2
        assert len(answer) == len(some)
    assert bank_evidence([]) == {}
    states = [answer[payment.pk].state for payment in payments]
    assert states == ["on_statement"] * 4 + ["not_on_statement"] * 8
