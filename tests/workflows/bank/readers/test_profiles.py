"""Each made profile reads a file of its bank, and never reads a changed one differently."""

from __future__ import annotations

import io

import pytest

from tests.workflows.bank.readers.sheets import SHEETS, Sheet, seen
from workflows.bank.readers.delimited.made_profiles import PAYPAL, PROFILES, find_profile
from workflows.bank.readers.delimited.profile import Profile
from workflows.bank.readers.delimited.reader import read, sniff
from workflows.bank.readers.statement import UnreadableStatementError

sheets = pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)

OTHER_WORDS = {
    "Date": "Datum", "Amount": "Betrag", "Currency": "Währung", "Name": "Nombre", "Balance": "Saldo", "Type": "Tipo",
    "Details": "Einzelheiten", "Debit": "Soll", "Credit": "Haben", "DEBIT": "SOLL", "CREDIT": "HABEN",
    "Description": "Descripción", "Betrag": "Amount", "Valor": "Amount", "Narration": "Particulars", "Status": "Estado",
    "Deposit Amt.": "Einzahlung", "Memo": "Text", "Net": "Neto", "Fee": "Tarifa", "Gross": "Bruto",
}  # fmt: skip


def seen_or_refused(data: bytes, sheet: Sheet) -> list[object] | None:
    """None where the wizard has to be asked."""
    try:
        return list(seen(data))
    except UnreadableStatementError:
        return None


@sheets
def test_made_file_is_known_by_its_headings(sheet):
    profile = find_profile(sheet.data())

    assert profile is not None
    assert profile.name == sheet.profile
    assert sniff(sheet.data())


@sheets
def test_made_file_is_read_line_by_line(sheet):
    assert seen(sheet.data()) == list(sheet.seen)


@sheets
def test_profile_survives_json(sheet):
    profile = find_profile(sheet.data())
    assert profile is not None

    assert Profile.from_json(profile.to_json()) == profile


@sheets
def test_statement_adds_up_where_it_has_balances(sheet):
    for statement in read(io.BytesIO(sheet.data())):
        total = sum(line.amount for line in statement.lines if not line.pending)
        if statement.opening is not None:
            assert statement.closing is not None
            assert statement.opening + total == statement.closing


@sheets
@pytest.mark.parametrize("turn", [1, 3, -1])
def test_moved_columns_are_read_the_same(sheet, turn):
    order = [*range(len(sheet.headings))]
    order = order[::-1] if turn < 0 else order[turn:] + order[:turn]
    rows = [[row[place] if place < len(row) else "" for place in order] for row in sheet.rows]
    after = tuple(tuple(row[p] if p < len(row) else "" for p in order) for row in sheet.after)
    moved = Sheet(**{**vars(sheet), "after": after})

    found = seen_or_refused(moved.data([sheet.headings[place] for place in order], rows), sheet)

    assert found == list(sheet.seen) or (found is None and sheet.after)  # a footer is known by its first cell


@sheets
def test_unimportant_new_column_changes_nothing(sheet):
    rows = [(row[0], "Branch 7", *row[1:]) for row in sheet.rows]
    data = sheet.data((sheet.headings[0], "Teller", *sheet.headings[1:]), rows)

    found = seen_or_refused(data, sheet)

    assert found == list(sheet.seen) or (found is None and sheet.after)


KNOWN = {
    "Currency": {"mpesa", "barclays", "wise", "paypal", "revolut", "swedbank", "sparkasse"},
    "Fee": {"wise", "paypal", "revolut", "sparkasse"},
    "Status": {"paypal", "mpesa", "revolut", "sparkasse"},
    "D/C": {"swedbank"},
}


@pytest.mark.parametrize(
    ("sheet", "heading"),
    [(sheet, heading) for heading, known in KNOWN.items() for sheet in SHEETS if sheet.name not in known],
    ids=lambda value: getattr(value, "name", value),
)
def test_new_column_that_changes_a_row_is_asked_about(sheet, heading):
    """A column of fees, states, currencies or signs which the profile does not have is not passed over."""
    rows = [(*row, "X") for row in sheet.rows]
    data = sheet.data((*sheet.headings, heading), rows)

    assert find_profile(data) is None
    assert seen_or_refused(data, sheet) is None


@sheets
def test_headings_in_another_language_are_read_the_same_or_asked_about(sheet):
    data = sheet.data([OTHER_WORDS.get(heading, heading) for heading in sheet.headings])

    assert seen_or_refused(data, sheet) in (None, list(sheet.seen))


@sheets
@pytest.mark.parametrize("form", ["2026/05/03", "05.03.2026", "03-05-2026", "3 May 2026", "05/03/26", "2026-05-03"])
def test_second_form_of_days_is_read_right_or_refused(sheet, form):
    """3 May among rows of another form: never another day."""
    place = sheet.headings.index(_date_heading(sheet))
    last = len(sheet.rows) - 1
    rows = [(*row[:place], form, *row[place + 1 :]) if number == last else row for number, row in enumerate(sheet.rows)]

    found = seen_or_refused(sheet.data(rows=rows), sheet)

    days = {line[0].isoformat() for line in found} if found else set()
    assert days <= {line[0].isoformat() for line in sheet.seen} | {"2026-05-03"} | _own_meaning(sheet, form)


def _date_heading(sheet: Sheet) -> str:
    profile = next(profile for profile in PROFILES if profile.name == sheet.profile)
    (column,) = profile.by_role("date")
    return next(heading for heading in sheet.headings if heading in column.headings)


def _own_meaning(sheet: Sheet, form: str) -> set[str]:
    """What the bank itself means by it: 05/03/26 is 5 March to a British one."""
    own = {"05/03/26": {"hdfc"}, "05.03.2026": {"sparkasse", "paypal"}}
    return {"2026-03-05"} if sheet.name in own.get(form, ()) else set()


def test_days_that_may_be_months_are_not_guessed():
    """Two payments of 3 and 4 May or of 5 March and 5 April: nothing in the file says which."""
    sheet = next(sheet for sheet in SHEETS if sheet.name == "paypal")
    rows = [(day, *row[1:]) for day, row in zip(("04/05/2026", "03/05/2026"), sheet.rows, strict=True)]

    with pytest.raises(UnreadableStatementError, match="Day or month first"):
        seen(sheet.data(rows=rows))


def test_rows_decide_whether_the_month_stands_first():
    sheet = next(sheet for sheet in SHEETS if sheet.name == "paypal")
    rows = [(day, *row[1:]) for day, row in zip(("05/17/2026", "05/16/2026"), sheet.rows, strict=True)]

    assert seen(sheet.data(rows=rows)) == list(sheet.seen)


def test_order_of_rows_contradicts_the_form_of_days():
    """2 May, 5 January, 6 December; or 5 February, 1 May, 12 June: no British bank wrote this."""
    sheet = next(sheet for sheet in SHEETS if sheet.name == "barclays")
    rows = [(" ", day, "20-00-00 1", "5.00", "Credit", "X") for day in ("02/05/2026", "05/01/2026", "06/12/2026")]

    with pytest.raises(UnreadableStatementError, match="in order only if"):
        seen(sheet.data(rows=rows))


def test_at_least_twelve_banks_are_known():
    assert len({profile.name for profile in PROFILES}) == len(PROFILES) >= 12
    assert PAYPAL in PROFILES


def test_unknown_table_has_no_profile():
    assert find_profile(b"Day,What,How much\n2026-05-01,Tea,3.00\n") is None
    with pytest.raises(UnreadableStatementError, match="No known bank"):
        seen(b"Day,What,How much\n2026-05-01,Tea,3.00\n")
