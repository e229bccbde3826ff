from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.bank.readers.reading import read_all, read_lines, refusal
from workflows.bank.arithmetic import Arithmetic
from workflows.bank.readers import find_reader, ocrgiro
from workflows.bank.readers.statement import UnreadableStatementError

START = "NY000010" + "00008080" + "1234567" + "00123456"
ASSIGNMENT = "NY090020" + "001234567" + "0000001" + "86011117947"


def payment(
    number: int = 1, *, ore: int = 12500, kid: str = "0012345", kind: str = "10", sign: str = "0", day: str = "130526",
    payer: str = "99990512341",
) -> list[str]:  # fmt: skip
    return [
        f"NY09{kind}30{number:07}{day}01{13:02}1{number:05}{sign}{ore:017}{kid:>25}000000",
        f"NY09{kind}31{number:07}{1:010}{99038562:09}0000000{day}{payer}",
    ]


def text(number: int, words: str, *, kind: str = "21") -> str:
    return f"NY09{kind}32{number:07}{words:40}"


def end(transactions: int, records: int, ore: int, *, kind: str = "0988") -> str:
    days = "130526130526140526" if kind == "0988" else "130526"
    return f"NY{kind[:2]}00{kind[2:]}{transactions:08}{records:08}{ore:017}{days}"


def file(*transactions: str, count: int = 1, ore: int = 12500) -> bytes:
    """One assignment. Filled up with zeros, as Nets does."""
    records = len(transactions) + 2
    rows = [START, ASSIGNMENT, *transactions, end(count, records, ore), end(count, records + 2, ore, kind="0089")]
    return "\r\n".join(row.ljust(80, "0") for row in rows).encode("latin-1") + b"\r\n"


ONE = file(*payment())


def test_payment_gives_day_amount_kid_and_payer():
    [(statement, [line])] = read_all(ocrgiro, ONE)

    assert (statement.account.iban, statement.account.number) == ("NO9386011117947", "86011117947")
    assert (statement.currency, statement.number) == ("NOK", "1")
    assert (statement.period_start, statement.period_end) == (date(2026, 5, 13), date(2026, 5, 14))
    assert (line.row, line.booked_on, line.amount) == (3, date(2026, 5, 13), Decimal("125.00"))
    assert (line.references, line.text) == (("0012345",), "0012345")
    assert (line.payer_account, line.bank_id, line.is_return) == ("99990512341", "099038562", False)


def test_totals_of_the_assignment_make_it_add_up():
    [(statement, lines)] = read_all(ocrgiro, file(*payment(1), *payment(2, ore=50), count=2, ore=12550))
    sums = Arithmetic()
    for line in lines:
        sums.add(line)

    assert (statement.declared_lines, statement.declared_credits) == (2, Decimal("125.50"))
    assert sums.check(statement) == (True, None)


def test_free_text_stands_with_its_payment():
    [line] = read_lines(ocrgiro, file(*payment(kind="21", kid=""), text(1, "For Åse"), text(1, "  in May")))

    assert (line.text, line.references) == ("For Åse\nin May", ())


@pytest.mark.parametrize("total", [2500, 22500], ids=["net", "without signs"])
def test_reversal_is_money_that_goes_back(total):
    rows = [*payment(1), *payment(2, ore=10000, kind="18", sign="-")]
    [(statement, lines)] = read_all(ocrgiro, file(*rows, count=2, ore=total))

    assert [(line.amount, line.is_return) for line in lines] == [(Decimal(125), False), (Decimal(-100), True)]
    assert lines[1].return_reason == "reversing with KID"
    assert (statement.declared_lines, statement.declared_credits) == (2, None)


def test_several_assignments_are_several_statements():
    other = [ASSIGNMENT.replace("86011117947", "86011117955"), *payment(1, ore=1), end(1, 4, 1)]
    rows = [START, ASSIGNMENT, *payment(), end(1, 4, 12500), *other, end(2, 10, 12501, kind="0089")]
    found = read_all(ocrgiro, "\n".join(rows).encode())  # without the zeros behind

    assert [statement.account.number for statement, _ in found] == ["86011117947", "86011117955"]
    assert [line.amount for _, lines in found for line in lines] == [Decimal(125), Decimal("0.01")]


def test_account_that_is_not_known_is_empty():
    assert read_lines(ocrgiro, file(*payment(payer="0" * 11)))[0].payer_account == ""


@pytest.mark.parametrize(("day", "year"), [("310169", 2069), ("310170", 1970), ("310199", 1999)])
def test_two_digits_of_a_year_are_of_1970_to_2069(day, year):
    assert read_lines(ocrgiro, file(*payment(day=day)))[0].booked_on.year == year


@pytest.mark.parametrize(
    ("data", "words", "row"),
    [
        (file(*payment(), count=2), "2 transactions", 5),
        (file(*payment(), ore=12501), "a total of 125.01", 5),
        (ONE.replace(b"0000000100000004", b"0000000100000005"), "5 records", 5),
        (ONE.replace(b"0000000100000006", b"0000000100000007"), "7 records", 6),
        (ONE[: ONE.rindex(b"NY")], "ends too early", None),
        (ONE[: ONE.index(b"NY0900880")], "ends too early", None),
        (ONE + ONE, "behind the end", 7),
        (file(*payment()[:1]), "31 is expected", 4),
        (file(*payment()[1:]), "30 or 88 is expected", 3),
        (file(payment(1)[0], payment(2)[1]), "another transaction", 4),
        (file(*payment(), text(2, "x")), "another transaction", 5),
        (file(*payment(sign="-")), "sign", 3),
        (file(*payment(kind="18")), "sign", 3),
        (file(*payment(sign="+")), "sign", 3),
        (file(*payment(kind="22")), "no type", 3),
        (file(*payment(day="310226")), "no day", 3),
        (file(*payment(payer="9999051234x")), "11 digits", 4),
        (ONE.replace(b"00000000000012500", b"0000000000001250x", 1), "not digits", 3),
        (ONE.replace(b"00000000000012500", b"99999999999999999"), "cannot be kept|no amount", 3),
        (ONE.replace(b"NY090020", b"NY210020"), "another than OCR giro", 2),
        (ONE.replace(b"NY0910", b"XY0910", 1), "begins with NY", 3),
        (ONE.replace(b"\r\nNY0910", b"x\r\nNY0910", 1), "80 signs", 2),
        (b"NY000010", "is expected|digits|early", None),
        (file(*payment(kid="001\x0045")), "NUL", 3),
    ],
)
def test_what_is_wrong_is_refused_with_its_row(data, words, row):
    error = refusal(ocrgiro, data)

    assert any(word in error.detail for word in words.split("|")), error.detail
    assert error.row == row or row is None


def test_content_finds_the_reader():
    assert find_reader(ONE) is ocrgiro
    assert find_reader(b"NY and what else") is None


@given(cut=st.integers(0, len(ONE) - 1))
def test_file_that_was_cut_is_never_read_whole(cut):
    if ONE[cut:].strip(b"\r\n0"):  # more than zeros is gone
        refusal(ocrgiro, ONE[:cut])


@given(place=st.integers(0, len(ONE) - 1), sign=st.integers(0, 255))
def test_changed_byte_is_read_or_refused_and_nothing_else(place, sign):
    data = ONE[:place] + bytes([sign]) + ONE[place + 1 :]
    try:
        lines = read_lines(ocrgiro, data)
    except UnreadableStatementError:
        return
    assert [line.amount for line in lines] == [Decimal(125)]
