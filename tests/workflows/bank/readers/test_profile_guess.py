from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest

from tests.workflows.bank.readers.sheets import SHEETS, seen
from workflows.bank.readers.delimited.guess import Guess, guess_profile
from workflows.bank.readers.delimited.profile import Profile, ProfileError
from workflows.bank.readers.delimited.reader import read
from workflows.bank.readers.statement import UnreadableStatementError

ANSWERS = {
    "currency": {"mpesa": "KES", "hdfc": "INR", "sbi": "INR", "barclays": "GBP", "pix": "BRL", "pakistan": "PKR",
                 "us_checking": "USD"},
    "fee": {"wise": "included", "revolut": "beside"},  # two rows of balances fit both
    "date_form": {"hdfc": "dd/mm/yy"},  # 14/05/26 is also 26 May 2014
}  # fmt: skip


def guess(text: str, **answers: str) -> Guess:
    return guess_profile(text.encode(), answers=answers)


def asked(found: Guess) -> dict[str, list[str]]:
    assert found.profile is None
    return {question.name: [answer.value for answer in question.answers] for question in found.questions}


def profile_of(text: str, **answers: str) -> Profile:
    found = guess(text, **answers)
    assert found.profile is not None, found.questions
    return found.profile


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_export_of_a_bank_is_understood_without_its_profile(sheet):
    """Days, amounts and currencies are those of the made profile, after the questions that the file leaves open."""
    answers = {name: by_sheet[sheet.name] for name, by_sheet in ANSWERS.items() if sheet.name in by_sheet}
    if open_questions := guess_profile(sheet.data()).questions:
        assert {question.name for question in open_questions} <= set(answers)
    found = guess_profile(sheet.data(), answers=answers)

    assert found.profile is not None, found.questions
    assert [line[:3] for line in seen(sheet.data(), found.profile)] == [line[:3] for line in sheet.seen]
    assert Profile.from_json(found.profile.to_json()) == found.profile


@pytest.mark.parametrize(
    "sheet", [sheet for sheet in SHEETS if sheet.name in ANSWERS["currency"]], ids=lambda s: s.name
)
def test_currency_that_the_file_does_not_name_is_asked(sheet):
    assert asked(guess_profile(sheet.data()))["currency"] == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_the_one_that_makes_rows_of_days_and_amounts(delimiter):
    rows = [
        ("Date", "Text", "Amount EUR"),
        ("17.05.2026", "a, b; c | d\te", "1.234,50"),
        ("18.05.2026", "fee, x", "-2,00"),
    ]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)

    profile = profile_of(text)

    assert (profile.delimiter, profile.decimal) == (delimiter, ",")


HEAD = "Date,Details,Amount EUR\n"


def test_day_or_month_first_is_asked_where_all_rows_allow_both():
    found = guess(HEAD + "03/05/2026,fee,-1.00\n04/05/2026,fee,-1.00\n")

    assert asked(found) == {"date_form": ["dd/mm/yyyy", "mm/dd/yyyy"]}
    assert [answer.label for answer in found.questions[0].answers] == ["3 May 2026", "5 March 2026"]


def test_answer_settles_the_form_of_days():
    text = HEAD + "03/05/2026,fee,-1.00\n04/05/2026,fee,-1.00\n"

    assert profile_of(text, date_form="mm/dd/yyyy").dates == ("mm/dd/yyyy",)
    with pytest.raises(ProfileError):
        guess(text, date_form="yyyy")


@pytest.mark.parametrize(
    ("rows", "form"),
    [
        ("03/05/2026,fee,-1.00\n13/05/2026,fee,-1.00\n", "dd/mm/yyyy"),  # a day above 12
        ("05/03/2026,fee,-1.00\n05/13/2026,fee,-1.00\n", "mm/dd/yyyy"),
        ("02/05/2026,fee,-1.00\n05/01/2026,fee,-1.00\n06/12/2026,fee,-1.00\n", "mm/dd/yyyy"),  # in order only so
        ("02.05.2026,fee,-1.00\n", "dd.mm.yyyy"),
        ("20260502,fee,-1.00\n", "yyyymmdd"),
        ("2-Mai-26,fee,-1.00\n", "d-mmm-yy"),
        ("2026-05-02T10:00:00Z,fee,-1.00\n", "yyyy-mm-dd"),
    ],
)
def test_all_rows_decide_the_form_of_days(rows, form):
    assert profile_of(HEAD + rows).dates == (form,)


def test_period_in_the_preamble_decides_the_form_of_days():
    assert profile_of("Period,01/05/2026 to 31/05/2026\n" + HEAD + "03/05/2026,fee,-1.00\n").dates == ("dd/mm/yyyy",)


def test_two_forms_of_days_in_one_file():
    assert profile_of(HEAD + "2026-05-13,fee,-1.00\n14-05-2026,fee,-1.00\n").dates == ("yyyy-mm-dd", "dd-mm-yyyy")


def test_contradicting_days_are_refused_with_their_row():
    with pytest.raises(UnreadableStatementError) as caught:
        guess(HEAD + "13/05/2026,fee,-1.00\n05/14/2026,fee,-1.00\n")
    assert caught.value.row == 3


def test_point_before_three_digits_is_asked():
    text = HEAD + "2026-05-13,fee,-29.000\n2026-05-14,fee,-1.500\n"

    assert asked(guess(text)) == {"decimal": ["decimal", "grouping"]}
    for answer, total in (("decimal", "-30.50"), ("grouping", "-30500.00")):
        profile = profile_of(text, decimal=answer)
        assert sum(line[1] for line in seen(text.encode(), profile)) == Decimal(total)


@pytest.mark.parametrize(
    ("amounts", "decimal", "grouping"),
    [(("-29.000", "-1,50"), ",", "."), (("-29,000", "-1.50"), ".", ","), (("-1.234.567", "-3.000"), ",", "."),
     (("-1'234.50", "-3"), ".", "'"), (("-0.125", "-3.50"), ".", ",")],
)  # fmt: skip
def test_all_amounts_decide_the_decimal_sign(amounts, decimal, grouping):
    rows = "".join(f'2026-05-13;fee;"{amount}"\n' for amount in amounts)
    try:
        profile = profile_of("Date;Details;Amount KWD\n" + rows)
    except UnreadableStatementError as error:
        pytest.fail(error.detail)

    assert (profile.decimal, profile.grouping) == (decimal, grouping)


def test_contradicting_amounts_are_refused_with_their_row():
    with pytest.raises(UnreadableStatementError) as caught:
        guess('Date;Details;Amount EUR\n2026-05-13;fee;"-1,234.50"\n2026-05-13;fee;"-1.234,50"\n')
    assert caught.value.row == 3


def test_direction_is_asked_where_nothing_says_it():
    text = HEAD + "2026-05-13,Tea,1.00\n2026-05-13,Milk,-2.00\n"

    assert asked(guess(text)) == {"sign": ["in", "out"]}
    assert [str(line[1]) for line in seen(text.encode(), profile_of(text, sign="out"))] == ["-1.00", "2.00"]


@pytest.mark.parametrize(("rows", "positive"), [("x,1.00,11.00\n2026-05-14,y,2.00,13.00\n", "in"),
                                                ("x,1.00,9.00\n2026-05-14,y,2.00,7.00\n", "out")])  # fmt: skip
def test_running_balance_decides_the_direction(rows, positive):
    assert profile_of("Date,Details,Amount EUR,Balance\n2026-05-13," + rows).positive_is == positive


def test_words_of_the_text_decide_the_direction_only_if_none_contradicts():
    assert profile_of(HEAD + "2026-05-13,Lastschrift,5.00\n2026-05-13,Gutschrift,-5.00\n").positive_is == "out"
    assert asked(guess(HEAD + "2026-05-13,Lastschrift,5.00\n2026-05-13,Gutschrift,5.00\n")) == {"sign": ["in", "out"]}


def test_running_balance_decides_whether_the_fee_is_in_the_amount():
    head = "Date,Details,Amount,Fee,Currency,Balance\n"
    beside = head + "2026-05-13,x,50.00,0.00,EUR,100.00\n2026-05-14,y,-10.00,1.00,EUR,89.00\n"
    included = head + "2026-05-13,x,50.00,0.00,EUR,100.00\n2026-05-14,y,-10.00,1.00,EUR,90.00\n"

    assert [profile_of(text).fee_is for text in (beside, included)] == ["beside", "included"]


def test_fee_without_a_balance_is_asked():
    assert asked(guess("Date,Details,Amount,Fee,Currency\n2026-05-13,fee,-50.00,1.00,EUR\n")) == {
        "fee": ["included", "beside"]
    }


def test_balance_that_follows_from_nothing_is_asked():
    text = "Date,Details,Debit,Credit,Balance EUR\n2026-05-13,x,1.00,,5.00\n2026-05-14,y,2.00,,5.00\n".replace(
        "Balance EUR", "Balance"
    )

    assert asked(guess(text, currency="EUR")) == {"balance": ["no", "yes"]}
    assert not profile_of(text, currency="EUR", balance="no").by_role("balance")
    assert profile_of(text, currency="EUR", balance="yes").by_role("balance")


def test_debit_and_credit_of_the_other_side_are_found_by_the_balance():
    text = "Date,Details,Debit,Credit,Balance\n2026-05-13,x,1.00,,11.00\n2026-05-14,y,,2.00,9.00\n"

    assert [str(line[1]) for line in seen(text.encode(), profile_of(text, currency="EUR"))] == ["1.00", "-2.00"]


def test_word_of_a_state_that_is_not_known_is_asked():
    text = "Date,Details,Amount,Currency,Status\n2026-05-13,fee,-1.00,EUR,Ok\n2026-05-13,fee,-1.00,EUR,Odd\n"

    assert asked(guess(text)) == {
        "status:Odd": ["booked", "pending", "dropped"],
        "status:Ok": ["booked", "pending", "dropped"],
    }
    assert len(seen(text.encode(), profile_of(text, **{"status:Ok": "booked", "status:Odd": "dropped"}))) == 1


def test_two_columns_of_amounts_without_headings_are_asked():
    found = guess("2026-05-13|fee|1.00|2.00\n2026-05-14|fee|3.00|4.00\n", currency="EUR")

    assert asked(found) == {"amount_column": ["3", "4"]}


def test_balances_that_look_like_lines_need_a_column_that_tells_them_apart():
    text = "Date,Details,Amount,Currency\n2026-05-13,Opening balance,10.00,EUR\n2026-05-13,fee,-1.00,EUR\n"

    with pytest.raises(UnreadableStatementError) as caught:
        guess(text)
    assert caught.value.row == 2


def test_footer_and_rows_of_more_text_are_found():
    rows = "2026-05-13,fee,-1.00\n,more,\n2026-05-14,fee,-2.00\n,last,\nThank you for banking with us\n"
    text = "Date,Details,Amount EUR\n" + rows
    profile = profile_of(text)

    (statement,) = read(io.BytesIO(text.encode()), profile)
    assert [line.text for line in statement.lines] == ["fee\nmore", "fee\nlast"]


def test_preview_has_the_first_twenty_lines_in_the_order_of_the_file():
    rows = "".join(f"2026-05-13,fee {n},-1.00,{'EUR' if n % 2 else 'USD'}\n" for n in range(50))
    found = guess("Date,Details,Amount,Currency\n" + rows)

    assert [line.row for _, line in found.preview] == [*range(2, 22)]
    assert found.preview[1][0] == "EUR"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<xml/>",
        b"Date,Text,Amount\n",
        b"a,b\n1,2\n",
        b"\x00" * 50,
        b"Date,Debit,Credit,Balance\n2026-05-13,,,5.00\n",
    ],
)
def test_what_is_no_table_is_refused(data):
    with pytest.raises(UnreadableStatementError):
        guess_profile(data)


def test_currency_that_is_none_is_refused():
    with pytest.raises(ProfileError):
        guess("Date,Details,Amount\n2026-05-13,fee,-1.00\n", currency="EURO")


def test_last_row_without_a_letter_is_refused_with_words():
    """No rule can name it; it was an error of the profile instead of the file."""
    rows = "2026-03-01;one;10.00;110.00\n2026-03-02;two;-5.00;105.00\n\x01;;;\n"

    with pytest.raises(UnreadableStatementError, match="row_rules"):
        guess_profile(f"Date;Text;Amount;Balance\n{rows}".encode(), answers={"currency": "EUR"})


SWAPPED = "Date,Details,Value,Debit,Credit\n2026-05-13,x,2026-05-20,1.00,\n2026-05-14,y,2026-05-21,,2.00\n"


def test_columns_that_somebody_names_stand_above_the_headings():
    roles = {"column_1": "value_date", "column_3": "date", "column_4": "credit", "column_5": "debit"}

    profile = profile_of(SWAPPED, currency="EUR", **roles)

    assert [line[:2] for line in seen(SWAPPED.encode(), profile)] == [
        (date(2026, 5, 20), Decimal(1)), (date(2026, 5, 21), Decimal(-2)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answers",
    [{"column_2": "date"}, {"column_1": "day"}, {"column_1": "date", "column_3": "date"}, {"date_column": "x"}],
)
def test_column_that_cannot_be_what_is_said_is_refused(answers):
    with pytest.raises(ProfileError) as caught:
        guess(SWAPPED, currency="EUR", **answers)
    assert caught.value.field in answers


def test_found_columns_are_those_of_the_profile():
    """Debit and credit were exchanged, because the balance says so."""
    text = "Date,Details,Debit,Credit,Balance\n2026-05-13,x,1.00,,11.00\n2026-05-14,y,,2.00,9.00\n"

    assert [column.role for column in guess(text, currency="EUR").columns] == [
        "date", "text", "credit", "debit", "balance",
    ]  # fmt: skip


def test_row_with_a_cell_more_is_refused_where_no_heading_says_what_it_is():
    rows = "2026-05-13|fee|1.00\n2026-05-14|fee|-3.00\n"
    profile = profile_of(rows, currency="EUR", sign="in")

    with pytest.raises(UnreadableStatementError) as caught:
        seen(f"{rows}2026-05-15|fee|4.00|1.00\n".encode(), profile)
    assert caught.value.row == 3


def test_direction_that_words_say_is_offered_and_can_be_contradicted():
    """One fee among payments would make all of them money out."""
    text = HEAD + "2026-05-13,Rent,5.00\n2026-05-13,fee,1.00\n"

    found = guess(text)

    assert [(question.name, question.found) for question in found.asked] == [("sign", "out")]
    assert profile_of(text, sign="in").positive_is == "in"


def test_columns_that_somebody_names_are_not_exchanged_by_the_balance():
    text = "Date,Details,Debit,Credit,Balance\n2026-05-13,x,1.00,,11.00\n2026-05-14,y,,2.00,9.00\n"
    told = {"column_3": "debit", "column_4": "credit", "balance": "yes"}

    assert [str(line[1]) for line in seen(text.encode(), profile_of(text, currency="EUR", **told))] == ["-1.00", "2.00"]
