from __future__ import annotations

import re

import pytest

from core.models import Payment, StatementLine
from tests.factories import AccountFactory, InvoiceFactory, MembershipFactory, PaymentFactory, UserFactory
from tests.web.conftest import signed_in
from tests.workflows.bank.statement_files import OTHER_IBAN, Row, camt

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db):
    return MembershipFactory(account=AccountFactory(name="Suedwind"))


def test_line_is_credited_to_an_account_that_was_searched_for(drop, bookkeeper, owner, run_effects):
    drop(camt(Row("50.00", "for later", payer="Ann", payer_iban=OTHER_IBAN)))
    line = StatementLine.objects.get()
    page = f"/desk/bank/lines/{line.pk}/"
    assert "Suedwind" not in bookkeeper.get(page).content.decode()
    assert "Credit 50.00" in _plain(bookkeeper.get(f"{page}?account=suedw"))
    assert "No account is found" in bookkeeper.get(f"{page}?account=nobody").content.decode()

    answer = bookkeeper.post(f"{page}credit/", {"account": owner.account.pk}, follow=True)
    run_effects()

    assert "Credited: the account has it in its balance" in answer.content.decode()
    payment = Payment.objects.get()
    assert (payment.status, payment.invoice, payment.account) == ("succeeded", None, owner.account)
    desk = bookkeeper.get(f"/desk/{payment.pk}/").content.decode()
    assert "none: on account" in desk
    assert page in desk
    assert "on account" in bookkeeper.get(page).content.decode()
    assert "on account" in bookkeeper.get(f"/desk/accounts/{owner.account.pk}/").content.decode()
    assert bookkeeper.get(f"/desk/{payment.pk}/reverse/").status_code == 200
    chief = signed_in(UserFactory(is_staff=True, is_superuser=True))
    assert "on account" in chief.get("/admin/core/payment/").content.decode()
    assert chief.get(f"/admin/core/payment/{payment.pk}/change/").status_code == 200
    assert chief.get(f"/desk/workflows/payment/{payment.pk}/").status_code == 200
    drop(camt(Row("60.00", "again", payer_iban=OTHER_IBAN), opening="7.00"))
    again = StatementLine.objects.latest("id")
    assert "paid for it before" in bookkeeper.get(f"/desk/bank/lines/{again.pk}/").content.decode()


def test_customer_sees_it_among_their_payments(drop, bookkeeper, owner, run_effects):
    drop(camt(Row("50.00", "for later")))
    line = StatementLine.objects.get()
    bookkeeper.post(f"/desk/bank/lines/{line.pk}/credit/", {"account": owner.account.pk})
    run_effects()
    customer, payment = signed_in(owner.user), Payment.objects.get()

    for path in ("payments/", f"payments/{payment.pk}/", "", "balance/"):
        shown = customer.get(f"/app/{path}")
        assert shown.status_code == 200
        assert "on account" in shown.content.decode().lower(), path
    assert "We recorded your payment" in customer.get(f"/app/payments/{payment.pk}/").content.decode()


@pytest.mark.parametrize("account", ["", "x", "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"])
def test_account_that_there_is_not_is_not_found(drop, bookkeeper, account):
    drop(camt(Row("50.00")))
    line = StatementLine.objects.get()

    assert bookkeeper.post(f"/desk/bank/lines/{line.pk}/credit/", {"account": account}).status_code == 404
    assert not Payment.objects.exists()


def test_claim_in_another_currency_is_one_button_that_says_what_follows(
    drop,
    bookkeeper,
    run_effects,
):
    claim = PaymentFactory()
    drop(camt(Row("80.00", claim.invoice.payment_reference)))
    page = f"/desk/bank/lines/{StatementLine.objects.get().pk}/"
    shown = _plain(bookkeeper.get(page))
    assert "Reject the claim and credit 80.00" in shown
    assert "It pays this" not in shown
    assert f"{claim.invoice} is not paid by it" in shown

    bookkeeper.post(f"{page}instead/", {"payment": claim.pk})
    run_effects()

    claim.refresh_from_db()
    assert (claim.status, claim.reason_code) == ("failed", "wrong_currency")
    assert Payment.objects.exclude(pk=claim.pk).get().invoice is None


def test_invoice_in_another_currency_offers_the_balance(drop, bookkeeper):
    invoice = InvoiceFactory()
    drop(camt(Row("80.00", invoice.payment_reference)))

    shown = _plain(bookkeeper.get(f"/desk/bank/lines/{StatementLine.objects.get().pk}/"))

    assert "this line pays nothing of it" in shown
    assert "It pays this" not in shown


def _plain(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", answer.content.decode()).split())
