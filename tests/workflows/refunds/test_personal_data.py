from __future__ import annotations

import json
from datetime import date

import pytest

from core.models import Refund
from core.problems import Conflict
from engine import perform
from tests.workflows.bank.statement_files import OTHER_IBAN, Row, camt
from tests.workflows.refunds.conftest import laws_hold, staff_who
from workflows.actions.personal import erase_person, export_person
from workflows.bank import settle_refunds

pytestmark = pytest.mark.django_db


def test_payee_goes_with_the_person_and_amounts_stay(overpaid, approved, imported, lines, bookkeeper, run_effects):
    payment = overpaid("40.00")
    account, owner = payment.account, payment.submitted_by
    refund = approved(account, "25.00", note="Ann asked by phone")
    eraser = staff_who("erase_person", "manage_accounts")
    with pytest.raises(Conflict, match="A refund of the account is under way"):
        erase_person(owner, by=eraser, reason="asked")
    imported(camt(Row("-25.00", f"Refund {refund.reference}", payer="Ann Example", payer_iban=OTHER_IBAN)))
    [line] = lines()
    settle_refunds(line, [refund], by=bookkeeper)
    run_effects()
    assert [one["payee_account"] for one in json.loads(export_person(owner))["refunds"]] == [OTHER_IBAN]

    erase_person(owner, by=eraser, reason="asked")
    run_effects()

    refund, line = Refund.objects.get(), lines()[0]
    assert (refund.payee_name, refund.payee_account, refund.payee_bank, refund.note) == (None, None, None, "")
    assert (refund.amount, refund.status, line.text, line.payer_name) == (25, "settled", "", "")
    assert str(refund) == "25.00 EUR to somebody erased"
    assert laws_hold()


def test_customer_is_told_when_it_is_sent_and_when_it_failed(overpaid, approved, bookkeeper, run_effects, mailoutbox):
    account = overpaid("40.00").account
    refund = approved(account, "25.00")
    mailoutbox.clear()

    perform(refund.mark_sent, by=bookkeeper, sent_on=date(2026, 3, 4))
    run_effects()
    perform(refund.fail, by=bookkeeper, because="The account is closed")
    run_effects()

    sent, failed = mailoutbox
    assert (sent.to, sent.subject) == ([account.billing_email], "25.00 EUR is on its way back to you")
    assert "… 2051" in sent.body
    assert OTHER_IBAN not in sent.body
    assert failed.subject == "25.00 EUR could not be paid back"
    assert "The account is closed" in failed.body
