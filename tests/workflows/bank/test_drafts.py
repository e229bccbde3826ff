"""A table that no profile knows waits for answers, and nothing of it is imported before."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.models import BankAccount, StatementDraft, StatementFile, StatementLine
from core.problems import NotFound, PermissionDenied, ValidationError
from tests.factories import StaffFactory
from tests.workflows.bank.statement_files import OTHER_IBAN
from tests.workflows.bank.tables import (
    COLUMNS,
    HEADINGS,
    JUNE,
    MAY,
    MOVED,
    NEW_FEE,
    OF_ANOTHER,
    OTHER,
    OURS,
    ROWS,
    table,
)
from workflows.bank import import_statement
from workflows.bank.drafts import DRAFTS_PER_PERSON, find_draft, import_draft, import_or_keep, propose_draft
from workflows.bank.tables import TABLE_MAX_BYTES, UnknownTable
from workflows.retention import delete_expired

pytestmark = pytest.mark.django_db
ANSWERS = dict(COLUMNS)


def keep_draft(content, *, name, by):
    draft = import_or_keep(content, name=name, by=by)
    assert isinstance(draft, StatementDraft)
    return draft


@pytest.fixture
def draft(bookkeeper):
    return keep_draft(MAY, name="may.csv", by=bookkeeper)


@pytest.fixture
def answered(draft, bookkeeper, bank_account, run_effects):
    """The table of May was imported, and its profile saved."""
    file, _ = import_draft(draft, ANSWERS, account=bank_account, by=bookkeeper)
    run_effects()
    file.refresh_from_db()
    return file


def read_lines():
    return [
        (line.booked_on.isoformat(), line.amount, line.payer_name, line.text)
        for line in StatementLine.objects.order_by("booked_on", "row")
    ]


def test_unknown_table_is_kept_and_nothing_is_imported(bookkeeper, bank_account):
    with pytest.raises(UnknownTable) as caught:
        import_statement(MAY, name="may.csv", by=bookkeeper, bank_account=bank_account)
    draft = keep_draft(MAY, name="../may.csv", by=bookkeeper)

    assert [question["name"] for question in caught.value.members["questions"]] == ["amount_column"]
    assert not StatementFile.objects.exists()
    assert (draft.name, bytes(draft.content)) == ("may.csv", MAY)


def test_proposal_has_columns_with_their_cells_and_asks_what_they_leave_open(draft, bank_account):
    proposal = propose_draft(draft, {}, bank_account)

    assert [(column.heading, column.role) for column in proposal.guess.columns] == [
        ("Tag", "date"), ("Wer", "text"), ("Wofür", "text"), ("Summe", "amount"), ("Stand", "ignored"),
    ]  # fmt: skip
    assert proposal.guess.columns[1].examples == ("Ann", "Bo")
    assert [question.name for question in proposal.guess.questions] == ["amount_column"]
    assert proposal.profile is None


def test_answers_are_shown_on_the_first_lines_with_sum_and_balance(draft, bank_account):
    proposal = propose_draft(draft, ANSWERS, bank_account)

    assert [(line.booked_on.day, line.amount, line.payer_name, line.text) for _, line in proposal.lines] == [
        (13, Decimal("12.00"), "Ann", "Rent"),
        (14, Decimal("-2.00"), "Bo", "Fee"),
    ]
    [totals] = proposal.totals
    assert (totals.count, totals.sum, totals.currency, totals.adds_up) == (2, Decimal("10.00"), "EUR", True)


def test_balance_that_breaks_is_shown_with_its_row(bookkeeper, bank_account):
    content = table("13.05.2026;Ann;a;1,00;101,00", "14.05.2026;Bo;b;2,00;103,00", "15.05.2026;Bo;c;2,00;99,00")
    draft = keep_draft(content, name="", by=bookkeeper)

    [totals] = propose_draft(draft, ANSWERS, bank_account).totals

    assert totals.adds_up is False
    assert totals.first_break.row == 4


def test_answered_table_is_imported_and_its_profile_saved(answered, bank_account):
    bank_account.refresh_from_db()

    assert answered.status == "imported"
    assert read_lines() == [("2026-05-13", Decimal(12), "Ann", "Rent"), ("2026-05-14", Decimal(-2), "Bo", "Fee")]
    assert answered.parts.get().adds_up
    assert bank_account.profile == answered.profile
    assert not StatementDraft.objects.exists()


@pytest.mark.parametrize("content", [JUNE, MOVED], ids=["same head", "columns moved"])
def test_next_table_of_the_account_is_read_without_a_question(answered, bank_account, imported, content):
    bank_account.refresh_from_db()

    file = imported(content, bank_account=bank_account)

    assert file.status == "imported"
    assert read_lines()[2] == ("2026-06-13", Decimal(20), "Cy", "Rent")


@pytest.mark.parametrize("content", [OTHER, NEW_FEE], ids=["other headings", "a new fee"])
def test_table_with_other_columns_comes_back_with_its_questions(answered, bank_account, bookkeeper, content):
    bank_account.refresh_from_db()

    with pytest.raises(UnknownTable):
        import_statement(content, name="", by=bookkeeper, bank_account=bank_account)
    assert StatementFile.objects.count() == 1


def test_saved_profile_without_an_account_asks_for_the_account(answered, bookkeeper):
    """Another account at the same bank has the same headings."""
    with pytest.raises(ValidationError) as caught:
        import_statement(JUNE, name="", by=bookkeeper)

    assert list(caught.value.members["errors"]) == ["bank_account"]


def test_saved_profile_is_found_by_the_account_that_the_table_names(bookkeeper, bank_account, imported):
    import_draft(keep_draft(OURS, name="", by=bookkeeper), ANSWERS, account=bank_account, by=bookkeeper)
    other = BankAccount.objects.create(name="Card", iban=OTHER_IBAN, currency="EUR")
    next_month = OURS.replace(b".05.", b".06.")

    assert imported(next_month).bank_account == bank_account
    with pytest.raises(ValidationError):
        import_statement(next_month.replace(bank_account.iban.encode(), other.iban.encode()), name="", by=bookkeeper)


def test_table_of_another_account_is_refused_and_saves_nothing(bookkeeper, bank_account):
    draft = keep_draft(OF_ANOTHER, name="", by=bookkeeper)

    with pytest.raises(ValidationError) as caught:
        import_draft(draft, ANSWERS, account=bank_account, by=bookkeeper)

    assert list(caught.value.members["errors"]) == ["bank_account"]
    bank_account.refresh_from_db()
    assert bank_account.profile is None
    assert StatementDraft.objects.exists()


def test_table_in_another_currency_is_refused(bookkeeper, bank_account):
    headings = f"{HEADINGS};Währung"
    rows = [f"{row};USD" for row in ROWS]
    draft = keep_draft(table(*rows, headings=headings), name="", by=bookkeeper)

    with pytest.raises(ValidationError) as caught:
        import_draft(draft, ANSWERS, account=bank_account, by=bookkeeper)

    assert "USD" in caught.value.members["errors"]["bank_account"][0]
    assert not StatementFile.objects.exists()


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"column_2": "amount"}, "column_2"),
        ({**ANSWERS, "column_5": "amount"}, "column_5"),
        ({**ANSWERS, "column_1": "payer-of-it"}, "column_1"),
        ({"amount_column": "9"}, "amount_column"),
        ({"amount_column": "2"}, "amount_column"),
        ({**ANSWERS, "column_1": "ignored"}, "file"),
    ],
)
def test_answer_that_does_not_fit_is_named(draft, bank_account, answers, field):
    with pytest.raises(ValidationError) as caught:
        propose_draft(draft, answers, bank_account)
    assert list(caught.value.members["errors"]) == [field]


def test_missing_answer_imports_nothing(draft, bookkeeper, bank_account):
    with pytest.raises(UnknownTable):
        import_draft(draft, {}, account=bank_account, by=bookkeeper)
    assert not StatementFile.objects.exists()


def test_draft_is_for_its_sender_with_the_right_to_import(draft, bookkeeper, bank_account):
    other = StaffFactory()

    with pytest.raises(NotFound):
        find_draft(draft.pk, by=other)
    with pytest.raises(PermissionDenied):
        keep_draft(MAY, name="", by=other)
    with pytest.raises(PermissionDenied):
        import_draft(draft, ANSWERS, account=bank_account, by=other)
    assert find_draft(draft.pk, by=bookkeeper) == draft


def test_draft_is_imported_once(draft, bookkeeper, bank_account):
    import_draft(draft, ANSWERS, account=bank_account, by=bookkeeper)

    with pytest.raises(NotFound):
        import_draft(draft, ANSWERS, account=bank_account, by=bookkeeper)
    assert StatementFile.objects.count() == 1


def test_same_bytes_are_one_draft_and_a_person_has_few(draft, bookkeeper):
    assert keep_draft(MAY, name="again.csv", by=bookkeeper) == draft
    for n in range(DRAFTS_PER_PERSON):
        keep_draft(MAY + f"15.05.2026;Bo;{n};-1,00;109,00\n".encode(), name="", by=bookkeeper)

    assert StatementDraft.objects.count() == DRAFTS_PER_PERSON
    assert not StatementDraft.objects.filter(pk=draft.pk).exists()


def test_draft_goes_after_a_day(draft):
    delete_expired()
    assert StatementDraft.objects.exists()

    StatementDraft.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    delete_expired()

    assert not StatementDraft.objects.exists()


@pytest.mark.parametrize("content", [b"what is this", b"", b"x;" * TABLE_MAX_BYTES, MAY + b"\0"])
def test_what_no_profile_can_read_is_not_kept(bookkeeper, content):
    with pytest.raises(ValidationError):
        keep_draft(content, name="", by=bookkeeper)
    assert not StatementDraft.objects.exists()


def test_profile_without_headings_refuses_a_column_more(bookkeeper, bank_account, imported):
    """By place alone the balance would be read as the amount."""
    rows = b"13.05.2026|Ann|12,00\n14.05.2026|Bo|-2,00\n"
    draft = keep_draft(rows, name="", by=bookkeeper)
    import_draft(draft, {"sign": "in"}, account=bank_account, by=bookkeeper)
    bank_account.refresh_from_db()

    with pytest.raises(UnknownTable):
        import_statement(b"13.06.2026|Ann|12,00|5,00\n", name="", by=bookkeeper, bank_account=bank_account)
    late = b"".join(b"13.06.2026|Ann|12,00\n" for _ in range(4000)) + b"14.06.2026|Ann|12,00|5,00\n"
    assert imported(late, bank_account=bank_account).error["row"] == 4001
    assert StatementFile.objects.filter(status="imported").count() == 1
