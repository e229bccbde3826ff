from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import Invoice, Payment, StatementFile, StatementLine
from core.models.user import STAFF_PERMISSIONS
from tests.factories import InvoiceFactory, StaffFactory, UserFactory
from tests.web.conftest import signed_in
from tests.workflows.bank.statement_files import Row, camt
from workflows.bank import CandidateFinder, save_bank_account
from workflows.bank.matching import ORDER, RULES
from workflows.seed import seed

pytestmark = pytest.mark.django_db


def test_dropped_file_is_read_and_its_totals_are_shown(drop, bookkeeper):
    page = drop(camt(Row("89.00", "one"), Row("-2.00", "fee")))
    assert "It is being read" in page.content.decode()

    shown = bookkeeper.get(page.redirect_chain[-1][0]).content.decode()

    assert "It adds up" in shown
    assert "187.00" in shown
    assert 'data-poll="2"' not in shown
    again = drop(camt(Row("89.00", "one"), Row("-2.00", "fee"))).content.decode()
    assert "nothing was imported" in again
    assert StatementFile.objects.count() == 1


def test_file_that_does_not_add_up_says_so(drop, bookkeeper):
    page = drop(camt(Row("89.00", "one"), closing="500.00"))

    assert "It does not add up" in bookkeeper.get(page.redirect_chain[-1][0]).content.decode()


def test_refused_file_says_row_and_why(drop, bookkeeper):
    page = drop(camt(Row("89.00")).replace(b">89.00<", b">x<"))

    shown = bookkeeper.get(page.redirect_chain[-1][0]).content.decode()
    assert "Nothing was imported" in shown
    assert "Row 1" in shown


@pytest.mark.parametrize("content", [b"what is this", b"", camt(Row("1.00"), iban="DE89370400440532013000")])
def test_file_that_cannot_be_taken_is_refused_in_the_form(drop, content):
    page = drop(content)

    assert page.status_code == 400
    assert 'id="id_file_error"' in page.content.decode()
    assert not StatementFile.objects.exists()


def test_first_candidate_is_one_click(drop, bookkeeper, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    drop(camt(Row("89.00", invoice.payment_reference, payer="Ann Example")))
    listed = bookkeeper.get("/desk/bank/").content.decode()
    assert "Ann Example" in listed
    line = StatementLine.objects.get()
    page = bookkeeper.get(f"/desk/bank/lines/{line.pk}/").content.decode()
    assert "reference with check character" in page

    answer = bookkeeper.post(f"/desk/bank/lines/{line.pk}/match/", {"pays": f"invoice:{invoice.pk}"}, follow=True)
    run_effects()

    assert "Matched" in answer.content.decode()
    assert Payment.objects.get().status == "succeeded"
    assert "Ann Example" not in bookkeeper.get("/desk/bank/").content.decode()
    assert "Ann Example" in bookkeeper.get("/desk/bank/?list=done&q=example").content.decode()
    back = bookkeeper.post(f"/desk/bank/lines/{line.pk}/unmatch/", follow=True)
    assert "reverse it instead" in back.content.decode()


def test_return_is_shown_with_what_it_took_back(drop, bookkeeper, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    drop(camt(Row("89.00", invoice.payment_reference)))
    bookkeeper.post(f"/desk/bank/lines/{StatementLine.objects.get().pk}/match/", {"pays": f"invoice:{invoice.pk}"})
    run_effects()
    drop(camt(Row("-89.00", f"RETOURE {invoice.payment_reference}", is_return=True), opening="189.00"))
    back = StatementLine.objects.get(amount__lt=0)
    assert "What it may have taken back" in bookkeeper.get(f"/desk/bank/lines/{back.pk}/").content.decode()

    bookkeeper.post(f"/desk/bank/lines/{back.pk}/return/", {"payment": str(Payment.objects.get().pk)})

    assert Payment.objects.get().status == "reversed"


def test_part_that_came_back_is_taken_of_the_payment(drop, bookkeeper, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    drop(camt(Row("89.00", invoice.payment_reference)))
    bookkeeper.post(f"/desk/bank/lines/{StatementLine.objects.get().pk}/match/", {"pays": f"invoice:{invoice.pk}"})
    run_effects()
    drop(camt(Row("-40.00", f"RETOURE {invoice.payment_reference}", is_return=True), opening="189.00"))
    page, payment = f"/desk/bank/lines/{StatementLine.objects.get(amount__lt=0).pk}/", Payment.objects.get()
    shown = bookkeeper.get(page).content.decode()
    assert "The rest stays paid" in shown
    assert 'value="40.00"' in shown
    for typed in ("40.01", "x", "0"):
        refused = bookkeeper.post(f"{page}return/", {"payment": payment.pk, "amount": typed}, follow=True)
        assert "message error" in refused.content.decode()

    bookkeeper.post(f"{page}return/", {"payment": payment.pk, "amount": "40.00"})
    run_effects()

    payment.refresh_from_db()
    assert (payment.status, payment.returned) == ("succeeded", 40)
    desk = bookkeeper.get(f"/desk/{payment.pk}/").content.decode()
    assert "of it went back" in desk
    assert "A part went back" in desk
    answer = bookkeeper.post(f"/desk/{payment.pk}/reverse/", {"reason_given": "more", "amount": "9.00"}, follow=True)
    assert "9.00" in answer.content.decode()
    payment.refresh_from_db()
    assert (payment.status, payment.returned) == ("succeeded", 49)


def test_line_is_ignored_with_a_reason_and_opened_again(drop, bookkeeper):
    drop(camt(Row("5.00", "our own")))
    line = StatementLine.objects.get()

    assert "This field is required" in bookkeeper.post(f"/desk/bank/lines/{line.pk}/ignore/").content.decode()
    bookkeeper.post(f"/desk/bank/lines/{line.pk}/ignore/", {"reason": "our own transfer"})
    assert StatementLine.objects.get().status == "ignored"
    bookkeeper.post(f"/desk/bank/lines/{line.pk}/reopen/")
    assert StatementLine.objects.get().status == "open"


def test_reason_that_is_too_long_is_refused_in_the_form(drop, bookkeeper):
    drop(camt(Row("5.00", "our own")))
    line = StatementLine.objects.get()

    page = bookkeeper.post(f"/desk/bank/lines/{line.pk}/ignore/", {"reason": "x" * 201}).content.decode()

    assert 'id="id_reason_error"' in page
    assert StatementLine.objects.get().status == "open"


def test_gap_between_statements_is_shown_on_both_pages(drop, bookkeeper):
    drop(camt(Row("5.00", "one"), days=("2026-03-02", "2026-03-04")))
    page = drop(
        camt(Row("5.00", "two", day="2026-03-06"), opening="150.00", days=("2026-03-06", "2026-03-06")), "next.xml"
    )

    for shown in (bookkeeper.get("/desk/bank/"), bookkeeper.get(page.redirect_chain[-1][0])):
        words = " ".join(re.sub("<[^>]+>", " ", shown.content.decode()).split())
        assert "closes on 4 Mar 2026 with 105.00 EUR , the next opens on 6 Mar 2026 with 150.00 EUR" in words
        assert "45.00 EUR lie between" in words


def test_announced_line_is_shown_apart_until_it_is_booked(drop, bookkeeper):
    drop(camt(Row("5.00", "coming soon", pending=True), days=("2026-03-04", "2026-03-04")))
    assert "Announced, not booked" in bookkeeper.get("/desk/bank/?list=left").content.decode()

    drop(camt(Row("5.00", "coming soon", day="2026-03-05"), days=("2026-03-05", "2026-03-05")), "next.xml")

    assert "Announced, not booked" not in bookkeeper.get("/desk/bank/?list=left").content.decode()


def test_rules_and_switches_can_be_read(drop, bookkeeper, bank_account):
    page = bookkeeper.get("/desk/bank/rules/").content.decode()
    for rule in RULES:
        assert rule.name in page
        assert ", ".join(words for words in ORDER if words in rule.needs) in page
    assert "off" in page

    ann, bob = (UserFactory(is_staff=True, email=f"{name}@example.test") for name in ("ann", "bob"))
    for person in (ann, bob):
        person.user_permissions.set(Permission.objects.filter(codename__in=STAFF_PERMISSIONS))
    save_bank_account(bank_account, by=ann, is_automatic=True, automatic_limit=Decimal("500.00"))
    save_bank_account(bank_account, by=bob, name="Renamed")

    page = bookkeeper.get("/desk/bank/rules/").content.decode()
    assert "<strong>on</strong>" in page
    assert "ann@example.test" in page
    assert "bob@example.test" not in page  # who changed something else
    assert "500.00" in page
    assert "/desk/bank/rules/" in bookkeeper.get("/desk/bank/").content.decode()


def test_rule_that_is_taken_off_only_suggests(drop, bookkeeper, bank_account):
    names = [rule.name for rule in RULES]
    path = f"/desk/bank/rules/{bank_account.pk}/"

    said = bookkeeper.post(path, {"automatic": names[1:]}, follow=True).content.decode()

    bank_account.refresh_from_db()
    assert "Saved for Main." in said
    assert bank_account.rules_by_hand == names[:1]
    invoice = InvoiceFactory(currency="EUR")
    drop(camt(Row("89.00", invoice.payment_reference)))
    [found] = CandidateFinder(bank_account).find([StatementLine.objects.get()])
    assert [(one.rule, one.kind) for one in found] == [("", "suggest")]
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="import_statements"))
    refused = signed_in(clerk).post(path, {"automatic": names}, follow=True).content.decode()
    assert "Only those who approve payments" in refused
    bank_account.refresh_from_db()
    assert bank_account.rules_by_hand == names[:1]


def test_several_invoices_are_matched_by_one_click(drop, bookkeeper, run_effects):
    first, second = InvoiceFactory(currency="EUR"), InvoiceFactory(currency="EUR", total=Decimal("50.00"))
    drop(camt(Row("139.00", f"{first.payment_reference} {second.payment_reference}")))
    line = StatementLine.objects.get()
    path = f"/desk/bank/lines/{line.pk}/"
    page = bookkeeper.get(path).content.decode()
    assert "It pays all of these" in page
    assert "It pays this" not in page  # of one the whole sum would go too far
    pays = [f"invoice:{invoice.pk}" for invoice in (first, second)]

    changed = bookkeeper.post(f"{path}match/", {"pays": [pays[0], f"invoice:{InvoiceFactory().pk}"]}, follow=True)
    assert "look again" in changed.content.decode()
    assert not Payment.objects.exists()
    bookkeeper.post(f"{path}match/", {"pays": pays})
    run_effects()

    assert sorted(Payment.objects.values_list("amount", "status")) == [
        (Decimal("50.00"), "succeeded"),
        (Decimal("89.00"), "succeeded"),
    ]


def test_statements_that_follow_each_other_need_no_word(drop, bookkeeper):
    drop(camt(Row("5.00", "one"), days=("2026-03-02", "2026-03-04")))
    drop(camt(Row("5.00", "two", day="2026-03-06"), opening="105.00", days=("2026-03-06", "2026-03-06")), "next.xml")

    assert "do not follow" not in bookkeeper.get("/desk/bank/").content.decode()


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("match", {"pays": "invoice:none"}, 404),
        ("match", {}, 404),
        ("match", {"pays": "payment:01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"}, 404),
        ("return", {"payment": "x"}, 404),
        ("steal", {}, 404),
    ],
)
def test_nonsense_changes_nothing(drop, bookkeeper, path, data, status):
    drop(camt(Row("5.00", "our own")))
    line = StatementLine.objects.get()

    assert bookkeeper.post(f"/desk/bank/lines/{line.pk}/{path}/", data).status_code == status
    assert StatementLine.objects.get().status == line.status


def test_pages_are_for_those_who_import_or_match(drop, bookkeeper):
    page = drop(camt(Row("5.00")))
    addresses = ["/desk/bank/", page.redirect_chain[-1][0], f"/desk/bank/lines/{StatementLine.objects.get().pk}/"]

    for address in addresses:
        assert bookkeeper.get(address).status_code == 200
        assert signed_in(StaffFactory()).get(address).status_code == 403
    assert bookkeeper.get("/desk/bank/?list=none").status_code == 404


def test_demo_s_statement_is_read_and_finds_what_is_open(bookkeeper, run_effects):
    seed(stories=False)
    InvoiceFactory(currency="USD")

    content = bookkeeper.get("/desk/bank/demo/")
    bookkeeper.post("/desk/bank/", {"file": SimpleUploadedFile("demo.xml", content.content)})
    run_effects()

    assert content["Content-Disposition"].startswith("attachment")
    assert StatementFile.objects.get().parts.get().adds_up
    is_open = Invoice.objects.filter(status__in=Invoice.OPEN, currency="USD").count()
    assert StatementLine.objects.filter(status="suggested").count() == is_open > 0
    assert StatementLine.objects.filter(status="open").count() == 2  # somebody unknown, and a fee


def test_where_there_is_no_demo_there_is_no_statement_of_it(bookkeeper):
    assert bookkeeper.get("/desk/bank/demo/").status_code == 404
