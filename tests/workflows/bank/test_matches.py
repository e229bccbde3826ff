from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone

from core.db.thaw import thaw
from core.models import Invoice, LinePayment, PayerIdentity, Payment, PaymentMethod, StatementLine
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from engine import perform
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
)
from tests.workflows.bank.statement_files import OTHER_IBAN
from workflows.bank import CandidateFinder, Part, find_returned, match_line, return_line, unmatch_line
from workflows.bank import matching as reasons
from workflows.bank.service_users import statement_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(bank_account):
    return issued()


def issued(**fields):
    method = PaymentMethod.objects.get(code="sepa")
    return InvoiceFactory(currency="EUR", total=Decimal("89.00"), payment_method=method, **fields)


def candidates(line):
    finder = CandidateFinder(line.bank_account)
    [found] = finder.find([line])
    assert finder.have_any([line]) == [bool(found)]
    return found


def claim_of(invoice, **fields):
    return PaymentFactory(
        invoice=invoice, account=invoice.account, amount=invoice.total, currency="EUR",
        method=PaymentMethod.objects.get(code="sepa"), **fields,
    )  # fmt: skip


def test_reference_with_its_amount_is_sure(line_of, invoice):
    line = line_of(text=f"thanks {invoice.payment_reference}")

    assert line.status == "suggested"
    [found] = candidates(line)
    assert (found.invoice, found.claim, found.against) == (invoice, None, [])
    assert found.reasons == [reasons.REFERENCE, reasons.AMOUNT]
    assert found.rule == "reference and amount"


def test_number_alone_is_a_suggestion_and_with_a_known_payer_sure(line_of, invoice, bookkeeper):
    with thaw("core_invoice", reason="the factory's numbers are not those of the product"):
        Invoice.objects.update(number="INV-000123")
    line = line_of(text="inv 123", payer="Ann", payer_iban=OTHER_IBAN)
    assert [found.rule for found in candidates(line)] == [""]

    PayerIdentity.objects.create(account=invoice.account, kind="account", value=OTHER_IBAN, confirmed_by=bookkeeper)

    assert [found.rule for found in candidates(line)] == ["number, amount and payer"]


def test_payer_who_is_known_for_another_account_is_never_sure(line_of, invoice, bookkeeper):
    other = AccountFactory()
    PayerIdentity.objects.create(account=other, kind="account", value=OTHER_IBAN, confirmed_by=bookkeeper)

    [found] = candidates(line_of(text=invoice.payment_reference, payer_iban=OTHER_IBAN))

    assert (found.rule, found.against) == ("", ["the payer is known for another account"])


@pytest.mark.parametrize(("amount", "words"), [("88.00", "1.00 less"), ("90.00", "1.00 more")])
def test_another_amount_is_a_suggestion_that_says_the_difference(line_of, invoice, amount, words):
    [found] = candidates(line_of(amount, invoice.payment_reference))

    assert (found.rule, found.against) == ("", [words])


def test_what_a_bank_keeps_within_the_tolerance_is_sure(line_of):
    method = PaymentMethodFactory(code="tolerant", currency="EUR", tolerance_percent=2, tolerance_max=5)
    invoice = InvoiceFactory(currency="EUR", payment_method=method)

    [found] = candidates(line_of("88.00", invoice.payment_reference))

    assert found.rule == "reference and amount within tolerance"


def test_closed_invoice_is_never_sure(line_of, invoice):
    perform(invoice.lapse)

    [found] = candidates(line_of(text=invoice.payment_reference))

    assert found.rule == ""
    assert "goes to the balance" in found.against[0]


def test_invoice_in_another_currency_is_never_sure(line_of):
    invoice = InvoiceFactory(currency="USD")

    [found] = candidates(line_of(text=invoice.payment_reference))

    assert (found.rule, found.against) == ("", ["it is in USD"])


def test_two_invoices_in_one_text_are_never_sure(line_of, invoice):
    other = issued()

    found = candidates(line_of(text=f"{invoice.payment_reference} {other.payment_reference}"))

    assert {one.rule for one in found} == {""}
    assert {one.invoice for one in found} == {invoice, other}


def test_claim_is_found_by_its_id_in_its_days(line_of, invoice):
    claim = claim_of(invoice, reference="UTR 998877", reference_key="UTR998877", paid_on=timezone.now().date())

    soon = line_of(text="utr998877", day=timezone.now().date().isoformat())
    late = line_of(text="utr998877", day=(timezone.now().date() - timedelta(days=40)).isoformat())

    [found] = candidates(soon)
    assert (found.claim, found.rule) == (claim, "claim and amount")
    assert candidates(late) == []


def test_known_payer_with_one_open_amount_is_a_suggestion(line_of, invoice, bookkeeper):
    PayerIdentity.objects.create(account=invoice.account, kind="account", value=OTHER_IBAN, confirmed_by=bookkeeper)

    [found] = candidates(line_of(text="thanks", payer_iban=OTHER_IBAN))

    assert (found.invoice, found.rule) == (invoice, "")


def test_batch_names_what_its_transactions_pay_and_is_never_sure(line_of, invoice):
    line = line_of("89.00", "batch")
    StatementLine.objects.update(
        details=[{"text": f"to {invoice.payment_reference}", "references": []}, {"text": "other", "references": ["R"]}]
    )
    line.refresh_from_db()

    [found] = candidates(line)

    assert (found.invoice, found.rule) == (invoice, "")
    assert found.against == ["the line is a batch of 2 transactions"]


def test_money_out_and_money_back_have_no_candidates(line_of, invoice):
    assert candidates(line_of("-89.00", invoice.payment_reference)) == []
    assert candidates(line_of("89.00", invoice.payment_reference, is_return=True)) == []


def test_match_of_a_claim_approves_it(line_of, invoice, bookkeeper, run_effects):
    claim = claim_of(invoice)
    line = line_of(text=invoice.payment_reference, payer="Ann", payer_iban=OTHER_IBAN)

    match_line(line, [Part(Decimal("89.00"), payment=claim)], by=bookkeeper)
    run_effects()

    claim.refresh_from_db()
    invoice.refresh_from_db()
    assert (claim.status, claim.decided_by, claim.value_date) == ("succeeded", bookkeeper, line.value_on)
    assert invoice.status == "paid"
    part = LinePayment.objects.get()
    assert (part.line, part.payment, part.amount, part.is_decision) == (line, claim, Decimal("89.00"), True)
    known = set(PayerIdentity.objects.values_list("account", "kind", "value"))
    assert known == {(invoice.account_id, "account", OTHER_IBAN), (invoice.account_id, "name", "ANN")}


def test_match_of_an_invoice_records_a_payment_of_the_statement(line_of, invoice, bookkeeper, run_effects):
    line = line_of(text=invoice.payment_reference)

    match_line(line, [Part(Decimal("89.00"), invoice=invoice)], by=bookkeeper)
    run_effects()

    payment = Payment.objects.get()
    assert (payment.status, payment.submitted_by, payment.decided_by) == ("succeeded", statement_user(), bookkeeper)
    assert payment.method.code == "sepa"


def test_one_line_pays_two_invoices(line_of, invoice, bookkeeper, run_effects):
    other = issued()
    line = line_of("178.00", f"{invoice.payment_reference} {other.payment_reference}")

    match_line(line, [Part(Decimal("89.00"), invoice=invoice), Part(Decimal("89.00"), invoice=other)], by=bookkeeper)
    run_effects()

    assert set(Invoice.objects.values_list("status", flat=True)) == {"paid"}


def test_parts_above_the_line_are_refused_by_the_verb_and_by_the_database(line_of, invoice, bookkeeper):
    line, payment = line_of(), claim_of(invoice)
    with pytest.raises(ValidationError):
        match_line(line, [Part(Decimal("89.01"), payment=payment)], by=bookkeeper)

    with pytest.raises(IntegrityError, match="is about 89"), atomic():
        LinePayment.objects.create(line=line, payment=payment, amount=Decimal("89.01"), decided_by=bookkeeper)
    assert Payment.objects.get().status == "pending_approval"


def test_line_is_matched_once(line_of, invoice, bookkeeper):
    line, same = line_of(), StatementLine.objects.get()
    match_line(line, [Part(Decimal("89.00"), invoice=invoice)], by=bookkeeper)

    with pytest.raises(WrongState):
        match_line(same, [Part(Decimal("89.00"), invoice=issued())], by=bookkeeper)
    assert LinePayment.objects.count() == 1


def test_payment_that_was_approved_by_eye_gets_its_line_once(line_of, invoice, bookkeeper, run_effects):
    claim = claim_of(invoice)
    perform(claim.approve, by=StaffFactory())
    run_effects()
    claim.refresh_from_db()

    match_line(line_of(), [Part(Decimal("89.00"), payment=claim)], by=bookkeeper)

    assert LinePayment.objects.get().is_decision is False
    with pytest.raises(Conflict):
        match_line(line_of(text="again"), [Part(Decimal("89.00"), payment=claim)], by=bookkeeper)


def test_evidence_can_be_taken_back_and_a_settled_decision_cannot(line_of, invoice, bookkeeper, run_effects):
    seen = claim_of(invoice)
    perform(seen.approve, by=StaffFactory())
    run_effects()
    seen.refresh_from_db()
    evidence = match_line(line_of(), [Part(Decimal("89.00"), payment=seen)], by=bookkeeper)

    unmatch_line(evidence, by=bookkeeper)

    assert evidence.status == "open"
    assert sum(LinePayment.objects.values_list("amount", flat=True)) == 0
    decided = match_line(line_of(text="b"), [Part(Decimal("89.00"), invoice=issued())], by=bookkeeper)
    with pytest.raises(Conflict, match="reverse it"):
        unmatch_line(decided, by=bookkeeper)
    assert StatementLine.objects.get(pk=decided.pk).status == "matched"


@pytest.fixture
def paid(line_of, invoice, bookkeeper, run_effects):
    """A payment of 89.00 that a line brought."""
    match_line(line_of(), [Part(Decimal("89.00"), invoice=invoice)], by=bookkeeper)
    run_effects()
    return Payment.objects.get()


def test_return_reverses_the_payment_as_a_whole(line_of, invoice, paid, bookkeeper, run_effects):
    part, whole = line_of("-40.00", "part", is_return=True), line_of("-92.50", "returned", is_return=True)

    with pytest.raises(ValidationError) as refused:
        return_line(part, paid, by=bookkeeper)
    assert "name the amount" in refused.value.members["errors"]["payment"][0]
    return_line(whole, paid, by=bookkeeper)
    run_effects()

    paid.refresh_from_db()
    invoice.refresh_from_db()
    assert (paid.status, invoice.status, whole.status) == ("reversed", "pending", "returned")
    assert "AC04" in paid.reversal_reason


def test_return_of_a_part_leaves_the_rest_paid(line_of, invoice, paid, bookkeeper, run_effects):
    first, second, last = (line_of(amount, f"back {amount}") for amount in ("-40.00", "-20.00", "-30.00"))

    return_line(first, paid, by=bookkeeper, amount=Decimal("40.00"))
    run_effects()

    paid.refresh_from_db()
    invoice.refresh_from_db()
    assert (paid.status, paid.returned, invoice.status, invoice.allocated) == (
        "succeeded", Decimal(40), "partially_paid", Decimal(49),
    )  # fmt: skip
    part = LinePayment.objects.get(line=first)
    assert (part.payment, part.amount, part.is_decision, first.status) == (paid, Decimal(40), True, "returned")
    for amount in ("49.01", "20.01", "0"):
        with pytest.raises(ValidationError):
            return_line(second, paid, by=bookkeeper, amount=Decimal(amount))
    return_line(second, paid, by=bookkeeper, amount=Decimal("19.00"))  # 1.00 is the bank's fee
    return_line(last, paid, by=bookkeeper)  # all that is left
    run_effects()
    paid.refresh_from_db()
    assert (paid.status, paid.returned) == ("reversed", Decimal(59))
    assert LinePayment.objects.get(line=last).amount == Decimal(30)


def test_line_takes_back_only_what_was_settled_and_in_its_currency(line_of, paid, bookkeeper):
    claim = claim_of(issued())
    dollars = PaymentFactory(reference_key="D")
    line = line_of("-89.00")

    with pytest.raises(WrongState):
        return_line(StatementLine.objects.get(pk=line.pk), claim, by=bookkeeper)
    with pytest.raises(ValidationError) as refused:
        return_line(line, dollars, by=bookkeeper, amount=Decimal("40.00"))
    assert "takes nothing in USD" in refused.value.members["errors"]["payment"][0]
    line.refresh_from_db()
    assert line.status == "open"


def test_part_is_suggested_where_the_line_names_its_payment_or_the_payer_is_known(line_of, invoice, paid, bookkeeper):
    silent, named = line_of("-40.00", "back"), line_of("-41.00", f"RETOURE {invoice.payment_reference}")
    assert find_returned(silent) == []
    assert [(one.payment, one.amount, one.is_part) for one in find_returned(named)] == [(paid, Decimal(41), True)]
    PayerIdentity.objects.create(account=invoice.account, kind="account", value=OTHER_IBAN, confirmed_by=bookkeeper)

    known = find_returned(line_of("-42.00", "back", payer="Ann", payer_iban=OTHER_IBAN))

    assert [(one.payment, one.amount) for one in known] == [(paid, Decimal(42))]


def test_whole_payment_is_suggested_by_what_is_left_of_it(line_of, paid, bookkeeper, run_effects):
    return_line(line_of("-40.00", "a"), paid, by=bookkeeper, amount=Decimal("40.00"))
    run_effects()

    assert find_returned(line_of("-89.00", "b")) == []
    assert [(one.payment, one.is_part) for one in find_returned(line_of("-49.00", "c"))] == [(paid, False)]


def test_member_of_the_account_matches_nothing_of_it(line_of, invoice, bookkeeper):
    stranger = MembershipFactory(account=invoice.account).user

    with pytest.raises(PermissionDenied):
        match_line(line_of(), [Part(Decimal("89.00"), invoice=invoice)], by=stranger)
    assert not Payment.objects.exists()


def test_ignored_line_says_why_and_can_be_opened_again(line_of, bookkeeper):
    line = line_of()
    with pytest.raises(ValidationError):
        perform(line.ignore, by=bookkeeper, because=" ")

    perform(line.ignore, by=bookkeeper, because="our own transfer")
    assert line.ignored_because == "our own transfer"
    perform(line.reopen, by=bookkeeper)
    assert (line.status, line.ignored_because) == ("open", "")


def test_facts_of_a_line_never_change(line_of):
    line_of()

    with pytest.raises(IntegrityError, match="amount is frozen"), atomic():
        StatementLine.objects.update(amount=1)
