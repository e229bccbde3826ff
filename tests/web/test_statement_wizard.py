"""The page on which staff say what the columns of a table are."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import BankAccount, StatementDraft, StatementFile, StatementLine
from tests.factories import StaffFactory
from tests.web.conftest import signed_in
from tests.workflows.bank.statement_files import OTHER_IBAN
from tests.workflows.bank.tables import COLUMNS, JUNE, MAY, table

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(bookkeeper, bank_account):
    """`asked(content)`: the address of the page with its questions."""

    def asked_(content=MAY, **form):
        answer = bookkeeper.post("/desk/bank/", {"file": SimpleUploadedFile("may.csv", content), **form})
        assert answer.status_code == 302, answer.content.decode()
        assert answer["Location"].startswith("/desk/bank/tables/")
        return answer["Location"]

    return asked_


def form_of(page):
    """What a browser would send back: chosen options and hidden fields."""
    text = page.content.decode().partition('<form class="form"')[2]
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    for name, options in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        form[name] = chosen[1]
    return form


def test_unknown_table_comes_to_its_questions_and_is_imported_when_they_are_answered(asked, bookkeeper, run_effects):
    address = asked()
    page = bookkeeper.get(address)
    text = page.content.decode()
    assert "semicolon" in text
    assert "Ann · Bo" in text
    assert "Which column is the amount?" in text
    assert "Which currency" not in text  # the account's
    assert "Save for this account" not in text
    assert form_of(page)["column_1"] == "date"  # as guessed

    seen = bookkeeper.post(address, form_of(page) | COLUMNS | {"answer_0": "4", "do": "look"})
    text = seen.content.decode()
    assert seen.status_code == 200, text
    assert "2 booked lines, together" in text
    assert "It adds up." in text
    assert "1.234,50" in text
    assert not StatementFile.objects.exists()

    done = bookkeeper.post(address, form_of(seen) | {"do": "save"}, follow=True)
    run_effects()

    assert "The profile is saved for Main." in done.content.decode()
    assert StatementFile.objects.get().status == "imported"
    assert [line.payer_name for line in StatementLine.objects.order_by("row")] == ["Ann", "Bo"]
    assert not StatementDraft.objects.exists()
    back = bookkeeper.get(address, follow=True)
    assert "not kept any more" in back.content.decode()
    next_month = bookkeeper.post(
        "/desk/bank/", {"file": SimpleUploadedFile("june.csv", JUNE), "bank_account": BankAccount.objects.get().pk}
    )
    assert next_month["Location"].startswith("/desk/bank/files/")


def test_question_that_is_left_open_is_asked_again(asked, bookkeeper):
    address = asked()

    answer = bookkeeper.post(address, form_of(bookkeeper.get(address)) | {"do": "look"})

    assert answer.status_code == 400
    assert "Answer the questions that are open." in answer.content.decode()
    assert "Which column is the amount?" in answer.content.decode()


def test_answers_that_changed_are_shown_before_they_are_saved(asked, bookkeeper):
    address = asked()
    seen = bookkeeper.post(address, form_of(bookkeeper.get(address)) | COLUMNS | {"answer_0": "4", "do": "look"})

    changed = bookkeeper.post(address, form_of(seen) | {"column_2": "text", "do": "save"})

    assert changed.status_code == 400
    assert "The answers have changed" in changed.content.decode()
    assert not StatementFile.objects.exists()
    assert BankAccount.objects.get().profile is None


def test_day_or_month_first_is_asked_in_words_and_can_be_changed(asked, bookkeeper):
    address = asked(table("03/05/2026;Ann;Rent;12,00;112,00", "04/05/2026;Bo;Fee;-2,00;110,00"))
    first = form_of(bookkeeper.get(address)) | COLUMNS | {"answer_0": "4", "do": "look"}

    asked_now = bookkeeper.post(address, first)
    form = form_of(asked_now)
    [number] = [name[-1] for name, value in form.items() if value == "date_form"]
    assert "3 May 2026" in asked_now.content.decode()
    read = bookkeeper.post(address, form | {f"answer_{number}": "mm/dd/yyyy", "do": "look"})

    assert '<time datetime="2026-03-05">' in read.content.decode()
    assert form_of(read)[f"answer_{number}"] == "mm/dd/yyyy"
    assert "Which day is 03/05/2026?" in read.content.decode()  # still there, to be answered otherwise


def test_account_is_asked_where_there_are_several(asked, bookkeeper, bank_account):
    BankAccount.objects.create(name="Card", iban=OTHER_IBAN, currency="EUR")
    address = asked()
    form = form_of(bookkeeper.get(address)) | COLUMNS | {"answer_0": "4", "do": "look"}
    assert form["bank_account"] == ""

    refused = bookkeeper.post(address, form)
    chosen = asked(bank_account=bank_account.pk)

    assert "Choose the account" in refused.content.decode()
    assert form_of(bookkeeper.get(chosen))["bank_account"] == str(bank_account.pk)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"do": "save"},
        {"do": "save", "seen": "x", "bank_account": "none", "column_1": "<b>", "question_0": "\0", "answer_0": "1"},
        {"do": "look", "column_99999": "date", "question_0": "date_form", "answer_0": "yyyy"},
        {"do": "look", "column_4": "date"},
        {"do": "look", "question_0": "amount_column", "answer_0": "-1"},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(asked, bookkeeper, form):
    answer = bookkeeper.post(asked(), form)

    assert answer.status_code == 400
    assert not StatementFile.objects.exists()
    assert BankAccount.objects.get().profile is None


def test_cells_are_shown_as_text(asked, bookkeeper):
    rows = "13.05.2026;<script>x</script>;Rent;12,00;112,00", "14.05.2026;Bo;Fee;-2,00;110,00"
    address = asked(table(*rows, headings="Tag;<i>Wer;Wofür;Summe;Stand"))

    page = bookkeeper.post(address, form_of(bookkeeper.get(address)) | COLUMNS | {"answer_0": "4", "do": "look"})

    assert page.status_code == 200
    assert b"<script>x" not in page.content
    assert b"<i>Wer" not in page.content


def test_page_is_for_its_sender_alone(asked, bookkeeper):
    address = asked()
    colleague = StaffFactory()
    colleague.user_permissions.add(Permission.objects.get(codename="import_statements"))

    assert signed_in(StaffFactory()).get(address).status_code == 403
    assert signed_in(colleague).get(address)["Location"] == "/desk/bank/"
    assert signed_in(colleague).post(address, {"do": "save"})["Location"] == "/desk/bank/"


def test_profile_that_is_replaced_is_said(asked, bookkeeper, bank_account):
    bank_account.profile = {"name": "old", "columns": [], "dates": []}
    bank_account.save()
    address = asked(bank_account=bank_account.pk)

    page = bookkeeper.post(address, form_of(bookkeeper.get(address)) | COLUMNS | {"answer_0": "4", "do": "look"})

    assert "Main has a profile already" in page.content.decode()


def test_direction_that_the_words_say_stands_there_and_can_be_changed(asked, bookkeeper):
    address = asked(table("13.05.2026;Rent;5,00", "14.05.2026;Fee;1,00", headings="Tag;Wofür;Summe"))
    page = bookkeeper.get(address)
    assert "-5.00" in page.content.decode()
    assert form_of(page)["answer_0"] == "out"

    changed = bookkeeper.post(address, form_of(page) | {"answer_0": "in", "do": "look"})

    assert changed.status_code == 200
    assert "-5.00" not in changed.content.decode()
    assert form_of(changed)["answer_0"] == "in"
