from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import Invoice, LinePayment, Payment, PaymentMethod, StatementLine
from engine import perform
from tests.factories import PaymentFactory
from tests.workflows.bank.conftest import issued, make_automatic
from tests.workflows.bank.statement_files import Row, camt
from workflows.bank import CandidateFinder
from workflows.bank.matching import AUTO, SUGGEST

pytestmark = pytest.mark.django_db


@pytest.fixture
def automaton(bank_account, bookkeeper):
    duties = ["match_lines", "review_payment", "approve_payment"]
    return make_automatic(bank_account, by=bookkeeper, limit=Decimal(1000), duties=duties)


def candidates():
    line = StatementLine.objects.select_related("bank_account").get()
    return CandidateFinder(line.bank_account).find([line])[0]


def facts():
    return sorted((each.kind, each.rule, each.is_together, tuple(each.against)) for each in candidates())


def named(*invoices):
    return " ".join(invoice.payment_reference for invoice in invoices)


def test_references_whose_sum_is_the_line_are_sure(bank_account, imported):
    imported(camt(Row("139.00", named(issued(), issued("50.00")))))

    assert facts() == [(AUTO, "several references and their sum", True, ())] * 2


def test_line_that_pays_several_to_the_cent_is_matched_by_itself(automaton, imported):
    first, second = issued(), issued("50.00")

    imported(camt(Row("139.00", named(first, second))))

    line = StatementLine.objects.get()
    assert (line.status, line.rule) == ("matched", "several references and their sum")
    assert sorted(LinePayment.objects.values_list("amount", flat=True)) == [Decimal("50.00"), Decimal("89.00")]
    reasons = ["reference with check character", "together exactly the line"]
    assert [part.reasons for part in LinePayment.objects.all()] == [reasons] * 2
    assert set(Invoice.objects.values_list("status", flat=True)) == {"paid"}


def test_claim_and_invoice_are_paid_by_one_line(automaton, imported):
    claim = PaymentFactory(invoice=issued(), currency="EUR", method=PaymentMethod.objects.get(code="sepa"))

    imported(camt(Row("139.00", named(claim.invoice, issued("50.00")))))

    assert sorted(Payment.objects.values_list("status", "amount")) == [
        ("succeeded", Decimal("50.00")),
        ("succeeded", Decimal("89.00")),
    ]
    assert Payment.objects.filter(pk=claim.pk, status="succeeded").exists()


@pytest.mark.parametrize("paid", ["138.99", "139.01", "89.00", "50.00"])
def test_other_sum_is_left_to_a_person(automaton, imported, paid):
    imported(camt(Row(paid, named(issued(), issued("50.00")))))

    assert StatementLine.objects.get().status == "suggested"
    assert {each.kind for each in candidates()} == {SUGGEST}
    assert all("2 invoices are named" in each.against for each in candidates())


def test_numbers_without_a_check_character_are_suggested_together(automaton, numbered, imported):
    numbered("INV-000123"), numbered("INV-000124")

    imported(camt(Row("100.00", "INV-000123 INV-000124")))

    assert facts() == [(SUGGEST, "", True, ())] * 2
    assert StatementLine.objects.get().status == "suggested"
    assert not Payment.objects.exists()


def test_one_that_is_not_sure_makes_all_a_suggestion(automaton, numbered, imported):
    numbered("INV-000123")

    imported(camt(Row("139.00", f"INV-000123 {named(issued())}")))

    assert facts() == [(SUGGEST, "", True, ())] * 2
    assert StatementLine.objects.get().status == "suggested"


def test_invoice_that_is_paid_is_no_part_of_a_sum(automaton, imported):
    first, second = issued(), issued("50.00")
    imported(camt(Row("50.00", second.payment_reference)))

    imported(camt(Row("139.00", named(first, second)), opening="150.00"))

    line = StatementLine.objects.get(amount=Decimal("139.00"))
    assert line.status == "suggested"
    [found] = CandidateFinder(line.bank_account).find([line])
    assert not any(each.is_together for each in found)


def claims_of(invoice, *references):
    method = PaymentMethod.objects.get(code="sepa")
    first = PaymentFactory(
        invoice=invoice, currency="EUR", method=method, reference=references[0], reference_key=references[0]
    )
    others = [
        PaymentFactory(
            invoice=invoice,
            currency="EUR",
            method=method,
            reference=reference,
            reference_key=reference,
            submitted_by=first.submitted_by,
        )
        for reference in references[1:]
    ]
    return [first, *others]


def test_two_claims_of_one_invoice_are_not_paid_together(automaton, imported):
    first, second = issued(), issued("50.00")
    claims_of(first, "CLAIM1", "CLAIM2")

    imported(camt(Row("228.00", f"{named(first, second)} CLAIM1 CLAIM2")))

    assert len(candidates()) == 3
    assert not any(each.is_together for each in candidates())
    assert StatementLine.objects.get().status == "suggested"


def test_claim_of_an_invoice_that_is_paid_is_no_part_of_a_sum(automaton, imported, bookkeeper, run_effects):
    first, second = issued(), issued("50.00")
    paid, _ = claims_of(first, "CLAIM1", "CLAIM2")
    perform(paid.approve, by=bookkeeper)
    run_effects()

    imported(camt(Row("139.00", named(first, second))))

    assert not any(each.is_together for each in candidates())
    assert StatementLine.objects.get().status == "suggested"


def test_more_than_five_are_shown_and_matched_whole(automaton, imported):
    imported(camt(Row("70.00", named(*(issued("10.00") for _ in range(7))))))

    assert StatementLine.objects.get().status == "matched"
    assert LinePayment.objects.count() == 7


def test_sum_above_the_limit_is_left_to_a_person(automaton, imported):
    imported(camt(Row("1100.00", named(issued("600.00"), issued("500.00")))))

    assert StatementLine.objects.get().status == "suggested"


def test_two_invoices_of_one_account_are_paid_by_one_line(automaton, imported):
    first = issued()
    second = issued("50.00", subscription=first.subscription)

    imported(camt(Row("139.00", named(first, second))))

    assert StatementLine.objects.get().status == "matched"
    references = Payment.objects.filter(status="succeeded").values_list("reference", flat=True)
    assert len(set(references)) == 2
