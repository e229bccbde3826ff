from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.bank.readers import norma43
from workflows.bank.readers.statement import Line, Statement, UnreadableStatementError

HEAD = "11210004180200051332240101240131200000000010000" + "978" + "3EXAMPLE COMPANY"


def movement(*, sign: str = "2", cents: int = 1250, concept: str = "04", days: str = "240102240103") -> str:
    return f"22    0418{days}{concept}007{sign}{cents:014}{7:010}REFERENCE001REFERENCE 2     "


def final(*, debits: tuple[int, int] = (0, 0), credits_: tuple[int, int] = (1, 1250), cents: int = 11250) -> str:
    return (
        f"33210004180200051332{debits[0]:05}{debits[1]:014}{credits_[0]:05}{credits_[1]:014}"
        f"{'1' if cents < 0 else '2'}{abs(cents):014}978    "
    )


def end(count: int) -> str:
    return f"88{'9' * 18}{count:06}"


WHOLE = [HEAD, movement(), "2301EXAMPLE PERSON                        INVOICE 100123", final(), end(4)]


def read(*records: str, charset: str = "latin-1") -> list[tuple[Statement, list[Line]]]:
    data = "\r\n".join(records).encode(charset)
    return [(statement, list(statement.lines)) for statement in norma43.read(io.BytesIO(data))]


def refusal(*records: str) -> UnreadableStatementError:
    with pytest.raises(UnreadableStatementError) as caught:
        read(*records)
    return caught.value


def test_account_gives_balances_period_and_what_it_declares():
    ((statement, lines),) = read(*WHOLE)

    assert (statement.account.bank, statement.account.number) == ("2100", "0200051332")
    assert statement.account.iban == "ES9121000418450200051332"
    assert (statement.currency, statement.opening, statement.closing) == ("EUR", Decimal(100), Decimal("112.50"))
    assert (statement.period_start, statement.period_end) == (date(2024, 1, 1), date(2024, 1, 31))
    assert (statement.declared_lines, statement.declared_credits, statement.declared_debits) == (1, Decimal("12.50"), 0)
    assert (len(lines), statement.notes) == (1, [])


def test_movement_gives_days_amount_references_and_text():
    ((_, (line,)),) = read(*WHOLE)

    assert (line.row, line.booked_on, line.value_on) == (2, date(2024, 1, 2), date(2024, 1, 3))
    assert line.amount == Decimal("12.50")
    assert (line.references, line.bank_id) == (("REFERENCE001", "REFERENCE 2"), "0000000007")
    assert line.text == "REFERENCE001REFERENCE 2\nEXAMPLE PERSON\nINVOICE 100123"
    assert not line.is_return


def test_debit_is_negative():
    ((_, (line,)),) = read(HEAD, movement(sign="1"))

    assert line.amount == Decimal("-12.50")


def test_overdrawn_account_has_a_negative_balance():
    ((statement, _),) = read(HEAD[:32] + "1" + HEAD[33:])

    assert statement.opening == Decimal(-100)


@pytest.mark.parametrize(("concept", "is_return"), [("14", True), ("98", True), ("04", False)])
def test_concept_says_what_comes_back(concept, is_return):
    ((_, (line,)),) = read(HEAD, movement(concept=concept))

    assert (line.is_return, bool(line.return_reason)) == (is_return, is_return)


def test_amount_in_another_currency_is_what_was_instructed():
    ((_, (line,)),) = read(HEAD, movement(), f"2401840{1400:014}")

    assert line.instructed == (Decimal("14.00"), "USD")


def test_file_that_was_cut_off_is_read_without_a_closing_balance():
    ((statement, lines),) = read(*WHOLE[:3])

    assert (len(lines), statement.closing) == (1, None)
    assert "cut off" in statement.notes[0]


def test_sign_zero_stands_where_there_is_nothing():
    ((_, (line,)),) = read(HEAD, movement(sign="0", cents=0))

    assert line.amount == 0


@pytest.mark.parametrize("charset", ["latin-1", "utf-8"])
def test_letters_outside_ascii_keep_their_columns(charset):
    ((_, (line,)),) = read(HEAD, movement(), "2301" + "ÑANDÚ".ljust(38) + "FIN", charset=charset)

    assert line.text.splitlines()[1:] == ["ÑANDÚ", "FIN"]


def test_two_accounts_in_one_file():
    other = HEAD.replace("0200051332", "0200051333")
    statements = read(HEAD, movement(), final(), other, end(4))

    assert [statement.account.number for statement, _ in statements] == ["0200051332", "0200051333"]


@pytest.mark.parametrize("count", [4, 5])
def test_declared_records_may_count_the_last_one(count):
    assert len(read(*WHOLE[:4], end(count))) == 1


@pytest.mark.parametrize(
    ("records", "row", "column"),
    [
        ([HEAD, movement().replace("00000000001250", "0000000000l250")], 2, "amount"),
        ([HEAD, movement()[:36]], 2, "amount"),
        ([HEAD, movement(sign="7")], 2, "amount"),
        ([HEAD, movement(sign="0")], 2, "amount"),
        ([HEAD, movement(days="249902240103")], 2, "day of the operation"),
        ([HEAD, movement(days="240102240230")], 2, "value date"),
        ([movement()], 1, "record"),
        ([HEAD, "77" + movement()[2:]], 2, "record"),
        ([HEAD, final(), movement()], 3, "record"),
        ([HEAD, "2301TEXT"], 2, "record"),
        ([HEAD.replace("978", "999")], 1, "currency"),
        ([HEAD.replace("978", "392"), movement()], 2, "amount"),  # yen have no cents
        ([HEAD.replace("2100", "21O0")], 1, "account"),
        ([HEAD, final().replace("0200051332", "0200051333")], 2, "account"),
        ([HEAD, final().replace("978", "840")], 2, "currency"),
        ([*WHOLE[:4], end(3)], 5, "count of records"),
        ([*WHOLE, HEAD], 6, "record"),
        ([HEAD, movement(), *["2301TEXT"] * 60], 53, "record"),
        ([HEAD, movement(), "2301" + "x" * 25_000], 2, "concept"),
    ],
)
def test_broken_record_is_refused_with_row_and_column(records, row, column):
    error = refusal(*records)

    assert (error.row, error.column) == (row, column)


@pytest.mark.parametrize("text", ["", "hello", "11\0", "1" * 1_000_000, '<!DOCTYPE x [<!ENTITY a "b">]>'])
def test_what_is_no_norma43_is_refused(text):
    assert not norma43.sniff(text.encode()) or text.startswith("11111")
    refusal(text)


def test_norma43_is_recognized():
    assert norma43.sniff(HEAD.encode())
    assert not norma43.sniff(WHOLE[1].encode())


made = st.lists(
    st.tuples(st.sampled_from("12"), st.integers(1, 10**12), st.dates(date(2001, 1, 1), date(2079, 12, 31)))
)


def written(movements: list) -> list[str]:
    debits = [cents for sign, cents, _ in movements if sign == "1"]
    credits_ = [cents for sign, cents, _ in movements if sign == "2"]
    closing = 10000 + sum(credits_) - sum(debits)
    records = [HEAD]
    for sign, cents, day in movements:
        records += [movement(sign=sign, cents=cents, days=f"{day:%y%m%d}{day:%y%m%d}"), "2301SOMEBODY"]
    totals = {"debits": (len(debits), sum(debits)), "credits_": (len(credits_), sum(credits_))}
    return [*records, final(**totals, cents=closing), end(len(records) + 1)]


@given(made)
def test_what_was_written_is_read(movements):
    ((statement, lines),) = read(*written(movements))

    assert [(line.amount, line.booked_on) for line in lines] == [
        (Decimal(cents if sign == "2" else -cents) / 100, day) for sign, cents, day in movements
    ]
    assert statement.opening + sum(line.amount for line in lines) == statement.closing


@given(made.filter(bool), st.data())
def test_damaged_file_is_refused_or_does_not_add_up_or_keeps_its_amounts(movements, data):
    whole = "\n".join(written(movements)).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([data.draw(st.integers(0, 255))])
    damaged = data.draw(
        st.sampled_from([whole[:at], whole[:at] + other + whole[at + 1 :], whole[:at] + other + whole[at:]])
    )

    try:
        statements = [(each, list(each.lines)) for each in norma43.read(io.BytesIO(damaged))]
    except UnreadableStatementError:
        return

    for statement, lines in statements:
        amounts = [line.amount for line in lines]
        if None not in (statement.opening, statement.closing) and statement.opening + sum(amounts) == statement.closing:
            assert amounts == [Decimal(cents if sign == "2" else -cents) / 100 for sign, cents, _ in movements]


def test_lines_come_before_the_file_was_read_to_its_end():
    stream = io.BytesIO("\n".join([HEAD, *[movement()] * 20_000]).encode())
    statement = next(norma43.read(stream))

    next(statement.lines)

    assert stream.tell() < 150_000
