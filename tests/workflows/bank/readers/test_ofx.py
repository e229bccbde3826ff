from __future__ import annotations

import tracemalloc
from contextlib import suppress
from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hypothesis_profile import deterministic
from tests.workflows.bank.readers.reading import read_all, read_lines, refusal
from workflows.bank.readers import ofx
from workflows.bank.readers.statement import AccountIdentifier, UnreadableStatementError

HEADER = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n"
ACCOUNT = "<BANKACCTFROM>\n<BANKID>021\n<ACCTID>12-34 5\n<ACCTTYPE>CHECKING\n</BANKACCTFROM>\n"


def transaction(*more, amount="10.00", day="20260304120000", kind="CREDIT"):
    return f"<STMTTRN>\n<TRNTYPE>{kind}\n<DTPOSTED>{day}\n<TRNAMT>{amount}\n{''.join(more)}</STMTTRN>\n"


def statement(*transactions, currency="USD", account=ACCOUNT, after=""):
    return (
        f"<STMTRS>\n<CURDEF>{currency}\n{account}<BANKTRANLIST>\n<DTSTART>20260301\n<DTEND>20260331\n"
        f"{''.join(transactions)}</BANKTRANLIST>\n{after}</STMTRS>\n"
    )


def document(*statements, header=HEADER, charset="cp1252"):
    inner = "".join(statements)
    return (
        f"{header}<OFX>\n<SIGNONMSGSRSV1><SONRS><LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>\n<BANKMSGSRSV1><STMTTRNRS>\n"
        f"<TRNUID>1\n{inner}</STMTTRNRS></BANKMSGSRSV1>\n</OFX>\n"
    ).encode(charset)


def only_line(*more, currency="USD", **values):
    [line] = read_lines(ofx, document(statement(transaction(*more, **values), currency=currency)))
    return line


# Forms


def test_sgml_statement_is_read():
    balance = "<LEDGERBAL>\n<BALAMT>-734.05\n<DTASOF>20260331\n</LEDGERBAL>\n<AVAILBAL><BALAMT>1.00</AVAILBAL>"
    named = transaction("<FITID>F1\n<CHECKNUM>77\n<NAME>Ann\n<MEMO>INV-1\n")

    [(read, [line])] = read_all(ofx, document(statement(named, after=balance)))

    assert read.account == AccountIdentifier(number="12-345", bank="021")
    assert (read.currency, read.opening, read.closing) == ("USD", None, Decimal("-734.05"))
    assert (read.period_start, read.period_end) == (date(2026, 3, 1), date(2026, 3, 31))
    assert (line.row, line.booked_on, line.amount) == (1, date(2026, 3, 4), Decimal("10.00"))
    assert (line.text, line.payer_name, line.bank_id, line.references) == ("Ann\nINV-1", "Ann", "F1", ("77",))


def as_xml(text):
    """The same with end tags and the header of OFX 2."""
    lines = []
    for line in text.splitlines():
        tag, _, value = line.partition(">")
        lines.append(f"{line}</{tag[1:]}>" if value and "<" not in value else line)
    return '<?xml version="1.0"?>\n<?OFX OFXHEADER="200" VERSION="200"?>\n' + "\n".join(lines)


def as_one_line(text):
    header, _, body = text.partition("<OFX>")
    return header + "<OFX>" + body.replace("\n", "")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: as_xml(text.partition("\n\n")[2]),
        as_one_line,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n<", "\t \n  <"),
        lambda text: "\n\n\n" + text,
        lambda text: "\ufeff" + text,
        lambda text: text.partition("\n\n")[2],
        lambda text: text.replace("<STMTTRN>\n", "<STMTTRN>\n<CHECKNUM/><REFNUM></REFNUM><SIC>\n"),
        lambda text: text.replace("STMTRS", "CCSTMTRS").replace("BANKACCTFROM", "CCACCTFROM"),
        lambda text: text.replace("<MEMO>", "<!-- <TRNAMT>5 --><MEMO>"),
    ],
    ids=["xml", "one line", "crlf", "tabs", "empty lines", "bom", "no header", "empty elements", "card", "comment"],
)
def test_form_of_the_tags_changes_nothing(change):
    plain = document(statement(transaction("<FITID>F\n<NAME>Ann\n<MEMO>INV-1\n"), transaction(amount="-2.00")))
    changed = change(plain.decode()).encode()

    assert ofx.sniff(changed)
    assert read_lines(ofx, changed) == read_lines(ofx, plain)


@pytest.mark.parametrize(
    "head", [b"", b"<html><body>", b"<?xml version='1.0'?><Document>", b"Date,Memo\n1,<OFX>", b"PK\x03\x04", b"OFX"]
)
def test_other_files_are_not_taken_for_ofx(head):
    assert not ofx.sniff(head)


def test_two_statements_in_one_response_stay_apart():
    other = "<BANKACCTFROM><ACCTID>DE02 1001 0010 0006 8201 01</BANKACCTFROM>"
    data = document(
        statement(transaction(), transaction(), after="<LEDGERBAL><BALAMT>1</LEDGERBAL>"),
        statement(transaction(), currency="EUR", account=other),
        statement(),
    )

    first, second, third = read_all(ofx, data)

    assert [line.row for line in first[1] + second[1]] == [1, 2, 3]
    assert (first[0].closing, second[0].closing) == (Decimal("1.00"), None)
    assert second[0].account == AccountIdentifier(iban="DE02100100100006820101")
    assert third[1] == []


def test_lines_that_nobody_reads_are_passed_over():
    data = document(statement(transaction(), transaction()), statement(transaction(amount="7.00")))
    statements = ofx.read(BytesIO(data))
    next(statements)

    assert [line.amount for line in next(statements).lines] == [Decimal("7.00")]


def test_pending_transaction_of_version_2_is_pending():
    pending = "<STMTTRNP><TRNTYPE>DEBIT<DTTRAN>20260305<TRNAMT>-4.00<NAME>Shop</STMTTRNP>"
    data = document(statement(transaction(), after=f"<BANKTRANLISTP><DTASOF>20260305{pending}</BANKTRANLISTP>"))

    booked, line = read_lines(ofx, data)

    assert (booked.pending, line.pending, line.booked_on, line.amount) == (
        False, True, date(2026, 3, 5), Decimal("-4.00"),
    )  # fmt: skip


@pytest.mark.parametrize("tag", ["DTSTART", "DTEND", "BALAMT", "FITID", "NAME", "MEMO", "CHECKNUM"])
def test_empty_element_does_not_take_the_next_value(tag):
    inner = transaction("<FITID>F\n<CHECKNUM>7\n<NAME>Ann\n<MEMO>INV\n")
    full = statement(inner, after="<LEDGERBAL>\n<BALAMT>5.00\n<DTASOF>20260331\n</LEDGERBAL>\n").splitlines()
    emptied = "\n".join(f"<{tag}>" if line.startswith(f"<{tag}>") else line for line in full)

    [(read, [line])] = read_all(ofx, document(emptied))

    values = {
        "DTSTART": read.period_start, "DTEND": read.period_end, "BALAMT": read.closing, "FITID": line.bank_id,
        "NAME": line.payer_name, "MEMO": line.text.replace("Ann", ""), "CHECKNUM": line.references,
    }  # fmt: skip
    assert [name for name, value in values.items() if not value] == [tag]


# Amounts


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("-33.3", "-33.30"), ("+100", "100.00"), ("100,5", "100.50"), ("-100,50", "-100.50"), (".5", "0.50"),
        ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("-1.234.567,89", "-1234567.89"), ("10.00 ", "10.00"),
        ("10.0000", "10.00"),
    ],
)  # fmt: skip
def test_amount_has_a_point_or_a_comma(amount, expected):
    assert str(only_line(amount=amount).amount) == expected


@pytest.mark.parametrize(
    "amount",
    [
        "", "NaN", "Infinity", "1e3", "1_000", "1,234", "1.234.567", "1,234,567", "1.23,456", "1,2.5", "10-", "10 00",
        "9223372036854775808", "USD 10", "\u0661\u0660", "--1", "1.005", "*snipped*",
    ],
)  # fmt: skip
def test_amount_that_is_none_refuses_the_file_with_its_transaction(amount):
    error = refusal(ofx, document(statement(transaction(), transaction(amount=amount)), charset="utf-8"))

    assert (error.row, error.column) == (2, "TRNAMT")


@pytest.mark.parametrize("amount", ["1,234", "1.234", "-12,345"])
def test_thousands_and_thousandths_are_not_guessed_without_a_currency(amount):
    assert "thousand" in refusal(ofx, document(statement(transaction(amount=amount), currency=""))).detail
    assert only_line(amount="1,234", currency="KWD").amount == Decimal("1.234")


def test_transaction_without_or_with_two_amounts_is_refused():
    without = transaction().replace("<TRNAMT>10.00\n", "")

    assert refusal(ofx, document(statement(transaction(), without))).row == 2
    assert refusal(ofx, document(statement(transaction(), transaction("<TRNAMT>11.00\n")))).row == 2


def test_sign_counts_and_a_type_against_it_is_noted():
    assert only_line(kind="DEBIT").amount == Decimal("10.00")
    assert "DEBIT" in only_line(kind="DEBIT").notes[0]
    assert only_line(kind="PIX", amount="-1").notes == ()


def test_transaction_in_another_currency_is_refused_and_a_converted_one_is_noted():
    other = "<CURRENCY><CURRATE>1.1<CURSYM>EUR</CURRENCY>"

    assert refusal(ofx, document(statement(transaction(), transaction(other)))).row == 2
    assert "EUR" in only_line(other.replace("CURRENCY", "ORIGCURRENCY")).notes[0]
    assert "EUR" in only_line(other, currency="").notes[0]


def test_currency_written_as_an_element_swallows_nothing():
    line = only_line("<CURRENCY>USD\n<NAME>Ann\n<MEMO>INV-1\n")

    assert (line.amount, line.payer_name, line.text) == (Decimal("10.00"), "Ann", "Ann\nINV-1")


@pytest.mark.parametrize("currency", ["XXX", "usd", "DOLLAR"])
def test_unknown_currency_is_refused(currency):
    assert refusal(ofx, document(statement(transaction(), currency=currency)))


def test_unreadable_balance_is_refused():
    assert refusal(ofx, document(statement(after="<LEDGERBAL><BALAMT>n/a</LEDGERBAL>"))).column == "BALAMT"


# Days


@pytest.mark.parametrize(
    "day", ["20260304", "20260304003000[+1:CET]", "20260304235959.999[-3:GMT]", "20260304093914:014", "20260304 "]
)
def test_day_is_its_first_eight_digits_whatever_the_zone(day):
    assert only_line(day=day).booked_on == date(2026, 3, 4)


def test_day_that_does_not_exist_is_the_last_of_its_month():
    line = only_line(day="20260230")

    assert (line.booked_on, len(line.notes)) == (date(2026, 2, 28), 1)


@pytest.mark.parametrize("day", ["", "2026-03-04", "04/03/2026", "20261304", "20260332", "00000000", "\u0662" * 8])
def test_day_that_is_none_refuses_the_file(day):
    error = refusal(ofx, document(statement(transaction(), transaction(day=day)), charset="utf-8"))

    assert (error.row, error.column) == (2, "DTPOSTED")


def test_value_day_is_the_one_of_availability():
    assert only_line("<DTAVAIL>20260306\n").value_on == date(2026, 3, 6)
    assert only_line("<DTAVAIL>\n").value_on is None


# Texts and ids


def test_repeated_id_of_the_bank_is_kept_on_each_line():
    same = [transaction("<FITID>1\n", amount=amount) for amount in ("1.00", "2.00", "2.00")]

    assert [line.bank_id for line in read_lines(ofx, document(statement(*same)))] == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("AT&T & sons", "AT&T & sons"), ("AT&amp;T &lt;x&gt; &#8364;", "AT&T <x> \u20ac"), ("a < b", "a < b"),
        ("<![CDATA[<STMTTRN> &amp; ]]>", "<STMTTRN> &amp;"), ("<INV-1> paid", "<INV-1> paid"),
        ("&#0;&#xD800;", "&#0;&#xD800;"), ("two\nlines", "two\nlines"), ("&copy=1", "&copy=1"),
    ],
)  # fmt: skip
def test_memo_is_kept_as_it_is_written(written, expected):
    assert only_line(f"<MEMO>{written}\n").text == expected


def test_name_of_the_payee_and_its_account_are_the_other_side():
    line = only_line("<PAYEE>\n<NAME>Shop\n</PAYEE>\n<BANKACCTTO>\n<BANKID>1\n<ACCTID>99 8\n</BANKACCTTO>\n<MEMO>x\n")

    assert (line.payer_name, line.payer_account, line.text) == ("Shop", "998", "Shop\nx")


def test_number_of_zeros_is_no_reference():
    assert only_line("<CHECKNUM>0\n<REFNUM>R1\n").references == ("R1",)


@pytest.mark.parametrize("header", [HEADER, HEADER.replace("1252", "1251"), "", HEADER.replace("1252", "NONE")])
def test_utf8_is_read_as_such_under_any_header(header):
    data = document(statement(transaction("<NAME>Zo\u00eb \u0160\n")), header=header, charset="utf-8")

    assert read_lines(ofx, data)[0].payer_name == "Zo\u00eb \u0160"


@pytest.mark.parametrize(
    ("charset", "name"), [("1252", "CR\u00c9DITO"), ("1251", "\u041e\u041f\u041b"), ("1250", "\u0160")]
)
def test_other_bytes_are_read_in_the_charset_of_the_header(charset, name):
    header = HEADER.replace("1252", charset)

    data = document(statement(transaction(f"<NAME>{name}\n")), header=header, charset=f"cp{charset}")

    assert read_lines(ofx, data)[0].payer_name == name


def test_bytes_of_no_charset_are_refused():
    data = document(statement(transaction(), transaction("<NAME>x?\n"))).replace(b"x?", b"x\x81")

    assert (refusal(ofx, data).row, refusal(ofx, data).column) == (2, "NAME")


def test_correction_of_an_earlier_transaction_is_refused():
    error = refusal(ofx, document(statement(transaction("<CORRECTFITID>F1\n<CORRECTACTION>DELETE\n"))))

    assert (error.row, error.column) == (1, "CORRECTFITID")


# Broken and hostile files


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OFXHEADER:100\n",
        document(),
        document("<INVSTMTRS>" + transaction() + "</INVSTMTRS>"),
        document(transaction()),
        document(statement("<STMTTRN>\n" + transaction())),
        document(statement(transaction()).replace("</STMTTRN>", "")),
        document(statement(transaction()).replace("</STMTRS>", "")),
        document("</STMTRS>"),
        document(statement(statement(transaction()))),
        document(statement(transaction("<MEMO>a\0b\n"))),
        document(statement(transaction()), charset="utf-16"),
        document(statement(transaction()), header='<?xml version="1.0"?><!DOCTYPE OFX [<!ENTITY a "1">]>'),
        document(statement(transaction("<MEMO><![CDATA[open\n"))),
    ],
)
def test_broken_file_is_refused(data):
    assert refusal(ofx, data).detail


@pytest.mark.parametrize(
    "part",
    [
        "<MEMO>" + "x" * 10_000_000,
        "<" * 10_000_000,
        "<![CDATA[" * 1_000_000,
        "<!--" + "x" * 10_000_000 + "-->",
        "<" + "A" * 10_000_000 + ">",
        " " * 10_000_000,
        "<MEMO>" + "<![CDATA[x]]>" * 1_000_000,
        "".join(f"<X{number}>1" for number in range(100_000)),
        "<PAYEE>" * 100_000,
    ],
    ids=["text", "brackets", "cdata", "comment", "tag", "space", "sections", "elements", "depth"],
)
def test_endless_part_is_refused_within_bounds(part):
    data = document(statement(transaction(), transaction(part)))
    tracemalloc.start()
    try:
        error = refusal(ofx, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert error.row == 2
    assert peak < 16 * 1024 * 1024


def test_memory_does_not_grow_with_the_lines():
    stream = BytesIO(document(statement(*(transaction("<MEMO>INV-1\n") for _ in range(3_000)))))
    tracemalloc.start()
    try:
        count = sum(1 for read in ofx.read(stream) for _ in read.lines)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 3_000
    assert peak < 1024 * 1024


# Laws

TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn", "Cc"), exclude_characters="<&"), max_size=60
)
MADE = st.fixed_dictionaries(
    {
        "amount": st.decimals("-99999999.99", "99999999.99", places=2),
        "day": st.dates(),
        "name": TEXTS.map(str.strip),
        "bank_id": st.text("ABC123", min_size=1, max_size=9),
    }
)


@deterministic
@given(st.lists(MADE, max_size=8), st.sampled_from([".", ","]), st.booleans())
def test_what_is_written_is_read(made, point, end_tags):
    def element(name, value):
        return f"<{name}>{value}" + (f"</{name}>" if end_tags else "\n")

    transactions = [
        "<STMTTRN>"
        + element("DTPOSTED", f"{one['day']:%Y%m%d}".rjust(8, "0"))
        + element("TRNAMT", str(one["amount"]).replace(".", point))
        + element("FITID", one["bank_id"])
        + element("NAME", one["name"])
        + "</STMTTRN>"
        for one in made
    ]

    lines = read_lines(ofx, document(statement(*transactions), charset="utf-8"))

    assert [(line.amount, line.booked_on, line.payer_name, line.bank_id) for line in lines] == [
        (one["amount"], one["day"], one["name"], one["bank_id"]) for one in made
    ]


VALID = document(
    statement(
        transaction("<FITID>1\n<NAME>Zo\u00eb\n<MEMO>AT&T <![CDATA[x]]>\n"),
        transaction("<CURRENCY><CURSYM>USD</CURRENCY>\n", amount="-1.234,50"),
        after="<LEDGERBAL><BALAMT>1.00<DTASOF>20260331</LEDGERBAL>",
    )
)


@deterministic
@given(st.integers(0, len(VALID) - len(b"</OFX>\n")))
def test_file_that_is_cut_is_refused(length):
    assert refusal(ofx, VALID[:length])


@deterministic
@given(
    st.lists(
        st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4
    )
)
def test_changed_file_is_read_or_refused_and_nothing_else(changes):
    data = bytearray(VALID)
    for place, removed, added in changes:
        data[place : place + removed] = added

    with suppress(UnreadableStatementError):
        for read, lines in read_all(ofx, bytes(data)):
            assert all(line.amount == line.amount.quantize(Decimal("0.01")) for line in lines if read.currency == "USD")


@deterministic
@given(st.integers(1, 40))
def test_pieces_of_any_size_give_the_same_lines(size):
    class Slow(BytesIO):
        def read(self, _=-1):
            return super().read(size)

    assert [list(read.lines) for read in ofx.read(Slow(VALID))] == [lines for _, lines in read_all(ofx, VALID)]
