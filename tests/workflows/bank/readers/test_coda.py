from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.bank.readers import coda
from workflows.bank.readers.statement import Line, Statement, UnreadableStatementError

HEAD = "0000001012472505        " + "EXAMPLE".ljust(36) + "KREDBEBB   00000000000 00000".ljust(67) + "2"


def balance(kind: str, mills: int, day: str, *, account: str = "BE68539007547034", sign: str = "0") -> str:
    number = "12001" if kind == "1" else "8001"
    return f"{number}{account.ljust(34)}EUR{sign}{mills:015}{day}".ljust(128)


def movement(
    number: int = 1,
    mills: int = 12500,
    *,
    sign: str = "0",
    detail: int = 0,
    kind: str = "0",
    value: str = "020124",
    communication: str = "0INVOICE 100123",
) -> str:
    return (
        f"21{number:04}{detail:04}{'BANKREF'.ljust(21)}{sign}{mills:015}{value}{kind}0150000"
        f"{communication.ljust(54)}0301240010 0"
    )


def second(number: int = 1, *, detail: int = 0, communication: str = "", returned: str = "     ") -> str:
    reference = "CUSTOMER-7".ljust(35)
    return f"22{number:04}{detail:04}{communication.ljust(53)}{reference}{'KREDBEBB'.ljust(14)}{returned}".ljust(128)


def third(number: int = 1, *, detail: int = 0) -> str:
    return f"23{number:04}{detail:04}{'BE22313215646432'.ljust(34)}EUR{'ADA PAYER'.ljust(35)}".ljust(128)


def trailer(records: int, debits: int, credits_: int) -> str:
    return f"9               {records:06}{debits:015}{credits_:015}".ljust(127) + "2"


OLD, NEW = balance("1", 100000, "010124"), balance("8", 112500, "030124")
WHOLE = [HEAD, OLD, movement(), second(), third(), NEW, trailer(5, 0, 12500)]


def read(*records: str) -> list[tuple[Statement, list[Line]]]:
    data = "\r\n".join(records).encode("latin-1")
    return [(statement, list(statement.lines)) for statement in coda.read(io.BytesIO(data))]


def refusal(*records: str) -> UnreadableStatementError:
    with pytest.raises(UnreadableStatementError) as caught:
        read(*records)
    return caught.value


def changed(at: int, record: str) -> list[str]:
    return [*WHOLE[:at], record, *WHOLE[at + 1 :]]


def test_statement_gives_account_balances_period_and_sums():
    ((statement, lines),) = read(*WHOLE)

    assert (statement.account.iban, statement.currency, statement.number) == ("BE68539007547034", "EUR", "001")
    assert (statement.opening, statement.closing) == (Decimal(100), Decimal("112.50"))
    assert (statement.period_start, statement.period_end) == (date(2024, 1, 1), date(2024, 1, 3))
    assert (statement.declared_credits, statement.declared_debits) == (Decimal("12.50"), 0)
    assert len(lines) == 1


def test_movement_gives_days_amount_payer_references_and_text():
    ((_, (line,)),) = read(*WHOLE)

    assert (line.row, line.booked_on, line.value_on) == (3, date(2024, 1, 3), date(2024, 1, 2))
    assert (line.amount, line.text) == (Decimal("12.50"), "INVOICE 100123")
    assert (line.payer_name, line.payer_account) == ("ADA PAYER", "BE22313215646432")
    assert (line.references, line.bank_id, line.is_return) == (("CUSTOMER-7",), "BANKREF", False)


def test_debit_and_overdrawn_balance_are_negative():
    records = [
        HEAD,
        balance("1", 5000, "010124", sign="1"),
        movement(sign="1"),
        balance("8", 17500, "030124", sign="1"),
        trailer(3, 12500, 0),
    ]
    ((statement, (line,)),) = read(*records)

    assert (statement.opening, line.amount, statement.closing) == (Decimal(-5), Decimal("-12.50"), Decimal("-17.50"))


def test_structured_communication_is_a_reference():
    ((_, (line,)),) = read(*changed(2, movement(communication="1101000003505158")))

    assert (line.references, line.text) == (("CUSTOMER-7", "000003505158"), "000003505158")


def test_text_goes_on_in_the_next_records():
    records = [movement(communication="0" + "x" * 53), second(communication="y" * 53)]
    information = ["31" + "0001" + "0001" + "BANKREF".ljust(21) + "00150000" + "0MORE TEXT".ljust(74)]
    ((_, (line,)),) = read(HEAD, OLD, *records, *[each.ljust(128) for each in information], NEW, trailer(5, 0, 12500))

    assert line.text == "x" * 53 + "y" * 53 + "\nMORE TEXT"


def test_communication_that_the_library_drops_is_text():
    """It gives None for terminals and cards (113)."""
    ((_, (line,)),) = read(*changed(2, movement(communication="1113SHOP IN GHENT  1234")))

    assert line.text == "SHOP IN GHENT\n1234"


def test_return_has_its_reason():
    ((_, (line,)),) = read(*changed(3, second(returned="2AC04")))

    assert (line.is_return, line.return_reason) == (True, "AC04")


def test_parts_of_a_total_are_details_and_no_lines():
    records = [
        movement(mills=12500, kind="1"),
        movement(mills=2500, detail=1, kind="5", communication="0ONE"),
        movement(mills=10000, detail=2, kind="5", communication="0TWO"),
    ]
    ((_, (line,)),) = read(HEAD, OLD, *records, NEW, trailer(5, 0, 12500))

    assert line.amount == Decimal("12.50")
    assert [(detail.amount, detail.text) for detail in line.details] == [(Decimal("2.50"), "ONE"), (Decimal(10), "TWO")]


def test_value_date_that_is_not_known_is_none():
    ((_, (line,)),) = read(*changed(2, movement(value="000000")))

    assert (line.value_on, line.booked_on) == (None, date(2024, 1, 3))


def test_account_of_before_iban_gives_one():
    old = f"10001{'539007547034 EUR0BE'.ljust(37)}0{100000:015}010124".ljust(128)
    new = f"8001{'539007547034 EUR0BE'.ljust(37)}0{112500:015}030124".ljust(128)
    ((statement, _),) = read(HEAD, old, *WHOLE[2:5], new, WHOLE[6])

    assert (statement.account.iban, statement.account.number) == ("BE68539007547034", "539007547034")


def test_free_message_is_a_note():
    ((statement, _),) = read(*WHOLE[:6], ("4" + " " * 31 + "A WORD OF THE BANK").ljust(128), WHOLE[6])

    assert statement.notes == ["A WORD OF THE BANK"]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (changed(6, trailer(5, 0, 12510)), "12.51 for credits, and its movements give 12.5"),
        (changed(6, trailer(5, 10, 12500)), "0.01 for debits"),
        (changed(5, balance("8", 112510, "030124")), "112.51 for the new balance, and its movements give 112.5"),
        (changed(6, trailer(6, 0, 12500)), "6 for records, and its movements give 5"),
    ],
)
def test_what_does_not_agree_is_told(records, words):
    error = refusal(*records)

    assert error.row == 7
    assert words in error.detail


@pytest.mark.parametrize(
    ("records", "row"),
    [
        (WHOLE[:6], 6),
        (WHOLE[1:], 1),
        ([*WHOLE[:3], *WHOLE], 4),
        (changed(4, "5" + WHOLE[4][1:]), 5),
        (changed(2, movement(sign="7")), 3),
        (changed(2, movement(kind="9")), 3),
        (changed(2, movement(kind="5")), 3),
        (changed(2, movement(value="320124")), 3),
        (changed(2, movement().replace("000000000012500", "00000000001250l")), 3),
        (changed(2, movement(mills=12501)), 7),
        (changed(3, second(2)), 4),
        (changed(0, HEAD[:-1] + "1"), 1),
        (changed(0, HEAD + "more"), 1),
        (changed(1, OLD.replace("EUR", "USD")), 6),
        ([record.replace("EUR", "EUX") for record in WHOLE], 2),
        ([HEAD, trailer(0, 0, 0)], 2),
        ([HEAD, *[movement()] * 50_010], 50_001),
        (["\0"], 1),
    ],
)
def test_broken_record_is_refused_with_its_row(records, row):
    assert refusal(*records).row == row


def test_amount_with_mills_of_a_euro_is_refused():
    records = changed(2, movement(mills=12505))
    records[5], records[6] = balance("8", 112505, "030124"), trailer(5, 0, 12505)

    assert refusal(*records).row == 7


@pytest.mark.parametrize("text", ["", "hello", "0" * 1_000_000, '<!DOCTYPE x [<!ENTITY a "b">]>'])
def test_what_is_no_coda_is_refused(text):
    assert not coda.sniff(text.encode())
    refusal(text)


def test_coda_is_recognized():
    assert coda.sniff(HEAD.encode())
    assert not coda.sniff(OLD.encode())


made = st.lists(
    st.tuples(
        st.sampled_from("01"),
        st.integers(1, 10**11).map(lambda cents: cents * 10),
        st.dates(date(2000, 1, 1), date(2060, 1, 1)),
    ),
    max_size=6,
)


def written(movements: list) -> list[str]:
    credits_ = sum(mills for sign, mills, _ in movements if sign == "0")
    debits = sum(mills for sign, mills, _ in movements if sign == "1")
    closing = 100000 + credits_ - debits
    records = [HEAD, OLD]
    for number, (sign, mills, day) in enumerate(movements, 1):
        records += [movement(number, mills, sign=sign, value=f"{day:%d%m%y}"), third(number)]
    new = balance("8", abs(closing), "030124", sign="0" if closing >= 0 else "1")
    return [*records, new, trailer(len(records), debits, credits_)]


@given(made)
def test_what_was_written_is_read(movements):
    ((statement, lines),) = read(*written(movements))

    assert [(line.amount, line.value_on) for line in lines] == [
        (Decimal(mills if sign == "0" else -mills) / 1000, day) for sign, mills, day in movements
    ]
    assert statement.opening + sum(line.amount for line in lines) == statement.closing


@given(made.filter(bool), st.data())
def test_damaged_file_is_refused_or_keeps_its_amounts(movements, data):
    whole = "\n".join(written(movements)).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([data.draw(st.integers(0, 255))])
    damaged = data.draw(
        st.sampled_from([whole[:at], whole[:at] + other + whole[at + 1 :], whole[:at] + other + whole[at:]])
    )

    try:
        statements = [(each, list(each.lines)) for each in coda.read(io.BytesIO(damaged))]
    except UnreadableStatementError:
        return

    ((_, lines),) = statements
    assert [line.amount for line in lines] == [
        Decimal(mills if sign == "0" else -mills) / 1000 for sign, mills, _ in movements
    ]
