from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import BankAccount, LinePayment, Payment, StatementLine
from core.problems import PermissionDenied, ValidationError
from tests.factories import StaffFactory
from tests.workflows.bank.conftest import issued, make_automatic
from tests.workflows.bank.statement_files import Row, camt
from workflows.bank import automatic, save_bank_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def automaton(bank_account, bookkeeper):
    """The account is automatic up to 100, and the user that decides has the rights."""
    duties = ["match_lines", "review_payment", "approve_payment"]
    return make_automatic(bank_account, by=bookkeeper, limit=Decimal(100), duties=duties)


@pytest.fixture
def invoice(bank_account):
    return issued()


def test_sure_line_is_matched_and_says_by_which_rule(automaton, invoice, imported):
    imported(camt(Row("89.00", invoice.payment_reference)))

    line, payment = StatementLine.objects.get(), Payment.objects.get()
    invoice.refresh_from_db()
    assert (line.status, line.rule, line.decided_by) == ("matched", "reference and amount", automaton)
    assert (payment.status, payment.decided_by, invoice.status) == ("succeeded", automaton, "paid")
    part = LinePayment.objects.get()
    assert (part.rule, part.reasons) == (line.rule, ["reference with check character", "amount"])
    assert part.line.statement.file.sha256


def test_nothing_is_automatic_by_itself(invoice, imported):
    imported(camt(Row("89.00", invoice.payment_reference)))

    assert StatementLine.objects.get().status == "suggested"
    assert not Payment.objects.exists()


def test_nothing_is_automatic_in_a_file_that_does_not_add_up(automaton, invoice, imported):
    imported(camt(Row("89.00", invoice.payment_reference), closing="500.00"))

    assert StatementLine.objects.get().status == "suggested"


@pytest.mark.parametrize(
    ("total", "paid"), [("101.00", "101.00"), ("89.00", "88.00"), ("89.00", "90.00")], ids=["limit", "less", "more"]
)
def test_above_the_limit_or_of_another_amount_a_person_decides(automaton, imported, total, paid):
    imported(camt(Row(paid, issued(total).payment_reference)))

    assert StatementLine.objects.get().status == "suggested"
    assert not Payment.objects.exists()


def test_second_line_for_one_invoice_is_left_to_a_person(automaton, invoice, imported):
    imported(camt(Row("89.00", invoice.payment_reference), Row("89.00", invoice.payment_reference)))

    assert sorted(StatementLine.objects.values_list("status", flat=True)) == ["matched", "suggested"]
    assert Payment.objects.count() == 1


def test_matching_user_without_rights_decides_nothing(automaton, invoice, imported):
    automaton.user_permissions.clear()

    imported(camt(Row("89.00", invoice.payment_reference)))

    assert StatementLine.objects.get().status == "suggested"


def test_many_lines_are_matched_by_several_effects(automaton, imported, monkeypatch):
    monkeypatch.setattr(automatic, "SECONDS", 0.0)
    monkeypatch.setattr(automatic, "LINES_AT_ONCE", 2)
    invoices = [issued() for _ in range(5)]

    imported(camt(*(Row("89.00", invoice.payment_reference) for invoice in invoices)))

    assert set(StatementLine.objects.values_list("status", flat=True)) == {"matched"}
    assert Payment.objects.filter(status="succeeded").count() == 5


def test_only_who_approves_switches_it_on(bank_account):
    staff = StaffFactory()
    staff.user_permissions.set(Permission.objects.filter(codename="import_statements"))

    with pytest.raises(PermissionDenied):
        save_bank_account(bank_account, by=staff, is_automatic=True, automatic_limit=Decimal(100))


def test_automatic_account_has_a_limit(bank_account, bookkeeper):
    with pytest.raises(ValidationError):
        save_bank_account(bank_account, by=bookkeeper, is_automatic=True)

    with pytest.raises(IntegrityError, match="bank_account_limit"), atomic():
        BankAccount.objects.update(is_automatic=True)
