from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import mt940 as library
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.bank.readers import mt940
from workflows.bank.readers.rows import LINE_MAX_BYTES
from workflows.bank.readers.statement import Line, Statement, UnreadableStatementError

HEAD = ":20:START\r\n:25:10020030/1234567\r\n:28C:00000/001\r\n:60F:C240101EUR100,00\r\n"
ENTRY = ":61:2401020102C12,50NTRFNONREF\r\n"


def read(text: str | bytes) -> list[tuple[Statement, list[Line]]]:
    data = text.encode() if isinstance(text, str) else text
    return [(statement, list(statement.lines)) for statement in mt940.read(io.BytesIO(data))]


def read_line(body: str, head: str = HEAD) -> Line:
    ((_, lines),) = read(head + body)
    (line,) = lines
    return line


def refusal(text: str | bytes) -> UnreadableStatementError:
    with pytest.raises(UnreadableStatementError) as caught:
        read(text)
    return caught.value


def test_entry_gives_days_amount_payer_references_and_text():
    line = read_line(
        ":61:2401020103C1234,5NTRFORDER 7//BANK-8\r\n"
        ":86:166?00GUTSCHRIFT?10931?20EREF+E2E-1?21SVWZ+Invoice 100123"
        "?30BANKDEFF?31DE02100100100006820101?32Ada Payer\r\n"
    )

    assert (line.row, line.value_on, line.booked_on) == (5, date(2024, 1, 2), date(2024, 1, 3))
    assert line.amount == Decimal("1234.50")
    assert (line.payer_name, line.payer_account) == ("Ada Payer", "DE02100100100006820101")
    assert line.references == ("ORDER 7", "E2E-1")
    assert line.bank_id == "BANK-8"
    assert line.text == "GUTSCHRIFT\nEREF+E2E-1\nSVWZ+Invoice 100123"
    assert (line.pending, line.is_return, line.notes) == (False, False, ())


def test_statement_gives_account_number_balances_and_period():
    ((statement, lines),) = read(HEAD + ENTRY + ":62F:D240131EUR12,\r\n-\r\n")

    assert (statement.account.bank, statement.account.number) == ("10020030", "1234567")
    assert (statement.number, statement.currency) == ("00000/001", "EUR")
    assert (statement.opening, statement.closing) == (Decimal(100), Decimal(-12))
    assert (statement.period_start, statement.period_end) == (date(2024, 1, 1), date(2024, 1, 31))
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("mark", "amount", "is_return"),
    [("C", 12, False), ("D", -12, False), ("RC", -12, True), ("RD", 12, True), ("CR", 12, False), ("DR", -12, False)],
)
def test_mark_gives_sign_and_whether_money_comes_back(mark, amount, is_return):
    """CR is a credit with the third letter of EUR, no reversal."""
    line = read_line(f":61:2401020102{mark}12,00NTRFNONREF\r\n")

    assert (line.amount, line.is_return) == (Decimal(amount), is_return)


@pytest.mark.parametrize(("mark", "amount"), [("EC", 12), ("ED", -12)])
def test_expected_entry_is_pending(mark, amount):
    line = read_line(f":61:2401020102{mark}12,00NTRFNONREF\r\n")

    assert (line.amount, line.pending) == (Decimal(amount), True)


def test_interim_report_has_pending_lines_and_what_it_declares():
    ((statement, lines),) = read(
        ":20:X\n:25:1\n:28C:1/1\n:34F:EURD5,00\n:13D:2401020800+0100\n" + ENTRY + ":90D:0EUR0,00\n:90C:1EUR12,50\n"
    )

    assert [line.pending for line in lines] == [True]
    assert (statement.opening, statement.closing, statement.currency) == (None, None, "EUR")
    assert (statement.declared_lines, statement.declared_credits, statement.declared_debits) == (1, Decimal("12.50"), 0)


@pytest.mark.parametrize(("word", "is_return"), [("GUTSCHRIFT", False), ("SEPA-RETOURE", True), ("STORNO", True)])
def test_banks_word_for_what_comes_back_marks_a_return(word, is_return):
    assert read_line(ENTRY + f":86:116?00{word}?20text").is_return is is_return


@pytest.mark.parametrize(("code", "reason"), [("109", "914"), ("166", "")])
def test_return_code_gives_its_reason(code, reason):
    line = read_line(ENTRY + f":86:{code}?00X?20text?34914")

    assert (line.is_return, line.return_reason) == (bool(reason), reason)


def test_returned_item_by_its_type():
    assert read_line(":61:2401020102D12,00NRTINONREF").is_return


def test_sub_fields_are_apart_and_none_is_lost():
    line = read_line(ENTRY + ":86:166?20Invoice number?21INV 2025 0001?22third")

    assert line.text == "Invoice number\nINV 2025 0001\nthird"


def test_question_mark_in_the_text_stays():
    line = read_line(ENTRY + ":86:166?20paid? yes 12?21why?20 not?32Max")

    assert (line.text, line.payer_name) == ("paid? yes 12\nwhy?20 not", "Max")


def test_line_break_inside_a_sub_field_is_none():
    line = read_line(ENTRY + ":86:166?00TRANSFER?20broken wo\r\nrd?31DE0210010010\r\n0006820101")

    assert (line.text, line.payer_account) == ("TRANSFER\nbroken word", "DE02100100100006820101")


def test_name_and_reference_go_on_where_a_sub_field_was_full():
    line = read_line(
        ENTRY + ":86:166?20EREF+1234567890123456789012?2134?22SVWZ+x?32A name of seven and twenty ?33signs?34"
    )

    assert line.references == ("123456789012345678901234",)
    assert line.payer_name == "A name of seven and twenty signs"


def test_short_sub_fields_of_a_name_are_words():
    assert read_line(ENTRY + ":86:166?20x?32Ada?33Payer").payer_name == "Ada Payer"


def test_polish_sub_fields_have_another_mark():
    line = read_line(ENTRY + ":86:020~00Transfer\n~20Invoice 7~32Payer~38PL61109010140000071219812874")

    assert (line.text, line.payer_name) == ("Transfer\nInvoice 7", "Payer")
    assert line.payer_account == "PL61109010140000071219812874"


def test_words_between_slashes():
    line = read_line(
        ":61:240102C12,50N102EREF\n"
        ":86:/TRTP/SEPA/IBAN/NL91ABNA0417164300/NAME/A LONG NA\nME/REMI/STRD/CUR/RF18539007547034/EREF/E-9/RTRN/AC04/"
    )

    assert (line.payer_name, line.payer_account) == ("A LONG NAME", "NL91ABNA0417164300")
    assert line.references == ("E-9", "RF18539007547034")
    assert (line.is_return, line.return_reason) == (True, "AC04")


def test_counterparty_between_slashes():
    line = read_line(ENTRY + ":86:/EREF/NOTPROVIDED//CNTP/NL91ABNA0417164300/ABNANL2A/A PAYER///REMI/USTD//Invoice 7/")

    assert (line.payer_name, line.payer_account, line.references) == ("A PAYER", "NL91ABNA0417164300", ())


def test_account_below_the_entry_is_the_payers():
    line = read_line(":61:240102C12,50N102EREF\nNL91ABNA0417164300\n:86:free text")

    assert (line.payer_account, line.text) == ("NL91ABNA0417164300", "free text")


def test_other_lines_below_the_entry_are_text():
    assert read_line(ENTRY + "first\nsecond\n:86:third").text == "first\nsecond\nthird"


def test_original_amount_and_charges():
    line = read_line(ENTRY + "/OCMT/USD15,00//CHGS/EUR1,25/\n:86:text")

    assert line.instructed == (Decimal("15.00"), "USD")
    assert line.charges == Decimal("1.25")


def test_non_swift_details():
    line = read_line(ENTRY + ":NS:01Invoice 7\n02second\n15Ada Pay\n3310020030\n340000123\n")

    assert (line.text, line.payer_name, line.payer_account) == ("Invoice 7\nsecond", "Ada Pay", "0000123")


def test_two_details_of_one_entry_are_both_kept():
    line = read_line(ENTRY + ":86:166?20one?32Max\n:86:two")

    assert (line.text, line.payer_name) == ("one\ntwo", "Max")


@pytest.mark.parametrize("text", [":08 Karten", ":21:45 Uhr", "-", "- not the end"])
def test_line_that_only_looks_like_a_tag_is_text(text):
    assert read_line(ENTRY + f":86:first\n{text}\nlast\n:64:C240102EUR1,0\n").text == f"first\n{text}\nlast"


def test_text_behind_the_closing_balance_is_of_the_statement():
    ((statement, lines),) = read(HEAD + ENTRY + ":86:mine\n:62F:C240102EUR112,50\n:86:not mine\n")

    assert [line.text for line in lines] == ["mine"]
    assert statement.notes == ["not mine"]


def test_sums_behind_the_closing_balance_are_declared():
    ((statement, _),) = read(HEAD + ENTRY + ":62F:C240102EUR112,50\n:86:D000002C000003D25,24C28,71\n")

    assert (statement.declared_lines, statement.declared_debits, statement.declared_credits) == (
        5,
        Decimal("25.24"),
        Decimal("28.71"),
    )


def test_day_past_the_end_of_a_month_is_its_last_with_a_note():
    line = read_line(":61:2302300301D6,00N024NONREF\n")

    assert (line.value_on, line.booked_on) == (date(2023, 2, 28), date(2023, 3, 1))
    assert line.notes == ("2023-02-30 does not exist and was read as the last day of that month.",)


def test_balance_on_a_day_that_does_not_exist_is_read():
    ((first, _), (second, _)) = read(
        HEAD + ENTRY + ":62F:C241131EUR112,50\n" + HEAD + ENTRY + ":62F:C000000EUR112,50\n:64:CnullEUR1,0\n"
    )

    assert (first.period_end, first.notes) == (
        date(2024, 11, 30),
        ["2024-11-31 does not exist and was read as the last day of that month."],
    )
    assert (second.closing, second.period_end) == (Decimal("112.50"), None)
    assert second.notes == ["The balance :62F: has no day that exists."]


@pytest.mark.parametrize(
    ("days", "booked_on"),
    [
        ("2412310102", date(2025, 1, 2)),
        ("2501021231", date(2024, 12, 31)),
        ("2411200105", date(2025, 1, 5)),  # the library: a year too early
        ("0001021231", date(1999, 12, 31)),
        ("2402280229", date(2024, 2, 29)),
        ("240228    ", date(2024, 2, 28)),
    ],
)
def test_day_of_booking_is_in_the_nearest_year(days, booked_on):
    line = read_line(f":61:{days}C12,50NTRFNONREF\n")

    assert (line.booked_on, line.notes) == (booked_on, ())


@pytest.mark.parametrize("day", ["241301", "240100", "240132", "24AB01"])
def test_no_day_is_refused(day):
    error = refusal(HEAD + f":61:{day}C12,50NTRFNONREF\n")

    assert (error.row, error.column) == (5, ":61:")


@pytest.mark.parametrize(
    "amount",
    [
        "-104,12",
        "1.234,56",
        "1,000,00",
        "NaN",
        "9223372036854775808,00",
        "1" * 41 + ",00",
        "1,001",
        "",
        ",",
        "\u0661\u0662,\u0660",
    ],
)
def test_what_is_no_amount_is_refused(amount):
    error = refusal(HEAD + f":61:240102D{amount}NTRFNONREF\n")

    assert (error.row, error.column) == (5, ":61:")
    assert "Statement 1 ('START')" in str(error)


@pytest.mark.parametrize(("written", "amount"), [("12,", "12"), ("0012,5", "12.50"), (",5", "0.50"), ("12", "12")])
def test_amount_as_banks_write_it(written, amount):
    assert read_line(f":61:240102C{written}NTRFNONREF\n").amount == Decimal(amount)


def test_reference_of_any_length_is_kept():
    line = read_line(":61:240102C12,50NTRFA-REFERENCE-LONGER-THAN-16//BANK-REFERENCE-LONGER-THAN-16\n")

    assert (line.references, line.bank_id) == (("A-REFERENCE-LONGER-THAN-16",), "BANK-REFERENCE-LONGER-THAN-16")


def test_closing_balance_without_currency():
    ((statement, _),) = read(HEAD + ENTRY + ":62M:C240102112,50\n")

    assert (statement.closing, statement.currency) == (Decimal("112.50"), "EUR")


def test_currency_of_the_past_is_read():
    ((statement, lines),) = read(HEAD.replace("EUR", "DEM") + ENTRY)

    assert (statement.currency, lines[0].amount) == ("DEM", Decimal("12.50"))


def test_two_messages_on_one_line():
    first, second = read(
        "\x01{1:F01X}{4:\r\n" + HEAD + ENTRY + ":62F:C240102EUR112,50\r\n-}\x03\x01{1:F01X}{4:\r\n" + HEAD + "-}\x03"
    )

    assert (first[0].closing, len(first[1]), second[1]) == (Decimal("112.50"), 1, [])
    assert second[0].notes == []


def test_head_of_the_next_message_is_no_text():
    first, _ = read(HEAD + ENTRY + ":86:mine\n-\nABNANL2A\n940\n" + HEAD)

    assert first[1][0].text == "mine"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_every_line_end_gives_the_same_rows(end):
    ((statement, lines),) = read((HEAD + ENTRY + ":86:one\r\ntwo\r\n").replace("\r\n", end))

    assert (lines[0].row, lines[0].text, statement.opening) == (5, "one\ntwo", Decimal(100))


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp1252", "cp852"])
def test_letters_are_read_in_the_charsets_of_banks(charset):
    ((_, lines),) = read((HEAD + ENTRY + ":86:Müller jóváírása\n").encode(charset))

    assert lines[0].text == "Müller jóváírása"


@pytest.mark.parametrize(
    ("written", "iban", "number", "bank"),
    [
        ("DE02100100100006820101", "DE02100100100006820101", "", ""),
        ("DE02 1001 0010 0006 8201 01EUR", "DE02100100100006820101", "", ""),
        ("10020030/1234567", "", "1234567", "10020030"),
        ("BANKHUHB/123456/HUF", "", "123456", "BANKHUHB"),
        ("517852257", "", "517852257", ""),
        ("517852257\r\nABNANL2A", "", "517852257", "ABNANL2A"),
    ],
)
def test_account_as_banks_write_it(written, iban, number, bank):
    ((statement, _),) = read(f":20:X\r\n:25:{written}\r\n:60F:C240101EUR1,00\r\n")

    assert (statement.account.iban, statement.account.number, statement.account.bank) == (iban, number, bank)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (":20:X\n:25:1\n" + ENTRY, 3),  # no opening balance
        (HEAD + ":62F:C240102EUR100,00\n" + ENTRY, 6),
        (HEAD + ":62F:C240102USD100,00\n", 5),
        (HEAD + ":62F:C240102EUR100.00\n", 5),
        (HEAD + ":62F:C240102EUR1,00\n:62F:C240102EUR1,00\n", 6),
        (HEAD + ":60F:C240101EUR100,00\n", 5),
        (HEAD + ENTRY + ":60F:C240101EUR100,00\n", 6),
        (HEAD + ":90C:1EUR\n", 5),
        (ENTRY + HEAD, 1),
        (HEAD + ":61:\n", 5),
        (HEAD + ENTRY + ":86:" + ("long " * 15 + "\n") * 300, 5),
        (HEAD + ENTRY + ":86:nul \0\n", 6),
    ],
)
def test_broken_statement_is_refused_with_its_row(text, row):
    assert refusal(text).row == row


@pytest.mark.parametrize("data", [b"", b"\r" * 100, b"hello", b"PK\x03\x04", b'<!DOCTYPE x [<!ENTITY a "b">]>'])
def test_what_is_no_mt940_is_neither_recognized_nor_read(data):
    assert not mt940.sniff(data)
    refusal(data)


def test_mt940_is_recognized():
    assert mt940.sniff(b"\xef\xbb\xbf" + HEAD.encode())
    assert mt940.sniff(b"ABNANL2A\r\n940\r\n" + HEAD.encode())
    assert mt940.sniff(b"\x01{1:F01X}{4:\r\n:20:X\r\n:25:1\r\n:34F:EUR1,\r\n")


class CountedStream(io.RawIOBase):
    """An endless statement that counts what was taken of it."""

    def __init__(self, body: bytes) -> None:
        self.body, self.taken = body, 0

    def read(self, size: int = -1) -> bytes:
        self.taken += size
        return HEAD.encode() if self.taken == size else (self.body * (size // len(self.body) + 1))[:size]


@pytest.mark.parametrize("body", [b"x", b"\r", b":86:", b"x\n"])
def test_text_without_an_end_is_refused_early(body):
    stream = CountedStream(body)

    with pytest.raises(UnreadableStatementError):
        [list(statement.lines) for statement in mt940.read(stream)]

    assert stream.taken < 4 * LINE_MAX_BYTES


def test_lines_come_before_the_file_was_read_to_its_end():
    stream = io.BytesIO((HEAD + ENTRY * 20_000).encode())
    statement = next(mt940.read(stream))

    next(statement.lines)

    assert stream.tell() < 150_000


def test_lines_that_nobody_asked_for_are_passed_over():
    statements = list(mt940.read(io.BytesIO((HEAD + ENTRY + ":62F:C240102EUR112,50\n" + HEAD).encode())))

    assert [statement.closing for statement in statements] == [Decimal("112.50"), None]


amounts = st.integers(1, 10**11 - 1).map(lambda cents: Decimal(cents) / 100)
entries = st.lists(
    st.tuples(
        st.sampled_from(["C", "D", "RC", "RD"]),
        amounts,
        st.dates(date(2001, 1, 1), date(2079, 12, 31)),
        st.lists(st.text("abcXYZ0189.,/+-() ", min_size=1, max_size=27), min_size=1, max_size=9),
    ),
    max_size=5,
)


def signed(mark: str, amount: Decimal) -> Decimal:
    return amount if mark in ("C", "RD") else -amount


def comma(amount: Decimal) -> str:
    return f"{abs(amount):.2f}".replace(".", ",")


def written(made: list, opening: Decimal) -> str:
    """One statement that adds up."""
    closing = opening + sum(signed(mark, amount) for mark, amount, _, _ in made)
    body = "".join(
        f":61:{day:%y%m%d%m%d}{mark}{comma(amount)}NTRFNONREF//B{number}\r\n:86:166?00TRANSFER"
        + "".join(f"?{20 + index}{part}" for index, part in enumerate(parts))
        + "?32PAYER\r\n"
        for number, (mark, amount, day, parts) in enumerate(made)
    )
    return (
        f":20:MADE\r\n:25:10020030/1234567\r\n:28C:1/1\r\n:60F:C240101EUR{comma(opening)}\r\n"
        f"{body}:62F:{'C' if closing >= 0 else 'D'}240131EUR{comma(closing)}\r\n-\r\n"
    )


@given(entries, amounts)
def test_what_was_written_is_read(made, opening):
    ((statement, lines),) = read(written(made, opening))

    assert statement.opening + sum(line.amount for line in lines) == statement.closing
    assert [(line.amount, line.booked_on, line.value_on) for line in lines] == [
        (signed(mark, amount), day, day) for mark, amount, day, _ in made
    ]
    assert [line.text for line in lines] == [
        "\n".join(part.rstrip() for part in ["TRANSFER", *parts] if part.strip()) for _, _, _, parts in made
    ]
    assert {line.payer_name for line in lines} <= {"PAYER"}


@given(entries, amounts)
def test_library_reads_the_same_amounts_and_days(made, opening):
    text = written(made, opening)
    (theirs,) = library.parse_statements(text, options=library.Options.all())
    ((statement, lines),) = read(text)

    assert [(line.amount, line.value_on) for line in lines] == [
        (entry.data["amount"].amount, entry.data["date"]) for entry in theirs
    ]
    assert statement.closing == theirs.data["final_closing_balance"].amount.amount


@given(entries.filter(bool), amounts, st.data())
def test_damaged_file_is_refused_or_does_not_add_up_or_keeps_its_amounts(made, opening, data):
    whole = written(made, opening).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.sampled_from(["cut", "replace", "insert"]))
    other = bytes([data.draw(st.integers(0, 255))])
    damaged = {
        "cut": whole[:at],
        "replace": whole[:at] + other + whole[at + 1 :],
        "insert": whole[:at] + other + whole[at:],
    }

    try:
        statements = read(damaged[damage])
    except UnreadableStatementError:
        return

    for statement, lines in statements:
        read_amounts = [line.amount for line in lines]
        if (
            None not in (statement.opening, statement.closing)
            and statement.opening + sum(read_amounts) == statement.closing
        ):
            assert read_amounts == [signed(mark, amount) for mark, amount, _, _ in made]
