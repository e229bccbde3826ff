from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.bank.readers import bai2
from workflows.bank.readers.statement import Line, Statement, UnreadableStatementError

FILE, GROUP = "01,BANK,ME,240103,0700,1,80,1,2/", "02,ME,026015079,1,240102,2359,USD,2/"
ENDS = ["98,0,1,4/", "99,0,1,6/"]


def account(control: int, *transactions: str, head: str = "03,123 456,,010,+10000,,,015,11250,,/") -> list[str]:
    return [FILE, GROUP, head, *transactions, f"49,{control},3/", *ENDS]


WHOLE = account(22500, "16,165,1250,V,240104,,BANK-1,CUSTOMER-1,Invoice 100123, thanks/")


def read(*records: str) -> list[tuple[Statement, list[Line]]]:
    return [(each, list(each.lines)) for each in bai2.read(io.BytesIO("\r\n".join(records).encode()))]


def read_line(*transaction: str, control: int = 22500) -> Line:
    ((_, (line,)),) = read(*account(control, *transaction))
    return line


def refusal(*records: str) -> UnreadableStatementError:
    with pytest.raises(UnreadableStatementError) as caught:
        read(*records)
    return caught.value


def test_account_gives_balances_currency_and_day():
    ((statement, lines),) = read(*WHOLE)

    assert (statement.account.number, statement.account.bank) == ("123456", "026015079")
    assert (statement.currency, statement.opening, statement.closing) == ("USD", Decimal(100), Decimal("112.50"))
    assert (statement.period_start, statement.period_end) == (date(2024, 1, 2), date(2024, 1, 2))
    assert len(lines) == 1


def test_transaction_gives_days_amount_references_and_text():
    ((_, (line,)),) = read(*WHOLE)

    assert (line.row, line.booked_on, line.value_on) == (4, date(2024, 1, 2), date(2024, 1, 4))
    assert (line.amount, line.text) == (Decimal("12.50"), "Invoice 100123, thanks")
    assert (line.references, line.bank_id) == (("CUSTOMER-1",), "BANK-1")
    assert (line.pending, line.is_return) == (False, False)


@pytest.mark.parametrize(
    ("code", "sign"), [("100", 1), ("399", 1), ("400", -1), ("699", -1), ("920", 1), ("959", 1), ("960", -1)]
)
def test_type_gives_the_sign(code, sign):
    assert read_line(f"16,{code},1250,Z,,,text").amount == sign * Decimal("12.50")


@pytest.mark.parametrize("funds", ["", "Z", "0", "1", "2", "S,1,2,3", "V,240104,", "V,,", "D,2,0,1,1,1249"])
def test_funds_fields_are_passed_over(funds):
    line = read_line(f"16,165,1250,{funds},BANK-1,CUSTOMER-1,text")

    assert (line.bank_id, line.references, line.text) == ("BANK-1", ("CUSTOMER-1",), "text")


def test_funds_type_that_announces_more_fields_than_there_are_leaves_the_rest_empty():
    line = read_line("16,165,1250,D,999,BANK-1,CUSTOMER-1,text/")

    assert (line.amount, line.bank_id, line.text) == (Decimal("12.50"), "", "")


def test_text_is_in_the_continuations():
    line = read_line("16,165,1250,,,/", "88,one, with a comma", "88,https://example.test/two/")

    assert line.text == "one, with a comma\nhttps://example.test/two"


def test_fields_go_on_in_a_continuation():
    ((statement, (line,)),) = read(
        *account(
            22500,
            "16,165,1250,S,100/",
            "88,200,950,BANK-1,CUSTOMER-1,text",
            head="03,1,,010,10000,,,015/\r\n88,11250,,/",
        )
    )

    assert (statement.closing, line.bank_id, line.text) == (Decimal("112.50"), "BANK-1", "text")


def test_summaries_are_declared():
    head = "03,1,USD,010,10000,,,015,11250,,,100,1250,00001,V,240102,,400,0,0,/"
    ((statement, _),) = read(*account(23750, "16,165,1250,,,/", head=head))

    assert (statement.declared_lines, statement.declared_credits, statement.declared_debits) == (1, Decimal("12.50"), 0)


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1250"), ("KWD", "1.250"), ("USD", "12.50"), ("", "12.50")])
def test_amount_is_in_minor_units_of_the_currency(currency, amount):
    records = account(1250, "16,165,1250,,,/", head=f"03,1,{currency}/")
    ((statement, (line,)),) = read(*records)

    assert (line.amount, statement.currency) == (Decimal(amount), currency or "USD")


def test_currency_of_the_group_is_that_of_its_accounts():
    records = account(1250, "16,165,1250,,,/", head="03,1,/")
    records[1] = GROUP.replace("USD", "GBP")

    assert read(*records)[0][0].currency == "GBP"


@pytest.mark.parametrize(
    ("transaction", "reason"),
    [
        ("16,557,1250,,,,ACH return, Reason: R02/", "R02"),
        ("16,555,1250,,,,Deposit/", ""),
        ("16,409,1250,,,,RETURNED CHEQUE  /", ""),
    ],
)
def test_what_comes_back_is_a_return(transaction, reason):
    line = read_line(transaction)

    assert (line.is_return, line.return_reason, line.amount) == (True, reason, Decimal("-12.50"))


def test_information_without_money_is_no_line():
    ((_, lines),) = read(*account(21250, "16,890,,,,,hello/"))

    assert lines == []


def test_interim_report_of_today_is_pending():
    records = list(WHOLE)
    records[1] = GROUP.replace(",2/", ",3/")

    assert [line.pending for _, lines in read(*records) for line in lines] == [True]


def test_two_accounts_of_one_group():
    assert len(read(FILE, GROUP, *WHOLE[2:5], *WHOLE[2:5], *ENDS)) == 2


@pytest.mark.parametrize(
    ("records", "row", "column"),
    [
        (account(22501, WHOLE[3]), 5, "control total"),
        (account(22500, "16,165,12.50,,,/"), 4, "amount"),
        (account("22501\x1f", WHOLE[3]), 5, "control total"),
        (account(22500, "16,165,-1250,,,/"), 4, "amount"),
        (account(21250, "16,165,,,,/"), 4, "amount"),
        (account(22500, "16,165,1250,X,,/"), 4, "funds type"),
        (account(22500, "16,700,1250,,,/"), 4, "type code"),
        (account(22500, "16,1O5,1250,,,/"), 4, "type code"),
        (account(22500, "16,165,1250,V,241301,,,,x/"), 4, "value date"),
        (account(2**80, f"16,165,{2**80},,,/"), 4, "amount"),
        (account(0, head="03,1,EUX/"), 3, "currency"),
        (account(0, head="03,1,USD,10,1,,/"), 3, "type code"),
        (account(0, head="03,1,USD,010,NaN,,/"), 3, "010"),
        ([FILE, GROUP.replace(",1,", ",4,"), *WHOLE[2:]], 2, "group status"),
        ([FILE, GROUP.replace("240102", "24AB02"), *WHOLE[2:]], 2, "as-of date"),
        ([FILE, WHOLE[2]], 2, "record"),
        ([FILE, GROUP, WHOLE[3]], 3, "record"),
        (WHOLE[:4], 4, "record"),
        (WHOLE[:5], 5, "record"),
        ([*WHOLE[:3], GROUP], 4, "record"),
        ([*WHOLE[:3], "17,1/"], 4, "record"),
        ([*WHOLE[:4], *["88,x"] * 600], 4, "record"),
        (account(22500, "16,165,1250,,,,x/", *["88," + "x" * 900] * 30), 4, "text"),
    ],
)
def test_broken_record_is_refused_with_row_and_column(records, row, column):
    error = refusal(*records)

    assert (error.row, error.column) == (row, column)


@pytest.mark.parametrize("text", ["", "hello", "01\0", "01," * 100_000, '<!DOCTYPE x [<!ENTITY a "b">]>'])
def test_what_is_no_bai2_is_refused(text):
    assert not bai2.sniff(text.encode()) or text.startswith("01,01")
    refusal(text)


def test_bai2_is_recognized():
    assert bai2.sniff(FILE.encode())
    assert not bai2.sniff(b"01/02/2024,text,1.00")


made = st.lists(st.tuples(st.sampled_from(["165", "475"]), st.integers(1, 10**12)), max_size=6)


def signed(code: str, cents: int) -> Decimal:
    return Decimal(cents if code == "165" else -cents) / 100


def written(transactions: list) -> list[str]:
    closing = 10000 + sum(cents if code == "165" else -cents for code, cents in transactions)
    return account(
        10000 + closing + sum(cents for _, cents in transactions),
        *[f"16,{code},{cents},Z,BANK,ME,text {number}/" for number, (code, cents) in enumerate(transactions)],
        head=f"03,1,USD,010,10000,,,015,{closing},,/",
    )


@given(made)
def test_what_was_written_is_read(transactions):
    ((statement, lines),) = read(*written(transactions))

    assert [line.amount for line in lines] == [signed(code, cents) for code, cents in transactions]
    assert statement.opening + sum(line.amount for line in lines) == statement.closing


@given(made.filter(bool), st.data())
def test_damaged_file_is_refused_or_does_not_add_up_or_keeps_its_amounts(transactions, data):
    whole = "\n".join(written(transactions)).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([data.draw(st.integers(0, 255))])
    damaged = data.draw(
        st.sampled_from([whole[:at], whole[:at] + other + whole[at + 1 :], whole[:at] + other + whole[at:]])
    )

    try:
        statements = [(each, list(each.lines)) for each in bai2.read(io.BytesIO(damaged))]
    except UnreadableStatementError:
        return

    for statement, lines in statements:
        amounts = [line.amount for line in lines]
        adds_up = None not in (statement.opening, statement.closing) and (
            statement.opening + sum(amounts) == statement.closing
        )
        if adds_up and statement.currency == "USD":
            assert amounts == [signed(code, cents) for code, cents in transactions]


def test_lines_come_before_the_file_was_read_to_its_end():
    stream = io.BytesIO("\n".join(account(0, *["16,165,1250,Z,BANK,ME,text/"] * 20_000)).encode())
    statement = next(bai2.read(stream))

    next(statement.lines)

    assert stream.tell() < 150_000
