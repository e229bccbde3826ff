from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from workflows.bank.readers.delimited.profile import Column, Label, Profile, RowRule
from workflows.bank.readers.delimited.reader import NAME, VERSION, read, sniff
from workflows.bank.readers.statement import AccountIdentifier, Line, UnreadableStatementError


def column(role: str, *headings: str, position: int = 0) -> Column:
    return Column(role, headings, position)


PLAIN = Profile(
    name="plain",
    columns=(column("date", "Date"), column("text", "Text"), column("amount", "Amount")),
    dates=("yyyy-mm-dd",),
    currency="EUR",
)
TWO = replace(
    PLAIN, columns=(column("date", "Date"), column("text", "Text"), column("debit", "Out"), column("credit", "In"))
)


def lines(text: str | bytes, profile: Profile) -> list[Line]:
    data = text if isinstance(text, bytes) else text.encode()
    return [line for statement in read(io.BytesIO(data), profile) for line in statement.lines]


def amounts(text: str | bytes, profile: Profile) -> list[str]:
    return [str(line.amount) for line in lines(text, profile)]


def refusal(text: str | bytes, profile: Profile) -> UnreadableStatementError:
    with pytest.raises(UnreadableStatementError) as caught:
        lines(text, profile)
    return caught.value


def with_columns(profile: Profile, *columns: Column, **changes: object) -> Profile:
    return replace(profile, columns=profile.columns + columns, **changes)  # type: ignore[arg-type]


def one(amount: str, **changes: object) -> str:
    profile = replace(PLAIN, delimiter=";", **changes)  # type: ignore[arg-type]
    return amounts(f"Date;Text;Amount\n2026-05-01;x;{amount}\n", profile)[0]


# Numbers


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12.5", "12.50"), ("1,234.50", "1234.50"), ("1234.50", "1234.50"), ("-3", "-3.00"), ("+3", "3.00"), ("3-",
         "-3.00"),
        ("(3.00)", "-3.00"), ("€ 3.00", "3.00"), ("-€3.00", "-3.00"), ("3.00 EUR", "3.00"), ("3.00 Cr", "3.00"),
        ("3.00 DR", "-3.00"), ("\u22123.00", "-3.00"), (".50", "0.50"), ("+ €1,100.00", "1100.00"),
    ],
)  # fmt: skip
def test_amount_is_read_as_written(written, amount):
    assert one(written) == amount


@pytest.mark.parametrize(
    "written",
    ["1,50", "12,34.00", "1.234,56", "1.234", "3.001", "NaN", "Infinity", "1e5", "0x10", "1_000", "--3", "3.00 Cr Dr",
     "-3.00 Cr", "$3.00", "3.00 USD", "3.00 XYZ", "(3.00", "9223372036854775808", "1,,000.00", "٣", "1 000.00", "abc",
     "99999999999999999999999999999999999999999999999"],
)  # fmt: skip
def test_amount_of_another_form_is_refused_with_its_row(written):
    with pytest.raises(UnreadableStatementError) as caught:
        one(written)

    assert (caught.value.row, caught.value.column) == (2, "Amount")


def test_decimal_comma_and_points_between_thousands():
    assert one("1.234,56", decimal=",", grouping=".") == "1234.56"
    with pytest.raises(UnreadableStatementError):
        one("1,234.56", decimal=",", grouping=".")


def test_lakh_groups_only_where_the_profile_has_them():
    assert one("1,50,000.00", lakh=True) == "150000.00"
    with pytest.raises(UnreadableStatementError):
        one("1,50,000.00")


def test_three_decimals_only_where_the_profile_or_the_currency_has_them():
    assert one("29.000", decimals=3, grouping="") == "29.00"
    assert one("29.125", currency="KWD") == "29.125"
    with pytest.raises(UnreadableStatementError):
        one("29.125", decimals=3, grouping="")


def test_currency_that_was_taken_back_is_read():
    with_currency = with_columns(replace(PLAIN, currency=""), column("currency", "Ccy"))

    assert amounts("Date,Text,Amount,Ccy\n2014-05-01,x,3.00,LTL\n", with_currency) == ["3.00"]


# Days


@pytest.mark.parametrize(
    ("form", "written", "day"),
    [
        ("dd.mm.yy", "03.06.26", "2026-06-03"), ("mm/dd/yyyy", "6/3/2026", "2026-06-03"), ("yyyymmdd", "20260603",
         "2026-06-03"),
        ("dd-mmm-yy", "03-JUN-26", "2026-06-03"), ("d mmm yyyy", "3 März 2026", "2026-03-03"),
        ("d mmm yyyy", "3 août 2026", "2026-08-03"), ("d mmm yyyy", "3 ene. 2026", "2026-01-03"),
        ("d mmm yyyy", "3 dez 2026", "2026-12-03"), ("d mmm yyyy", "3 Marz 2026", "2026-03-03"),
        ("yyyy-mm-dd", "2026-06-03T23:59:59+02:00", "2026-06-03"), ("dd-mm-yyyy", "03-06-2026 10:11:12.123",
         "2026-06-03"),
        ("yyyy.mm.dd.", "2026.06.03.", "2026-06-03"), ("dd/mm/yy", "03/06/99", "1999-06-03"),
    ],
)  # fmt: skip
def test_day_is_read_by_its_form(form, written, day):
    (line,) = lines(f"Date,Text,Amount\n{written},x,3.00\n", replace(PLAIN, dates=(form,)))

    assert line.booked_on == date.fromisoformat(day)


@pytest.mark.parametrize(("form", "written"), [("dd/mm/yyyy", "03/13/2026"), ("yyyy-mm-dd", "03.06.2026"),
                                               ("dd-mmm-yy", "03-XYZ-26"), ("yyyymmdd", "20261301")])  # fmt: skip
def test_day_of_another_form_is_refused_with_its_row(form, written):
    error = refusal(f"Date,Text,Amount\n{written},x,3.00\n", replace(PLAIN, dates=(form,)))

    assert (error.row, error.column) == (2, "Date")


def test_day_that_does_not_exist_is_the_last_of_its_month_and_says_so():
    (line,) = lines("Date,Text,Amount\n2026-02-30,x,3.00\n", PLAIN)

    assert line.booked_on == date(2026, 2, 28)
    assert "2026-02-30" in line.notes[0]


def test_value_day_of_another_form_is_refused_and_a_dash_is_none():
    profile = with_columns(PLAIN, column("value_date", "Value"))

    assert lines("Date,Text,Amount,Value\n2026-05-01,x,3.00,-\n", profile)[0].value_on is None
    assert refusal("Date,Text,Amount,Value\n2026-05-01,x,3.00,01/02/03\n", profile).column == "Value"


# Signs


@pytest.mark.parametrize(("text", "found"), [("2026-05-01,x,5.00,\n2026-05-02,y,,7.00\n", ["-5.00", "7.00"]),
                                             ("2026-05-01,x,5.00,0.00\n", ["-5.00"])])  # fmt: skip
def test_two_columns(text, found):
    assert amounts("Date,Text,Out,In\n" + text, TWO) == found


@pytest.mark.parametrize("row", ["5.00,7.00", ",", "-5.00,", ",-7.00", "5.00 Cr,", ",7.00 Dr"])
def test_two_columns_that_contradict_are_refused(row):
    assert refusal(f"Date,Text,Out,In\n2026-05-01,x,{row}\n", TWO).row == 2


def test_debits_of_either_sign_but_not_both():
    either = replace(TWO, debits_are="either")

    assert amounts("Date,Text,Out,In\n2026-05-01,x,-5.00,\n", either) == ["-5.00"]
    assert amounts("Date,Text,Out,In\n2026-05-01,x,5.00,\n", either) == ["-5.00"]
    assert refusal("Date,Text,Out,In\n2026-05-01,x,-5.00,\n2026-05-01,x,5.00,\n", either).row == 3


def test_sign_column_and_sign_of_the_amount_have_to_agree():
    marked = with_columns(PLAIN, column("sign", "D/K"), sign_in=("K", "+"), sign_out=("D", "-"))
    head = "Date,Text,Amount,D/K\n"

    assert amounts(head + "2026-05-01,x,5.00,D\n2026-05-01,x,-5.00,D\n2026-05-01,x,5.00,+\n", marked) == [
        "-5.00", "-5.00", "5.00",
    ]  # fmt: skip
    assert refusal(head + "2026-05-01,x,-5.00,K\n", marked).row == 2
    assert refusal(head + "2026-05-01,x,5.00,Z\n", marked).column == "D/K"
    assert refusal(head + "2026-05-01,x,5.00,\n", marked).column == "D/K"


def test_card_where_only_credits_are_marked():
    card = with_columns(PLAIN, column("sign", position=4), sign_in=("CR",), unmarked="out")

    assert amounts("Date,Text,Amount,\n2026-05-01,x,5.00,\n2026-05-01,x,+ 7.00,CR\n", card) == ["-5.00", "7.00"]


def test_positive_charges_of_a_card():
    assert one("5.00", positive_is="out") == "-5.00"
    assert one("-5.00", positive_is="out") == "5.00"
    assert one("5.00 Cr", positive_is="out") == "5.00"  # a mark says it whatever the sign means


# Fees


def test_fee_beside_the_amount_and_fee_in_it():
    beside = with_columns(PLAIN, column("fee", "Fee"), fee_is="beside")
    text = "Date,Text,Amount,Fee\n2026-05-01,x,-100.00,2.00\n2026-05-02,y,50.00,0.00\n"

    assert [(str(line.amount), line.charges) for line in lines(text, beside)] == [
        ("-102.00", Decimal("2.00")),
        ("50.00", None),
    ]
    assert amounts(text, replace(beside, fee_is="included")) == ["-100.00", "50.00"]


def test_gross_fee_and_net_have_to_agree():
    net = with_columns(PLAIN, column("fee", "Fee"), column("gross", "Gross"), fee_sign="-")
    head = "Date,Text,Amount,Fee,Gross\n"

    (line,) = lines(head + "2026-05-01,x,85.60,-3.40,89.00\n", net)

    assert (line.charges, line.instructed) == (Decimal("3.40"), (Decimal("89.00"), "EUR"))
    assert refusal(head + "2026-05-01,x,85.60,-3.41,89.00\n", net).column == "Gross"


# States


STATES = with_columns(
    PLAIN, column("status", "Status"), booked_words=("Done",), pending_words=("Pending",), dropped_words=("Failed",)
)


def test_pending_is_marked_and_failed_is_left_out():
    text = "Date,Text,Amount,Status\n2026-05-01,a,1.00,Done\n2026-05-01,b,2.00,PENDING\n2026-05-01,c,3.00,failed\n"
    (statement,) = read(io.BytesIO(text.encode()), STATES)

    assert [(line.text, line.pending) for line in statement.lines] == [("a", False), ("b", True)]
    assert statement.notes == ["Left out as failed or reverted: 1."]


@pytest.mark.parametrize("word", ["Donee", "", "Reversed"])
def test_unknown_state_is_refused(word):
    error = refusal(f"Date,Text,Amount,Status\n2026-05-01,a,1.00,{word}\n", STATES)

    assert (error.row, error.column) == (2, "Status")


def test_pending_stands_where_the_day_is():
    profile = replace(PLAIN, pending_words=("Pending",))
    (statement,) = read(io.BytesIO(b"Date,Text,Amount\nPending,a,1.00\n2026-05-01,b,2.00\n"), profile)

    assert [line.text for line in statement.lines] == ["b"]
    assert statement.notes == ["Left out as pending without a day: 1."]


# Rows that are no lines


def test_preamble_second_headings_asterisks_and_empty_rows():
    text = (
        "Bank of X,,\nAccount No:,12345678\n,,\nDate,Text,Amount\n***,***,***\n2026-05-01,a,1.00\n\n"
        "Date,Text,Amount\n2026-05-02,b,2.00\n"
    )
    profile = replace(PLAIN, labels=(Label("account", ("Account No",)),))
    (statement,) = read(io.BytesIO(text.encode()), profile)

    assert [(line.row, line.text) for line in statement.lines] == [(6, "a"), (9, "b")]
    assert statement.account == AccountIdentifier(number="12345678")


@pytest.mark.parametrize(
    ("cell", "account"),
    [
        ("DE02 1001 0010 0006 8201 01", AccountIdentifier(iban="DE02100100100006820101")),
        ("'DE02100100100006820101'", AccountIdentifier(iban="DE02100100100006820101")),
        ("DE03100100100006820101", AccountIdentifier(number="DE03100100100006820101")),  # its check digits are wrong
        ("Savings 1234-5678 EUR", AccountIdentifier(number="1234-5678")),
    ],
)
def test_account_is_an_iban_only_with_right_check_digits(cell, account):
    profile = with_columns(PLAIN, column("own_account", "Account"))
    (statement,) = read(io.BytesIO(f"Date,Text,Amount,Account\n2026-05-01,a,1.00,{cell}\n".encode()), profile)

    assert statement.account == account


def test_headings_that_stand_before_the_preamble_too():
    text = "Date,Text,Amount\nKonto,77\nSaldo,1.00\nDate,Text,Amount\n2026-05-01,a,1.00\n"

    assert amounts(text, PLAIN) == ["1.00"]


def test_row_that_is_no_line_is_refused_and_not_left_out():
    assert refusal("Date,Text,Amount\nKonto,77\n2026-05-01,a,1.00\n", PLAIN).row == 2
    assert refusal("Date,Text,Amount\n2026-05-01,a,1.00\nKonto,77\n", PLAIN).row == 3
    assert refusal("Date,Text,Amount\n2026-05-01,a,1.00\n,b,2.00\n", PLAIN).row == 3


BALANCED = with_columns(
    PLAIN, column("balance", "Balance"), column("code", "Code"),
    row_rules=(RowRule("opening", ("AS",), "code"), RowRule("closing", ("LS",), "code"),
               RowRule("turnover", ("TOTAL",)), RowRule("footer", ("End of*",))),
)  # fmt: skip


def test_opening_closing_and_sums_are_figures_and_no_lines():
    text = (
        "Date,Text,Amount,Balance,Code\n2026-05-01,Opening,10.00,,AS\n2026-05-01,a,5.00,,K\n2026-05-02,b,-1.00,,K\n"
        "2026-05-02,Closing,14.00,,LS\nTOTAL,,5.00,,\nTOTAL,,-1.00,,\nEnd of file,,,,\nmore,,,,\n"
    )
    (statement,) = read(io.BytesIO(text.encode()), BALANCED)

    assert [line.text for line in statement.lines] == ["a", "b"]
    assert (statement.opening, statement.closing) == (Decimal("10.00"), Decimal("14.00"))
    assert (statement.declared_credits, statement.declared_debits) == (Decimal("5.00"), Decimal("1.00"))


def test_payer_cannot_make_a_line_disappear():
    """Rules on what payers write hold only for rows that lack a day or an amount."""
    rules = tuple(RowRule(means, ("Opening balance", "x*"), "text") for means in ("skip", "opening", "footer"))
    text = "Date,Text,Amount\n2026-05-01,Opening balance,5.00\n2026-05-02,xyz,6.00\n"

    assert amounts(text, replace(PLAIN, row_rules=rules)) == ["5.00", "6.00"]


def test_line_after_the_footer_is_refused():
    assert (
        refusal(
            "Date,Text,Amount,Balance,Code\n2026-05-01,a,5.00,,K\nEnd of file\n2026-05-01,b,5.00,,K\n", BALANCED
        ).row
        == 4
    )


def test_footer_with_words_above_their_figures():
    profile = replace(
        PLAIN, row_rules=(RowRule("footer", ("Summary*",)),),
        labels=(Label("opening", ("Opening",)), Label("debit_lines", ("Dr Count",)),
                Label("credit_lines", ("Cr Count",)), Label("debits", ("Debits",)), Label("credits", ("Credits",)),
                Label("closing", ("Closing",))),
    )  # fmt: skip
    text = (
        "Date,Text,Amount,,,\n2026-05-01,a,5.00\nSummary :-\nOpening,Dr Count,Cr Count,Debits,Credits,Closing\n"
        '"1,000.00",0,1,0.00,5.00,"1,005.00"\n'
    )
    (statement,) = read(io.BytesIO(text.encode()), profile)

    assert (statement.opening, statement.closing) == (Decimal("1000.00"), Decimal("1005.00"))
    assert (statement.declared_lines, statement.declared_credits, statement.declared_debits) == (
        1,
        Decimal(5),
        Decimal(0),
    )


def test_text_goes_on_in_rows_without_day():
    profile = replace(PLAIN, continuation=True)

    found = lines("Date,Text,Amount\n2026-05-01,a,5.00\n,b,\n,c,\n2026-05-02,d,5.00\n", profile)

    assert [line.text for line in found] == ["a\nb\nc", "d"]


# Balances, order, currencies


def test_opening_and_closing_follow_from_the_running_balance_in_either_order():
    profile = with_columns(PLAIN, column("balance", "Balance"))
    rows = ["2026-05-01,a,5.00,15.00\n", "2026-05-02,b,-1.00,14.00\n", "2026-05-02,c,2.00,16.00\n"]

    for order in (rows, rows[::-1]):
        (statement,) = read(io.BytesIO(("Date,Text,Amount,Balance\n" + "".join(order)).encode()), profile)
        assert (statement.opening, statement.closing) == (Decimal("10.00"), Decimal("16.00"))
        assert (statement.period_start, statement.period_end) == (date(2026, 5, 1), date(2026, 5, 2))


def test_missing_row_makes_opening_lines_and_closing_disagree():
    profile = with_columns(PLAIN, column("balance", "Balance"))
    text = "Date,Text,Amount,Balance\n2026-05-01,a,5.00,15.00\n2026-05-02,b,-1.00,14.00\n2026-05-03,d,4.00,20.00\n"
    (statement,) = read(io.BytesIO(text.encode()), profile)

    assert statement.opening is not None
    assert statement.opening + sum(line.amount for line in statement.lines) != statement.closing


def test_balances_that_follow_from_nothing_are_not_taken_for_opening_and_closing():
    profile = with_columns(PLAIN, column("balance", "Balance"))
    text = "Date,Text,Amount,Balance\n2026-05-01,a,5.00,100.00\n2026-05-02,b,-1.00,100.00\n"
    (statement,) = read(io.BytesIO(text.encode()), profile)

    assert (statement.opening, statement.closing) == (None, None)
    assert "do not follow" in statement.notes[0]


def test_order_that_the_profile_names_is_checked():
    text = "Date,Text,Amount\n2026-05-02,a,5.00\n2026-05-01,b,5.00\n"

    assert amounts(text, replace(PLAIN, order="newest_first")) == ["5.00", "5.00"]
    assert "oldest first" in refusal(text, replace(PLAIN, order="oldest_first")).detail


def test_each_currency_and_account_is_a_statement():
    profile = with_columns(replace(PLAIN, currency=""), column("currency", "Ccy"), column("own_account", "Account"))
    text = (
        "Date,Text,Amount,Ccy,Account\n2026-05-01,a,5.00,EUR,A111\n2026-05-01,b,7,JPY,A111\n"
        "2026-05-02,c,6.00,eur,A111\n2026-05-02,d,6.00,EUR,B222\n"
    )
    found = [
        (s.currency, s.account.number, [line.text for line in s.lines])
        for s in read(io.BytesIO(text.encode()), profile)
    ]

    assert found == [("EUR", "A111", ["a", "c"]), ("JPY", "A111", ["b"]), ("EUR", "B222", ["d"])]


@pytest.mark.parametrize("currency", ["", "EURO", "XAU", "12"])
def test_currency_that_is_none_is_refused(currency):
    profile = with_columns(replace(PLAIN, currency=""), column("currency", "Ccy"))

    assert refusal(f"Date,Text,Amount,Ccy\n2026-05-01,a,5.00,{currency}\n", profile).column == "Ccy"


# Payers and references


def test_payer_account_and_references():
    profile = with_columns(
        PLAIN, column("payer", "Payer"), column("reference", "Ref"), column("reference", "E2E"),
        column("bank_id", "Id"), payer_separator=" - ", payer_parts="account_name",
    )  # fmt: skip
    text = (
        "Date,Text,Amount,Payer,Ref,E2E,Id\n2026-05-01,EREF+E 1SVWZ+Invoice 5,1.00,254 - Ann  Lee,R9,NOTPROVIDED,X1\n"
    )
    (line,) = lines(text, profile)

    assert (line.payer_name, line.payer_account, line.references, line.bank_id) == (
        "Ann Lee",
        "254",
        ("R9", "E 1"),
        "X1",
    )
    assert line.text == "EREF+E 1SVWZ+Invoice 5\nR9"


def test_return_is_named_with_its_reason():
    profile = with_columns(PLAIN, column("kind", "Kind"), return_words=("RETOURE",))
    (line,) = lines("Date,Text,Amount,Kind\n2026-05-01,back AC04,-1.00,RETOURE\n", profile)

    assert (line.is_return, line.return_reason) == (True, "AC04")


# Bytes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_charset_is_found(encoding):
    (line,) = lines("Date,Text,Amount\n2026-05-01,Zoë,1.00\n".encode(encoding), PLAIN)

    assert line.text == "Zoë"


def test_charset_of_the_profile_counts_only_where_bytes_are_not_utf8():
    central = replace(PLAIN, encoding="cp1250")
    text = "Date,Text,Amount\n2026-05-01,Łódź,1.00\n"

    assert [line.text for data in (text.encode("cp1250"), text.encode()) for line in lines(data, central)] == [
        "Łódź"
    ] * 2


def test_byte_that_the_charset_does_not_have_is_refused_with_its_row():
    assert refusal(b"Date,Text,Amount\n2026-05-01,\x81\xff,1.00\n", PLAIN).row == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_every_kind_of_line_end(end):
    found = lines(f"Date,Text,Amount{end}2026-05-01,a,1.00{end}2026-05-02,b,2.00{end}", PLAIN)

    assert [(line.row, line.text) for line in found] == [(2, "a"), (3, "b")]


def test_row_that_begins_without_its_quote_is_read():
    text = 'Date,Text,Amount\n2026-05-01","a","1.00"\n"2026-05-02","b","2.00"\n'
    with_account = replace(
        PLAIN, columns=(column("own_account", "Date"), column("date", "Text"), column("amount", "Amount"))
    )

    assert amounts(text.replace('"a"', '"2026-05-01"').replace('"b"', '"2026-05-02"'), with_account) == ["1.00", "2.00"]


@pytest.mark.parametrize(
    "text", ['2026-05-01,"a,1.00\n2026-05-02,b,2.00\n', '2026-05-01,"a"b,1.00\n', '2026-05-01,a,"1.00']
)
def test_quote_that_does_not_close_swallows_no_rows(text):
    assert refusal("Date,Text,Amount\n" + text, PLAIN).row == 2


def test_delimiter_in_a_text_without_quotes_is_refused():
    profile = replace(PLAIN, columns=(column("date", "Date"), column("amount", "Amount"), column("text", "Text")))

    assert refusal("Date,Amount,Text\n2026-05-01,1.00,a,b\n", profile).row == 2


def test_table_without_headings():
    placed = Profile("placed", (column("text", position=2), column("date", position=3), column("amount", position=4)),
                     ("yyyymmdd",), delimiter="|", preamble_rows=1, currency="EUR")  # fmt: skip

    assert amounts("K|1|2|EUR\n|a|20260501|-1.00|\n|b|20260502|2.00|\n", placed) == ["-1.00", "2.00"]
    assert refusal("K|1|2|EUR\n|a|20260501|-1.00|\n|b|no day||\n", placed).row == 3


def test_missing_or_double_headings_are_refused():
    assert "Date, Text, Amount" in refusal("Date,Text\n2026-05-01,a\n", PLAIN).detail
    refusal("Date,Text,Amount,Amount\n2026-05-01,a,1.00,1.00\n", PLAIN)


def test_file_without_lines_is_an_empty_statement():
    (statement,) = read(io.BytesIO(b"Date,Text,Amount\n"), PLAIN)

    assert (list(statement.lines), statement.currency) == ([], "EUR")


def test_stream_that_cannot_be_read_twice():
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    statements = read(Pipe(b"Date,Text,Amount\n2026-05-01,a,1.00\n"), PLAIN)

    assert [line.text for statement in statements for line in statement.lines] == ["a"]


@pytest.mark.parametrize(
    ("head", "is_text"),
    [
        (b"Date;Text;Amount\n2026-05-01;a;1,00\n", True), (b"a|20260501|b|-1.00|\n", True),
        (b"<?xml version='1.0'?><Document><a>2026-05-01,1.00</a></Document>", False), (b"OFXHEADER:100\n", False),
        (b":20:STARTUMS\n:25:1/2\n:61:2605010501C1,00NTRF\n", False), (b"01,A,B,260501,1200,1,80,,2/\n", False),
        (b"PK\x03\x04,,,", False), (b"\x00\x01,2026-05-01,1.00", False), (b"%PDF-1.7", False), (b"", False),
        (b"Dear all,\nwe meet on 2026-05-01, at noon.\n", False), (b'[{"date": "2026-05-01", "amount": 1.00}]', False),
    ],
)  # fmt: skip
def test_sniff(head, is_text):
    assert sniff(head) is is_text


def test_reader_has_a_name_and_a_version():
    assert (NAME, VERSION) == ("delimited", "1")
