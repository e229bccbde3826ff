from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import CreditNote
from tests.factories import InvoiceFactory, MembershipFactory
from tests.web.conftest import signed_in
from tests.workflows.conftest import active, customer, pay, plans
from tests.workflows.refunds.conftest import overpaid, staff_who
from workflows.actions import choose_plan
from workflows.actions.credit_notes import write_credit_note

__all__ = ["active", "customer", "overpaid", "pay", "plans"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db):
    return staff_who("write_credit_note", "issue_credit_note")


@pytest.fixture
def clerk(person):
    return signed_in(person)


def test_credit_note_is_written_on_the_page_of_the_invoice_once(clerk):
    invoice = InvoiceFactory()
    page = f"/desk/accounts/invoices/{invoice.pk}/credit/"
    assert page in clerk.get(f"/desk/accounts/invoices/{invoice.pk}/").content.decode()
    assert "89.00 USD is left" in clerk.get(page).content.decode()

    form = {"amount": "19.00", "reason": "Two days without service", "token": "1" * 32}
    first = clerk.post(page, form, follow=True).content.decode()
    clerk.post(page, form)

    assert "Credited. The customer gets the paper by mail." in first
    assert CreditNote.objects.count() == 1
    shown = clerk.get(f"/desk/accounts/invoices/{invoice.pk}/").content.decode()
    assert "Credited" in shown
    assert "Two days without service" in shown
    assert "Two days without service" in clerk.get("/desk/credit-notes/?list=applied").content.decode()
    assert "No credit note is in this list" in clerk.get("/desk/credit-notes/").content.decode()


def test_what_was_paid_is_issued_by_somebody_else(clerk, overpaid):
    invoice = overpaid("1.00").invoice
    page = f"/desk/accounts/invoices/{invoice.pk}/credit/"

    shown = clerk.post(page, {"amount": "19.00", "reason": "R", "token": "1" * 32}, follow=True).content.decode()

    assert "somebody else issues what you wrote" in shown
    assert "Issue it" not in shown
    note = CreditNote.objects.get()
    other = signed_in(staff_who("issue_credit_note"))
    assert "Into the balance" in other.get(f"/desk/credit-notes/{note.pk}/").content.decode()
    said = other.post(f"/desk/credit-notes/{note.pk}/issue/", follow=True).content.decode()
    assert "Credited. The customer gets the paper by mail." in said


def test_own_draft_of_paid_money_is_not_issued_by_a_made_up_form(clerk, person, overpaid):
    note = write_credit_note(overpaid("1.00").invoice, amount=Decimal(19), reason="R", by=person)

    said = clerk.post(f"/desk/credit-notes/{note.pk}/issue/", follow=True).content.decode()

    assert "somebody else has to issue it" in said
    assert CreditNote.objects.get().status == "draft"


def test_draft_is_cancelled_with_a_reason(clerk, overpaid, person):
    note = write_credit_note(overpaid("1.00").invoice, amount=Decimal(19), reason="R", by=person)

    assert "This field is required" in clerk.post(f"/desk/credit-notes/{note.pk}/cancel/").content.decode()
    clerk.post(f"/desk/credit-notes/{note.pk}/cancel/", {"ended_because": "Another invoice"})

    assert CreditNote.objects.get().ended_because == "Another invoice"
    assert "Another invoice" in clerk.get(f"/desk/credit-notes/{note.pk}/").content.decode()
    assert clerk.post(f"/desk/credit-notes/{note.pk}/lapse/").status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"amount": "89.01"}, "89.00 USD is left"),
        ({"amount": "0"}, ""),
        ({"amount": ""}, "This field is required"),
        ({"reason": ""}, "This field is required"),
        ({"amount": "89.00"}, "void the invoice instead"),
    ],
)
def test_wrong_forms_are_shown_again_with_their_error(clerk, form, said):
    page = f"/desk/accounts/invoices/{InvoiceFactory().pk}/credit/"

    shown = clerk.post(page, {"amount": "5.00", "reason": "R", "token": "1" * 32, **form}).content.decode()

    assert said in shown
    assert CreditNote.objects.count() == 0


def test_each_line_can_be_credited_alone(clerk, active, plans):
    signed = active()
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    page = f"/desk/accounts/invoices/{upgrade.pk}/credit/"
    assert "189.00 USD is left" in clerk.get(page).content.decode()

    both = clerk.post(page, {"amount": "5.00", "line_1": "50.00", "reason": "R", "token": "2" * 32}).content.decode()
    assert "Say either an amount or lines" in both
    clerk.post(page, {"line_1": "50.00", "reason": "R", "token": "1" * 32})

    assert [line.position for line in CreditNote.objects.get().lines.all()] == [1]


def test_customer_sees_what_was_credited(person, client):
    invoice = InvoiceFactory()
    write_credit_note(invoice, amount=Decimal(19), reason="R", by=person)
    page = (
        signed_in(MembershipFactory(account=invoice.account).user).get(f"/app/invoices/{invoice.pk}/").content.decode()
    )

    assert "70.00" in page
    assert "credited" in page


def test_nobody_else_sees_credit_notes():
    stranger = signed_in(staff_who("review_payment"))

    assert stranger.get("/desk/credit-notes/").status_code == 403
    assert stranger.get(f"/desk/accounts/invoices/{InvoiceFactory().pk}/credit/").status_code == 403
