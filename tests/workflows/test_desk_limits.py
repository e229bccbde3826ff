# ruff: noqa: RUF001 - digits of other scripts are meant

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from core.models import Payment, Policy
from core.problems import Conflict, ValidationError
from engine import perform
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
)
from tests.workflows.customers import claim
from workflows.actions import decide_many, record_payment
from workflows.actions.credits import adjust
from workflows.reporting import review_queue

pytestmark = pytest.mark.django_db


def signs_of(payment):
    return next({sign.words: sign.weight for sign in row.flags} for row in review_queue.queue() if row.id == payment.pk)


def settled(run_effects, count, **fields):
    for number in range(count):
        key = f"PAID{number}"
        payment = PaymentFactory(reference=key, reference_key=key, **fields)
        perform(payment.approve, by=StaffFactory())
    run_effects()


# Whose claims are ranked


@pytest.mark.guards("S4", "workflows.reporting.review_queue.ranked")
def test_claims_of_one_account_keep_no_other_s_off_the_desk(monkeypatch):
    """S4."""
    monkeypatch.setattr(review_queue, "MAX_RANKED", 3)
    flood = InvoiceFactory()
    for number in range(6):
        PaymentFactory(invoice=flood, reference_key=f"F{number}", waiting_before=number)
    honest = PaymentFactory(reference_key="HONEST")

    ranked = [row.id for row in review_queue.queue()]

    assert honest.pk in ranked
    assert len(ranked) == 3


@pytest.mark.guards("S4", "workflows.actions.payments._InReview.place")
def test_claim_knows_how_many_of_its_account_wait_before_it():
    """S4."""
    invoice = InvoiceFactory()
    others = InvoiceFactory(account=invoice.account, subscription=invoice.subscription)
    first, second, third = claim(invoice, "A1"), claim(invoice, "A2"), claim(others, "A3")
    receipt = record_payment(
        invoice=invoice,
        method=PaymentMethodFactory(),
        amount=Decimal(1),
        currency="USD",
        reference="SEEN",
        by=StaffFactory(),
    )

    assert [row.waiting_before for row in (first, second, third, receipt)] == [0, 1, 2, 3]
    assert claim(InvoiceFactory(), "B1").waiting_before == 0


def test_queue_is_two_queries_however_many_wait(django_assert_num_queries):
    for number in range(5):
        PaymentFactory(reference_key=f"Q{number}", currency="USD" if number else "EUR")

    with django_assert_num_queries(2):
        assert len(review_queue.queue()) == 5


# What is usual


@pytest.mark.guards("S4", "workflows.reporting.review_queue._medians")
def test_claims_that_wait_change_nothing_of_what_is_usual(run_effects):
    """S4: many small claims make no honest one high."""
    settled(run_effects, review_queue.MIN_MEDIAN_SAMPLE)
    for number in range(20):
        PaymentFactory(reference_key=f"SMALL{number}", amount=Decimal("0.01"))
    honest = PaymentFactory(reference_key="HONEST")

    assert "Far more than what is usually approved" not in signs_of(honest)


@pytest.mark.guards("S4", "workflows.reporting.review_queue._medians")
def test_large_claims_that_wait_hide_no_large_one(run_effects):
    """S4, S11."""
    settled(run_effects, review_queue.MIN_MEDIAN_SAMPLE)
    large = [PaymentFactory(reference_key=f"L{number}", amount=Decimal("890.00")) for number in range(20)]

    assert signs_of(large[0])["Far more than what is usually approved"] == 2


def test_usual_amount_is_of_the_currency_and_of_recent_claims(run_effects, monkeypatch):
    monkeypatch.setattr(
        review_queue, "_MEDIANS", review_queue._MEDIANS.replace(f"LIMIT {review_queue.MEDIAN_SAMPLE}", "LIMIT 6")
    )
    settled(run_effects, 6, amount=Decimal("10.00"))
    assert review_queue._medians({"USD", "EUR"}) == {"USD": Decimal("10.00")}
    for number in range(6):
        perform(PaymentFactory(reference_key=f"N{number}", amount=Decimal("50.00")).approve, by=StaffFactory())
    run_effects()

    assert review_queue._medians({"USD"}) == {"USD": Decimal("50.00")}


def test_usual_amount_is_read_by_index(run_effects):
    settled(run_effects, 3)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("EXPLAIN " + review_queue._MEDIANS, [["USD"]])
        assert "payment_succeeded_lately" in "\n".join(row[0] for row in cursor.fetchall())


# Too much


@pytest.mark.guards("S11", "workflows.actions.payments._check_size")
@pytest.mark.parametrize(("amount", "is_taken"), [("5000.00", True), ("5000.01", False), ("999999999.00", False)])
def test_claim_of_more_than_ten_times_what_is_open_and_above_the_ceiling_is_refused(amount, is_taken):
    """S11."""
    invoice = InvoiceFactory()  # 89.00: ten times that is below the ceiling of 5,000

    if is_taken:
        assert claim(invoice, "A1", amount=amount).amount == Decimal(amount)
        return
    with pytest.raises(ValidationError) as refused:
        claim(invoice, "A1", amount=amount)
    assert "89.00 USD" in refused.value.members["errors"]["amount"][0]
    assert not Payment.objects.exists()


def test_ceiling_of_a_currency_is_the_policy_s():
    invoice = InvoiceFactory()
    policy = Policy.current()
    policy.claim_ceilings = {"EUR": 5, "other": 2000}
    policy.save()
    assert policy.claim_ceiling("EUR") == 5
    assert claim(invoice, "A1", amount="2000.00")

    Policy.objects.update(claim_ceilings={})

    assert Policy.current().claim_ceiling("USD") == 0
    assert claim(invoice, "A2", amount="890.00")
    with pytest.raises(ValidationError):
        claim(invoice, "A3", amount="890.01")


def test_receipt_of_staff_has_no_upper_limit(run_effects):
    invoice = InvoiceFactory()
    receipt = record_payment(
        invoice=invoice,
        method=PaymentMethodFactory(),
        amount=Decimal("999999.00"),
        currency="USD",
        reference="SEEN",
        by=StaffFactory(),
    )
    perform(claim(InvoiceFactory(), "A1").approve, by=StaffFactory(), received=Decimal("999999.00"))
    perform(receipt.approve, by=StaffFactory())
    run_effects()

    assert set(Payment.objects.values_list("status", flat=True)) == {"succeeded"}


@pytest.mark.parametrize(
    ("amount", "weight"), [("90.00", 2), ("177.99", 2), ("178.00", 3), ("444.99", 3), ("445.00", 5), ("1.00", 2)]
)
@pytest.mark.guards("S11", "workflows.reporting.review_queue._difference")
def test_more_than_is_due_weighs_more_the_more_it_is(amount, weight):
    """S11."""
    signs = signs_of(PaymentFactory(amount=Decimal(amount)))

    assert [value for words, value in signs.items() if "than is due" in words] == [weight]


@pytest.mark.guards("S11", "workflows.actions.decisions.excluded_from_bulk")
def test_bulk_leaves_what_is_above_the_open_sum_and_one_decision_takes_it(run_effects):
    """S11."""
    above, usual = PaymentFactory(reference_key="A", amount=Decimal("89.01")), PaymentFactory(reference_key="B")

    outcomes = dict(decide_many([above.pk, usual.pk], "approve", by=StaffFactory()))

    assert isinstance(outcomes[above.pk], Conflict)
    assert outcomes[above.pk].detail.startswith("89.01 USD is more than the 89.00 that are open of invoice")
    assert outcomes[usual.pk].status == "approved"
    perform(Payment.objects.get(pk=above.pk).approve, by=StaffFactory())
    run_effects()
    assert set(Payment.objects.values_list("status", flat=True)) == {"succeeded"}


def test_bulk_leaves_what_would_go_to_the_balance_as_a_whole():
    foreign, void = PaymentFactory(reference_key="A", currency="EUR"), PaymentFactory(reference_key="B")
    perform(void.invoice.lapse)

    outcomes = dict(decide_many([foreign.pk, void.pk], "approve", by=StaffFactory()))

    assert [outcome.slug for outcome in outcomes.values()] == ["conflict", "conflict"]
    assert Payment.objects.filter(status="pending_approval").count() == 2


def test_a_flood_is_rejected_in_bulk():
    first = PaymentFactory(reference_key="SAME")
    flood = [PaymentFactory(reference_key="SAME", amount=Decimal("800.00")) for _ in range(3)]

    keys = [row.pk for row in (first, *flood)]
    outcomes = dict(decide_many(keys, "reject", by=StaffFactory(), reason_code="suspected_fraud"))

    assert {str(outcome.status) for outcome in outcomes.values()} == {"failed"}


@pytest.mark.guards("S11", "workflows.actions.credits._check_limit")
@pytest.mark.parametrize("amount", [1_000_001, -1_000_001, 1_000_000_000])
def test_one_line_gives_or_takes_no_more_credits_than_the_policy_says(amount):
    """S11."""
    staff = StaffFactory()
    staff.user_permissions.add(Permission.objects.get(codename="adjust_credits"))
    account = AccountFactory()

    with pytest.raises(ValidationError) as refused:
        adjust(account, amount, reason="by hand", by=staff)

    assert "1,000,000 credits" in refused.value.members["errors"]["amount"][0]
    assert "adjustment limit" in refused.value.members["errors"]["amount"][0]
    assert adjust(account, 1_000_000, reason="by hand", by=staff).balance_after == 1_000_000
    Policy.objects.update(adjustment_limit=5)
    with pytest.raises(ValidationError):
        adjust(account, 6, reason="by hand", by=staff)


# What the reference says


def test_receipt_of_cash_with_a_number_of_before_bears_a_sign():
    invoice = InvoiceFactory()
    owner = MembershipFactory(account=invoice.account).user
    method = PaymentMethodFactory(code="cash", kind="cash", requires=["reference"])

    claim(invoice, "BOOK 1", method=method, by=owner)

    assert (
        signs_of(claim(invoice, "BOOK 1", method=method, by=owner))["This account claimed this reference before"] == 3
    )


@pytest.mark.guards("S14", "workflows.reporting.review_queue._reference_flags")
@pytest.mark.parametrize(
    ("verb", "inputs", "words"),
    [
        ("reject", {"reason_code": "other"}, "This reference was rejected before"),
        ("withdraw", {}, "This account claimed this reference before"),
    ],
)
def test_claim_that_ended_is_a_sign_for_the_next_of_its_reference(verb, inputs, words):
    """S14."""
    invoice = InvoiceFactory()
    owner = MembershipFactory(account=invoice.account).user
    first = claim(invoice, "WIRE 42", by=owner)
    perform(getattr(first, verb), by=owner if verb == "withdraw" else StaffFactory(), **inputs)

    assert signs_of(claim(invoice, "WIRE 42", by=owner))[words] == 3


@pytest.mark.guards("S14", "core.models.payment.PaymentQuerySet.with_earlier_use")
def test_of_two_accounts_the_second_claim_bears_the_weight_and_is_held_out_of_bulk():
    """S14."""
    first = claim(InvoiceFactory(), "WIRE 42")
    second = claim(InvoiceFactory(), "wire-42")

    assert signs_of(first)["Another account used this reference later"] == 0
    assert signs_of(second)["Another account used this reference before"] == 5
    outcomes = dict(decide_many([first.pk, second.pk], "approve", by=StaffFactory()))
    assert outcomes[first.pk].status == "approved"
    assert outcomes[second.pk].detail.startswith("Another account used this reference before.")
    assert perform(second.approve, by=StaffFactory()).target == "approved"


@pytest.mark.guards("S14", "workflows.reporting.review_queue._reference_flags")
@pytest.mark.parametrize(
    ("reference", "is_odd"),
    [("TRACE 20260503-17", False), ("FT/26.05:1_#2 (a+b)", False), ("", False), ("ＷＩＲＥ４２", True),
     ("WI\u200bRE", True), ("99٩", True), ("<b>", True)],
)  # fmt: skip
def test_reference_of_other_signs_bears_one(reference, is_odd):
    """S14."""
    payment = PaymentFactory(reference=reference)

    assert ("The reference has more than plain letters and digits" in signs_of(payment)) is is_odd
