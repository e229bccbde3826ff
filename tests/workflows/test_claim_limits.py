"""Several claims of one invoice: marked, limited, and never decided together."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import Payment
from core.problems import DuplicateClaim
from engine import perform
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, PaymentMethodFactory, StaffFactory
from tests.workflows.test_races import at_once
from workflows.actions import claim_payment, decide_many, record_payment
from workflows.reporting import review_queue

pytestmark = pytest.mark.django_db


def claim(invoice, reference, *, by=None, method=None, amount="89.00"):
    return claim_payment(
        invoice=invoice,
        method=method or PaymentMethodFactory(),
        amount=Decimal(amount),
        currency="USD",
        reference=reference,
        by=by or MembershipFactory(account=invoice.account).user,
    )


def invoices_of_one_account(count):
    first = InvoiceFactory()
    return [first, *(InvoiceFactory(account=first.account, subscription=first.subscription) for _ in range(count - 1))]


def signs_of(payment):
    return next([sign.words for sign in claim.flags] for claim in review_queue.queue() if claim.id == payment.pk)


def test_second_claim_of_an_invoice_is_taken_and_marked_further():
    invoice = InvoiceFactory()

    first, second = claim(invoice, "A1"), claim(invoice, "B2")

    assert [first.is_further, second.is_further] == [False, True]
    assert Payment.objects.get(pk=second.pk).is_further


def test_claim_after_a_rejection_is_not_a_further_one():
    invoice = InvoiceFactory()
    perform(claim(invoice, "A1").reject, by=StaffFactory(), reason_code="not_received")

    assert not claim(invoice, "B2").is_further


def test_claim_beside_an_approval_that_is_not_settled_is_a_further_one():
    invoice = InvoiceFactory()
    perform(claim(invoice, "A1").approve, by=StaffFactory())

    assert claim(invoice, "B2").is_further


def test_claim_of_another_invoice_of_the_account_is_not_a_further_one():
    one, other = invoices_of_one_account(2)
    claim(one, "A1")

    assert not claim(other, "B2").is_further


def test_fourth_undecided_claim_of_an_invoice_is_refused_with_the_oldest():
    invoice = InvoiceFactory()
    first, *_ = [claim(invoice, f"R{n}") for n in range(3)]

    with pytest.raises(DuplicateClaim, match="3 payments of this invoice") as refused:
        claim(invoice, "R4")

    assert refused.value.members == {"payment_id": str(first.pk)}
    assert Payment.objects.count() == 3


def test_refusal_over_the_limit_names_the_claim_of_the_same_reference():
    invoice = InvoiceFactory()
    claims = [claim(invoice, f"R{n}") for n in range(3)]

    with pytest.raises(DuplicateClaim, match="this reference") as refused:
        claim(invoice, "r-1", method=PaymentMethodFactory(code="intl_wire", country=""))

    assert refused.value.members == {"payment_id": str(claims[1].pk)}


def test_claim_is_taken_again_when_one_of_the_three_is_decided():
    invoice = InvoiceFactory()
    first, *_ = [claim(invoice, f"R{n}") for n in range(3)]
    perform(first.reject, by=StaffFactory(), reason_code="other")

    assert claim(invoice, "R4").is_further


def test_eleventh_undecided_claim_of_an_account_is_refused_with_the_oldest():
    invoices = invoices_of_one_account(11)
    oldest, *_ = [claim(invoice, f"R{n}") for n, invoice in enumerate(invoices[:10])]

    with pytest.raises(DuplicateClaim, match="10 of your payments") as refused:
        claim(invoices[10], "R10")

    assert refused.value.members == {"payment_id": str(oldest.pk)}


def test_receipt_of_staff_is_taken_over_the_limit_and_marked_further():
    invoice = InvoiceFactory()
    for number in range(3):
        claim(invoice, f"R{number}")

    receipt = record_payment(
        invoice=invoice,
        method=PaymentMethodFactory(),
        amount=Decimal(89),
        currency="USD",
        reference="STMT 7",
        by=StaffFactory(),
    )

    assert receipt.is_further


@pytest.mark.django_db(transaction=True)
def test_of_many_concurrent_claims_three_are_accepted():
    invoice, method = InvoiceFactory(), PaymentMethodFactory()
    owner = MembershipFactory(account=invoice.account).user

    outcomes = at_once(*(lambda n=n: claim(invoice, f"R{n}", by=owner, method=method) for n in range(8)))

    taken = [outcome for outcome in outcomes if isinstance(outcome, Payment)]
    assert len(taken) == Payment.objects.count() == 3
    assert sorted(payment.is_further for payment in taken) == [False, True, True]
    oldest = str(Payment.objects.earliest("pk").pk)
    refused = [outcome for outcome in outcomes if isinstance(outcome, DuplicateClaim)]
    assert {refusal.members["payment_id"] for refusal in refused} == {oldest}
    assert len(refused) == 5


@pytest.mark.parametrize(("verb", "inputs"), [("approve", {}), ("reject", {"reason_code": "other"})])
def test_bulk_decides_on_the_oldest_claim_of_an_invoice_and_leaves_the_others(verb, inputs):
    invoice = InvoiceFactory()
    first, second, third = [claim(invoice, f"R{n}") for n in range(3)]
    other = PaymentFactory()

    outcomes = dict(decide_many([p.pk for p in (third, second, first, other)], verb, by=StaffFactory(), **inputs))

    assert list(outcomes) == sorted(outcomes)
    assert outcomes[first.pk].status == outcomes[other.pk].status != "pending_approval"
    for left in (second, third):
        assert isinstance(outcomes[left.pk], DuplicateClaim)
        assert outcomes[left.pk].members == {"payment_id": str(first.pk)}
        assert str(invoice) in outcomes[left.pk].detail
        left.refresh_from_db()
        assert (left.status, left.version) == ("pending_approval", 1)


def test_bulk_that_is_sent_again_does_not_decide_on_the_second_claim():
    invoice = InvoiceFactory()
    keys = [claim(invoice, f"R{n}").pk for n in range(2)]
    dict(decide_many(keys, "approve", by=StaffFactory()))

    again = dict(decide_many(keys, "approve", by=StaffFactory()))

    assert [problem.slug for problem in again.values()] == ["wrong-state", "duplicate-claim"]
    assert Payment.objects.get(pk=keys[1]).status == "pending_approval"


def test_both_claims_of_an_invoice_bear_a_sign_until_one_is_decided():
    words = "Another claim of this invoice is undecided"
    invoice = InvoiceFactory()
    first = claim(invoice, "A1")
    assert words not in signs_of(first)
    second = claim(invoice, "B2")
    assert words in signs_of(first)
    assert words in signs_of(second)

    perform(first.reject, by=StaffFactory(), reason_code="other")

    assert words not in signs_of(second)


def test_claim_beside_an_unsettled_approval_bears_a_sign():
    invoice = InvoiceFactory()
    first, second = claim(invoice, "A1"), claim(invoice, "B2")

    perform(first.approve, by=StaffFactory())

    assert "Another claim of this invoice was approved just now" in signs_of(second)


def test_claim_of_a_paid_invoice_says_that_all_goes_to_the_balance(run_effects):
    invoice = InvoiceFactory()
    first, second = claim(invoice, "A1"), claim(invoice, "B2")
    perform(first.approve, by=StaffFactory())
    run_effects()

    assert signs_of(second)[0] == "This invoice is paid already: all of it goes to the balance"
    assert next(row.level for row in review_queue.queue() if row.id == second.pk) == "Careful"
