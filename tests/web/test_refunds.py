from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.models import Refund
from engine import perform
from tests.web.conftest import signed_in
from tests.workflows.bank.statement_files import OTHER_IBAN, Row, camt
from tests.workflows.refunds.conftest import (
    approved,
    bank_account,
    bookkeeper,
    imported,
    lines,
    manager,
    overpaid,
    requested,
    staff_who,
)
from workflows.settlement.balances import balance_of

__all__ = ["approved", "bank_account", "bookkeeper", "imported", "lines", "manager", "overpaid", "requested"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(bookkeeper):
    return signed_in(bookkeeper)


def form(bank_account, **change):
    return {
        "currency": "EUR",
        "amount": "25.00",
        "reason": "overpaid",
        "bank_account": str(bank_account.pk),
        "payee_name": "Ann Example",
        "payee_account": OTHER_IBAN,
        "token": "1" * 32,
        **change,
    }


def test_refund_is_requested_on_the_customer_s_page_once(clerk, overpaid, bank_account):
    account = overpaid("80.00").account
    page = f"/desk/accounts/{account.pk}/refund/"
    assert page in clerk.get(f"/desk/accounts/{account.pk}/").content.decode()
    assert "EUR, 80.00" in clerk.get(page).content.decode()

    first = clerk.post(page, form(bank_account), follow=True).content.decode()
    clerk.post(page, form(bank_account))

    assert "Somebody else of the staff approves it" in first
    assert "never seen to pay for this customer" in first
    assert Refund.objects.count() == 1
    assert balance_of(account.pk) == {"EUR": Decimal("55.00")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": "40.01"}, "no more can go back"),
        ({"payee_account": "DE00120300000000202051"}, "its check digits are wrong"),
        ({"payee_name": ""}, "This field is required"),
        ({"amount": "1.500"}, ""),
    ],
)
def test_wrong_request_is_shown_again_and_changes_nothing(clerk, overpaid, bank_account, change, said):
    account = overpaid("40.00").account

    answer = clerk.post(f"/desk/accounts/{account.pk}/refund/", form(bank_account, **change))

    assert answer.status_code in (200, 400)
    assert said in answer.content.decode()
    assert not Refund.objects.exists()


def test_without_a_balance_there_is_nothing_to_request(clerk, overpaid):
    account = overpaid("0.00").account

    assert "There is no money in the balance" in clerk.get(f"/desk/accounts/{account.pk}/refund/").content.decode()


def test_who_requested_it_sees_no_button_to_approve_and_another_approves(clerk, manager, overpaid, requested):
    refund = requested(overpaid("40.00").account, "25.00")
    page = f"/desk/refunds/{refund.pk}/"
    mine = clerk.get(page).content.decode()
    assert "Somebody else approves what you requested" in mine
    assert f"{page}approve/" not in mine

    boss = signed_in(manager)
    assert f"{page}approve/" in boss.get(page).content.decode()
    assert "next payout file" in boss.post(f"{page}approve/", follow=True).content.decode()

    refund.refresh_from_db()
    assert (refund.status, refund.approved_by) == ("approved", manager)
    refused = clerk.post(f"{page}approve/", follow=True)
    assert refused.status_code == 200
    assert "approved" not in refused.content.decode().split("<main")[0]


def test_file_is_fetched_and_all_of_it_is_said_to_be_sent(clerk, overpaid, approved, bank_account):
    account = overpaid("40.00").account
    first, second = approved(account, "25.00"), approved(account, "5.00")

    xml = clerk.get(f"/desk/refunds/payout/pain001/?bank_account={bank_account.pk}")
    table = clerk.get("/desk/refunds/payout/csv/")
    assert (xml["Content-Type"], table["Content-Type"]) == ("application/xml", "text/csv; charset=utf-8")
    assert xml["Content-Disposition"].startswith('attachment; filename="refunds-')
    assert first.reference in xml.content.decode()
    keys = [str(first.pk), str(second.pk)]
    said = clerk.post("/desk/refunds/sent/", {"refund": keys, "sent_on": "2026-03-04"}, follow=True).content.decode()

    assert "Sent: 2." in said
    assert {str(one.sent_on) for one in Refund.objects.filter(status="sent")} == {"2026-03-04"}
    again = clerk.post("/desk/refunds/sent/", {"refund": keys, "sent_on": "2026-03-04"}, follow=True)
    assert again.status_code == 200
    assert "Sent: 2." not in again.content.decode()


def test_nothing_chosen_or_no_day_is_said(clerk, overpaid, approved):
    refund = approved(overpaid("40.00").account, "25.00")

    for data in ({"sent_on": "2026-03-04"}, {"refund": str(refund.pk)}, {"refund": str(refund.pk), "sent_on": "x"}):
        answer = clerk.post("/desk/refunds/sent/", data, follow=True)
        assert "Choose refunds, and the day" in answer.content.decode()
    refund.refresh_from_db()
    assert refund.status == "approved"


def test_file_of_an_account_without_holder_is_refused_on_the_page(clerk, overpaid, approved, bank_account):
    approved(overpaid("40.00").account, "25.00")
    bank_account.holder = ""
    bank_account.save()

    answer = clerk.get(f"/desk/refunds/payout/pain001/?bank_account={bank_account.pk}", follow=True)

    assert answer.redirect_chain
    assert "Content-Disposition" not in answer


def test_refund_fails_with_a_reason_and_not_without(clerk, overpaid, approved, bookkeeper, run_effects):
    account = overpaid("40.00").account
    refund = approved(account, "25.00")
    page = f"/desk/refunds/{refund.pk}/"
    assert "Sent" in clerk.post(f"{page}mark_sent/", {"sent_on": "2026-03-04"}, follow=True).content.decode()

    assert "This field is required" in clerk.post(f"{page}fail/", {"ended_because": ""}).content.decode()
    clerk.post(f"{page}fail/", {"ended_because": "Account closed"})
    run_effects()

    refund.refresh_from_db()
    assert (refund.status, refund.ended_because) == ("failed", "Account closed")
    assert balance_of(account.pk) == {"EUR": Decimal("40.00")}
    customer = signed_in(account.memberships.get().user).get("/app/balance/").content.decode()
    assert "Paid back to you" in customer
    assert "Could not be paid back" in customer


def test_outgoing_line_shows_its_refund_and_settles_it(clerk, overpaid, approved, imported, lines):
    refund = approved(overpaid("40.00").account, "25.00")
    imported(camt(Row("-25.00", refund.reference)))
    [line] = lines()
    page = f"/desk/bank/lines/{line.pk}/"
    assert "It shows this refund" in clerk.get(page).content.decode()

    clerk.post(f"{page}refund/", {"refund": str(refund.pk)})

    refund.refresh_from_db()
    assert (refund.status, refund.line) == ("settled", line)
    assert str(refund.pk) in clerk.get(page).content.decode()
    assert page in clerk.get(f"/desk/refunds/{refund.pk}/").content.decode()


def test_lists_show_each_in_its_place_and_no_other_list_is_there(clerk, overpaid, requested, approved, bookkeeper):
    account = overpaid("100.00").account
    waiting, to_pay, sent = requested(account, "1.00"), approved(account, "2.00"), approved(account, "3.00")
    perform(sent.mark_sent, by=bookkeeper, sent_on=date(2026, 3, 4))

    for name, shown in (("requested", waiting), ("approved", to_pay), ("sent", sent)):
        page = clerk.get(f"/desk/refunds/?list={name}").content.decode()
        assert [str(one.pk) in page for one in (waiting, to_pay, sent)] == [
            one == shown for one in (waiting, to_pay, sent)
        ]
    assert clerk.get("/desk/refunds/?list=x").status_code == 404
    for path in ("xlsx/", "pain001/", "pain001/?bank_account=x"):
        assert clerk.get(f"/desk/refunds/payout/{path}").status_code == 404


def test_staff_with_another_duty_do_not_see_them(overpaid, requested):
    refund = requested(overpaid("40.00").account, "25.00")
    other = signed_in(staff_who("review_payment"))

    for path in ("/desk/refunds/", f"/desk/refunds/{refund.pk}/", "/desk/refunds/payout/csv/"):
        assert other.get(path).status_code == 403
