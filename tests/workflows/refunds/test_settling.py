from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import Refund
from core.problems import WrongState
from engine import perform
from tests.workflows.bank.conftest import make_automatic
from tests.workflows.bank.statement_files import OTHER_IBAN, Row, camt
from tests.workflows.refunds.conftest import laws_hold, refused
from workflows.bank import find_refunds, settle_refunds, unmatch_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def refund(overpaid, approved) -> Refund:
    return approved(overpaid("40.00").account, "25.00")


def test_outgoing_line_with_the_reference_settles_what_was_not_even_said_to_be_sent(
    refund, imported, lines, bookkeeper
):
    imported(camt(Row("-25.00", f"Refund {refund.reference}", payer="Ann Example")))
    [line] = lines()
    assert find_refunds(line) == [refund]

    settle_refunds(line, find_refunds(line), by=bookkeeper)

    refund.refresh_from_db()
    assert (refund.status, refund.line, str(refund.sent_on), line.status) == ("settled", line, "2026-03-04", "matched")
    assert laws_hold()


def test_amount_with_the_payee_s_account_suggests_and_another_account_does_not(refund, imported, lines):
    imported(
        camt(
            Row("-25.00", "no words", payer_iban=OTHER_IBAN),
            Row("-25.00", "no words", payer_iban="DE89370400440532013000"),
        )
    )
    named, other = lines()

    assert find_refunds(named) == [refund]
    assert find_refunds(other) == []


def test_line_of_less_money_in_or_another_currency_settles_nothing(refund, imported, lines, bookkeeper):
    imported(camt(Row("-24.99", refund.reference), Row("25.00", refund.reference)))
    less, money_in = sorted(lines(), key=lambda line: line.amount)

    for line, said in ((less, "more than the 24.99 EUR"), (money_in, "brought money")):
        assert find_refunds(line) == []
        with refused(said):
            settle_refunds(line, [refund], by=bookkeeper)
    refund.refresh_from_db()
    assert refund.status == "approved"


def test_one_line_shows_several_refunds_and_no_more_than_it_took(overpaid, approved, imported, lines, bookkeeper):
    account = overpaid("40.00").account
    first, second = approved(account, "25.00"), approved(account, "10.00")
    imported(camt(Row("-35.00", f"{first.reference} {second.reference}")))
    [line] = lines()

    settle_refunds(line, [second, first], by=bookkeeper)
    third = approved(account, "5.00")
    perform(third.mark_sent, by=bookkeeper, sent_on=line.booked_on)
    with pytest.raises(IntegrityError, match="its refunds would be 40"), atomic():
        perform(third.settle, by=bookkeeper, line=str(line.pk))

    assert Refund.objects.filter(line=line).count() == 2
    assert laws_hold()


def test_refund_that_is_only_requested_is_settled_by_no_line(overpaid, requested, imported, lines, bookkeeper):
    refund = requested(overpaid("40.00").account, "25.00")
    imported(camt(Row("-25.00", refund.reference)))
    [line] = lines()

    assert find_refunds(line) == []
    with pytest.raises(WrongState):
        settle_refunds(line, [refund], by=bookkeeper)
    line.refresh_from_db()
    assert line.status != "matched"


def test_match_that_is_taken_back_leaves_the_refund_under_way(refund, imported, lines, bookkeeper):
    imported(camt(Row("-25.00", refund.reference)))
    [line] = lines()
    settle_refunds(line, [refund], by=bookkeeper)

    unmatch_line(line, by=bookkeeper)

    refund.refresh_from_db()
    assert (refund.status, refund.line, line.status) == ("sent", None, "open")
    assert laws_hold()


def test_of_an_automatic_account_a_line_that_names_its_refund_settles_it_by_itself(
    refund, imported, lines, bank_account, bookkeeper
):
    make_automatic(bank_account, by=bookkeeper, limit=Decimal(100), duties=["match_lines", "request_refund"])

    imported(camt(Row("-25.00", f"Refund {refund.reference}"), Row("-25.00", "another")))

    refund.refresh_from_db()
    states = {line.text: (line.status, line.rule) for line in lines()}
    assert refund.status == "settled"
    assert states[f"Refund {refund.reference}"] == ("matched", "refund by its reference")
    assert states["another"][0] == "open"
    assert laws_hold()


def test_not_automatic_nothing_is_settled_by_itself(refund, imported):
    imported(camt(Row("-25.00", f"Refund {refund.reference}")))

    refund.refresh_from_db()
    assert refund.status == "approved"
