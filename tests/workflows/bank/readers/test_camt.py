from __future__ import annotations

import tracemalloc
from contextlib import suppress
from datetime import date
from decimal import Decimal
from io import BytesIO
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hypothesis_profile import deterministic
from tests.workflows.bank.readers.reading import read_all, read_lines, refusal
from workflows.bank.readers import camt
from workflows.bank.readers.statement import AccountIdentifier, UnreadableStatementError

MESSAGES = {
    "053": ("BkToCstmrStmt", "Stmt"),
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
ACCOUNT = "<Acct><Id><IBAN>DE02100100100006820101</IBAN></Id><Ccy>EUR</Ccy></Acct>"


def amount(value="10.00", currency="EUR", name="Amt"):
    return f'<{name} Ccy="{currency}">{value}</{name}>'


def entry(*more, value="10.00", sign="CRDT", status="<Sts>BOOK</Sts>", day="2026-03-04", currency="EUR"):
    booked = f"<BookgDt><Dt>{day}</Dt></BookgDt>" if day else ""
    return f"<Ntry>{amount(value, currency)}<CdtDbtInd>{sign}</CdtDbtInd>{status}{booked}{''.join(more)}</Ntry>"


def details(*transactions):
    return f"<NtryDtls>{''.join(f'<TxDtls>{inner}</TxDtls>' for inner in transactions)}</NtryDtls>"


def balance(code, value, *, sign="CRDT", currency="EUR", day="2026-03-04", subtype=""):
    more = f"<SubTp><Cd>{subtype}</Cd></SubTp>" if subtype else ""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry>{more}</Tp>{amount(value, currency)}"
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def statement(*parts, head="<Id>1</Id>" + ACCOUNT, kind="053"):
    name = MESSAGES[kind][1]
    return f"<{name}>{head}{''.join(parts)}</{name}>"


def document(*statements, kind="053", version="08", charset="UTF-8", declared=None):
    message = MESSAGES[kind][0] + ("V01" if version == "01" else "")
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"
    text = (
        f'<?xml version="1.0" encoding="{declared or charset}"?><Document xmlns="{namespace}"><{message}>'
        f"<GrpHdr><MsgId>M</MsgId></GrpHdr>{''.join(statements)}</{message}></Document>"
    )
    return text.encode(charset)


def only_line(*more, **values):
    [line] = read_lines(camt, document(statement(entry(*more, **values))))
    return line


def only_statement(*parts, **values):
    [(read, _)] = read_all(camt, document(statement(*parts, **values)))
    return read


# Versions


@pytest.mark.parametrize("version", [f"{number:02}" for number in range(1, 14)])
@pytest.mark.parametrize("kind", ["052", "053", "054"])
def test_message_of_any_version_is_read(kind, version):
    status = "<Sts>BOOK</Sts>" if version < "08" else "<Sts><Cd>BOOK</Cd></Sts>"
    data = document(statement(entry(status=status), kind=kind), kind=kind, version=version)

    [(read, [line])] = read_all(camt, data)

    assert camt.sniff(data)
    assert (line.row, line.booked_on, line.amount, line.pending) == (1, date(2026, 3, 4), Decimal("10.00"), False)
    assert read.account == AccountIdentifier(iban="DE02100100100006820101")
    assert read.currency == "EUR"


def test_prefix_and_missing_namespace_change_nothing():
    plain = b"<Document><BkToCstmrStmt>" + statement(entry()).encode() + b"</BkToCstmrStmt></Document>"
    prefixed = plain.replace(b"</", b"</a:").replace(b"<", b"<a:").replace(b"<a:/a:", b"</a:")
    prefixed = prefixed.replace(b"<a:Document", b'<a:Document xmlns:a="urn:x"', 1)

    assert camt.sniff(prefixed)
    assert read_lines(camt, plain) == read_lines(camt, prefixed)


def test_message_within_an_envelope_is_read():
    inner = document(statement(entry())).partition(b"?>")[2]

    assert len(read_lines(camt, b"<Envelope><AppHdr><Id>1</Id></AppHdr>" + inner + b"</Envelope>")) == 1


def test_transactions_of_version_01_stand_beside_the_entry():
    first, second = (f"<TxDtls><Refs><EndToEndId>E{number}</EndToEndId></Refs></TxDtls>" for number in (1, 2))
    old = entry("<Btch><NbOfTxs>2</NbOfTxs></Btch>", first, second)

    [line] = read_lines(camt, document(statement(old), version="01"))

    assert [detail.references for detail in line.details] == [("E1",), ("E2",)]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<Document><CstmrCdtTrfInitn>",
        b"Buchungstag;Betrag\nBkToCstmrStmt;1",
        b"OFXHEADER:100",
        b"\xff\xfe\0\0",
        b"PK\x03\x04",
    ],
)
def test_other_files_are_not_taken_for_camt(head):
    assert not camt.sniff(head)


# Status


@pytest.mark.parametrize(("status", "pending"), [("BOOK", False), ("PDNG", True), ("FUTR", True)])
@pytest.mark.parametrize("form", ["<Sts>{}</Sts>", "<Sts><Cd>{}</Cd></Sts>"])
def test_status_says_whether_a_line_is_booked(status, pending, form):
    assert only_line(status=form.format(status)).pending is pending


def test_entry_for_information_is_no_line():
    [(read, lines)] = read_all(camt, document(statement(entry(status="<Sts>INFO</Sts>"), entry())))

    assert [line.row for line in lines] == [2]
    assert "Entry 1 is left out" in read.notes[0]


@pytest.mark.parametrize("status", ["", "<Sts>BOOKED</Sts>", "<Sts><Prtry>BOOK</Prtry></Sts>"])
def test_unknown_status_refuses_the_file(status):
    error = refusal(camt, document(statement(entry(), entry(status=status))))

    assert (error.row, error.column) == (2, "Sts")


# Amounts


@pytest.mark.parametrize(("sign", "expected"), [("CRDT", "10.00"), ("DBIT", "-10.00")])
@pytest.mark.parametrize("reversal", ["true", "1", "false"])
def test_sign_is_the_indicator_of_the_entry_alone(sign, expected, reversal):
    line = only_line(f"<RvslInd>{reversal}</RvslInd>", sign=sign)

    assert line.amount == Decimal(expected)
    assert line.is_return is (reversal != "false")


def test_amount_is_the_booked_one_and_the_instructed_is_told_apart():
    inner = f"<AmtDtls><InstdAmt>{amount('100.00', 'USD')}</InstdAmt><TxAmt>{amount('92.10')}</TxAmt></AmtDtls>"

    line = only_line(details(inner), value="92.10")

    assert (line.amount, line.instructed) == (Decimal("92.10"), (Decimal("100.00"), "USD"))


def test_instructed_amount_equal_to_the_booked_one_says_nothing():
    assert only_line(details(f"<AmtDtls><InstdAmt>{amount()}</InstdAmt></AmtDtls>")).instructed is None


def test_unreadable_instructed_amount_refuses_nothing():
    assert only_line(details(f"<AmtDtls><InstdAmt>{amount('about 5')}</InstdAmt></AmtDtls>")).instructed is None


def test_transaction_of_another_amount_is_noted():
    assert only_line(details(amount("105.75") + "<CdtDbtInd>CRDT</CdtDbtInd>")).notes == (
        "The transaction inside is of 105.75.",
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "NaN",
        "Infinity",
        "1e3",
        "1_000",
        "10,00",
        "-10.00",
        "9223372036854775808",
        "10.001",
        "\u0661\u0660",
        "10.00 EUR",
    ],
)
def test_amount_that_is_none_refuses_the_file(value):
    error = refusal(camt, document(statement(entry(), entry(value=value))))

    assert (error.row, error.column) == (2, "Amt")


def test_zeros_beyond_the_minor_units_are_cut():
    assert str(only_line(value="8.8500").amount) == "8.85"


@pytest.mark.parametrize("broken", ["<Amt>10.00</Amt>", amount() + amount("11.00"), "", amount(currency="XXX")])
def test_entry_without_exactly_one_amount_and_currency_is_refused(broken):
    data = document(statement(f"<Ntry>{broken}<CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts></Ntry>"))

    assert refusal(camt, data).column == "Amt"


@pytest.mark.parametrize("sign", ["", "C", "CRDT DBIT"])
def test_entry_without_a_sign_is_refused(sign):
    assert refusal(camt, document(statement(entry(sign=sign)))).column == "CdtDbtInd"


def test_element_within_an_amount_is_refused():
    assert refusal(camt, document(statement(entry(value="1<x/>0.00")))).row == 1
    assert refusal(camt, document(statement(entry(value="<x/>10.00")))).row == 1


def test_comment_within_an_amount_changes_nothing():
    assert only_line(value="1<!-- 9 -->0.00").amount == Decimal("10.00")


def test_booked_entry_in_another_currency_is_refused():
    error = refusal(camt, document(statement(entry(), entry(currency="USD"))))

    assert (error.row, error.column) == (2, "Amt")


def test_pending_entry_in_another_currency_is_left_out():
    pending = entry(currency="USD", status="<Sts>PDNG</Sts>")
    [(read, lines)] = read_all(camt, document(statement(pending, entry())))

    assert [line.row for line in lines] == [2]
    assert "USD" in read.notes[0]


def test_currency_is_that_of_the_first_entry_where_the_account_has_none():
    [(read, _)] = read_all(camt, document(statement(entry(currency="SEK"), head="<Id>1</Id>")))

    assert read.currency == "SEK"


# Batches


def test_batch_is_one_line_with_its_transactions():
    first = f"<Refs><EndToEndId>E1</EndToEndId></Refs>{amount('7.50')}<CdtDbtInd>CRDT</CdtDbtInd>"
    second = f"<AmtDtls><TxAmt>{amount('2.50')}</TxAmt></AmtDtls><RmtInf><Ustrd>INV-2</Ustrd></RmtInf>"

    line = only_line(details(first, second), "<AddtlNtryInf>Batch of March</AddtlNtryInf>")

    assert line.text == "Batch of March"
    assert [detail.amount for detail in line.details] == [Decimal("7.50"), Decimal("2.50")]
    assert [detail.text for detail in line.details] == ["E1", "INV-2"]
    assert line.references == ()


def test_transaction_of_a_batch_has_the_sign_of_the_entry_unless_its_own():
    line = only_line(details(amount("12.00"), amount("2.00") + "<CdtDbtInd>CRDT</CdtDbtInd>"), sign="DBIT")

    assert [detail.amount for detail in line.details] == [Decimal("-12.00"), Decimal("2.00")]


def test_transaction_in_another_currency_has_no_amount():
    assert [detail.amount for detail in only_line(details(amount("9", "CHF"), amount("8"))).details] == [
        None,
        Decimal("8.00"),
    ]


def test_batch_without_transactions_says_so():
    line = only_line("<NtryDtls><Btch><PmtInfId>P1</PmtInfId><NbOfTxs>3</NbOfTxs></Btch></NtryDtls>")

    assert (line.details, line.references) == ((), ("P1",))
    assert line.notes == ("A batch of 3 payments, 0 of them are in the file.",)


def test_one_transaction_of_a_larger_batch_is_not_the_line():
    one = "<RltdPties><Dbtr><Nm>Ann</Nm></Dbtr></RltdPties>"
    line = only_line(f"<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch><TxDtls>{one}</TxDtls></NtryDtls>")

    assert (line.payer_name, [detail.payer_name for detail in line.details]) == ("", ["Ann"])


# Returns


def test_returned_transaction_says_why():
    reason = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Account closed</AddtlInf></RtrInf>"

    line = only_line(details(reason), sign="DBIT")

    assert (line.is_return, line.return_reason, line.text) == (True, "AC04", "Account closed")


def test_batch_is_a_return_only_if_all_of_it_comes_back():
    back = "<RtrInf><RtrRsn><Prtry>R02</Prtry></RtrRsn></RtrInf>"

    mixed = only_line(details(back, "<Refs><TxId>T</TxId></Refs>"))
    whole = only_line(details(back, back))

    assert (mixed.is_return, [detail.is_return for detail in mixed.details]) == (False, [True, False])
    assert (whole.is_return, whole.return_reason) == (True, "R02")


# Charges


def record(value, *, included="", sign=""):
    more = f"<ChrgInclInd>{included}</ChrgInclInd>" if included else ""
    return f"<Rcrd>{amount(value)}{f'<CdtDbtInd>{sign}</CdtDbtInd>' if sign else ''}{more}</Rcrd>"


@pytest.mark.parametrize(
    ("charges", "expected"),
    [
        (f"<Chrgs>{amount('4.14', name='TtlChrgsAndTaxAmt')}</Chrgs>", "4.14"),
        (
            f"<Chrgs>{amount('3.00', name='TtlChrgsAndTaxAmt')}{record('2')}{record('1', included='true')}</Chrgs>",
            "3.00",
        ),
        (f"<Chrgs>{record('2.00', sign='DBIT')}{record('0.50', sign='CRDT')}</Chrgs>", "1.50"),
        (f"<Chrgs>{amount('1.00')}</Chrgs><Chrgs>{amount('2.00')}</Chrgs><Chrgs>{amount('0.50')}</Chrgs>", "3.50"),
        (f"<Chrgs>{record('5.40', included='false')}</Chrgs>", None),
        (f"<Chrgs>{amount('2.00', 'USD')}</Chrgs>", None),
    ],
)
@pytest.mark.parametrize("place", ["{}", "<NtryDtls><TxDtls>{}</TxDtls></NtryDtls>"])
def test_charges_that_were_taken_off_are_summed(charges, expected, place):
    line = only_line(place.format(charges))

    assert line.charges == (Decimal(expected) if expected else None)
    assert bool(line.notes) is ("USD" in charges)


# Parties


def parties(debtor="", creditor="", *, debtor_account="", creditor_account=""):
    def account(role, iban):
        return f"<{role}Acct><Id><IBAN>{iban}</IBAN></Id></{role}Acct>" if iban else ""

    return (
        f"<RltdPties>{debtor and f'<Dbtr>{debtor}</Dbtr>'}{account('Dbtr', debtor_account)}"
        f"{creditor and f'<Cdtr>{creditor}</Cdtr>'}{account('Cdtr', creditor_account)}</RltdPties>"
    )


@pytest.mark.parametrize(
    "form", ["<Nm>{}</Nm>", "<Pty><Nm>{}</Nm></Pty>", "<Agt><FinInstnId><Nm>{}</Nm></FinInstnId></Agt>"]
)
@pytest.mark.parametrize(("sign", "expected"), [("CRDT", "Zo\u00eb"), ("DBIT", "Shop")])
def test_other_side_is_the_payer_of_a_credit_and_the_payee_of_a_debit(form, sign, expected):
    both = parties(form.format("Zo\u00eb"), form.format("Shop"))

    assert only_line(details(both), sign=sign).payer_name == expected


def test_returned_payment_keeps_the_roles_of_the_first():
    back = parties("<Nm>We</Nm>", "<Nm>Supplier</Nm>") + "<RtrInf><Rsn><Cd>AC01</Cd></Rsn></RtrInf>"

    assert only_line(details(back), sign="CRDT").payer_name == "Supplier"


def test_our_own_account_is_never_the_other_side():
    both = parties("<Nm>Ann</Nm>", "<Nm>We</Nm>", debtor_account="FR76", creditor_account="DE02 1001 0010 0006 8201 01")

    line = only_line(details(both), sign="DBIT")

    assert (line.payer_name, line.payer_account) == ("Ann", "FR76")


def test_account_number_that_is_no_iban_is_kept():
    other = "<RltdPties><DbtrAcct><Id><Othr><Id> 740 618 </Id></Othr></Id></DbtrAcct></RltdPties>"

    assert only_line(details(other)).payer_account == "740618"


def test_on_whose_behalf_is_paid_stands_in_the_text():
    inner = "<RltdPties><Dbtr><Nm>Wallet Ltd</Nm></Dbtr><UltmtDbtr><Nm>Ann</Nm></UltmtDbtr></RltdPties>"

    line = only_line(details(inner))

    assert (line.payer_name, line.text) == ("Wallet Ltd", "Ann")


def test_entry_without_a_debtor_names_nobody():
    assert only_line(details(parties(creditor="<Nm>We</Nm>"))).payer_name == ""


# Text and references


def test_text_is_all_that_was_written():
    inner = (
        "<Refs><EndToEndId>E-1</EndToEndId></Refs><RmtInf><Ustrd>first  part</Ustrd><Ustrd>second</Ustrd>"
        "<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF18</Ref></CdtrRefInf>"
        "<RfrdDocInf><Nb>INV-1</Nb></RfrdDocInf><AddtlRmtInf>beside</AddtlRmtInf></Strd></RmtInf>"
        "<AddtlTxInf>of the transaction</AddtlTxInf>"
    )

    line = only_line(details(inner), "<AddtlNtryInf>of the entry</AddtlNtryInf>")

    assert line.text.split("\n") == [
        "first  part", "second", "SCOR RF18", "SCOR INV-1", "beside", "of the transaction", "E-1", "of the entry",
    ]  # fmt: skip
    assert line.references == ("RF18", "INV-1", "E-1")


@pytest.mark.parametrize("placeholder", ["NOTPROVIDED", "NONREF", "notprovided"])
def test_placeholder_is_no_reference(placeholder):
    line = only_line(details(f"<Refs><EndToEndId>{placeholder}</EndToEndId></Refs>"))

    assert (line.references, line.text) == ((), "")


def test_references_of_payer_and_scheme_are_kept_apart_from_the_banks_own():
    refs = "<Refs><AcctSvcrRef>B2</AcctSvcrRef><InstrId>I</InstrId><UETR>U</UETR><Prtry><Ref>P</Ref></Prtry></Refs>"

    assert only_line(details(refs)).bank_id == "B2"
    line = only_line("<NtryRef>N</NtryRef><AcctSvcrRef>B1</AcctSvcrRef>", details(refs))
    assert (line.bank_id, line.references) == ("B1", ("U", "I", "P", "N"))


def test_two_equal_entries_are_two_lines():
    first, second = read_lines(camt, document(statement(entry(), entry())))

    assert (first.row, second.row) == (1, 2)
    assert first.amount == second.amount


# Days


@pytest.mark.parametrize(
    "written",
    [
        "<Dt>2026-03-04</Dt>",
        "<Dt>2026-03-04+01:00</Dt>",
        "<DtTm>2026-03-04T00:30:00+02:00</DtTm>",
        "<DtTm>2026-03-04T23:59:59.123Z</DtTm>",
    ],
)
def test_day_is_the_one_that_is_written_whatever_the_zone(written):
    line = only_line(f"<BookgDt>{written}</BookgDt>", f"<ValDt>{written}</ValDt>", day="")

    assert (line.booked_on, line.value_on, line.notes) == (date(2026, 3, 4), date(2026, 3, 4), ())


def test_day_that_does_not_exist_is_the_last_of_its_month():
    line = only_line("<ValDt><Dt>2026-02-30</Dt></ValDt>")

    assert line.value_on == date(2026, 2, 28)
    assert "2026-02-30" in line.notes[0]


@pytest.mark.parametrize("day", ["2026-13-01", "2026-03-32", "0000-01-01", "04.03.2026", "20260304", "2026-03-041"])
def test_day_that_is_none_refuses_the_file(day):
    error = refusal(camt, document(statement(entry(), entry(day=day))))

    assert (error.row, error.column) == (2, "BookgDt")


def test_entry_without_booking_day_has_its_value_day_and_says_so():
    line = only_line("<ValDt><Dt>2026-03-05</Dt></ValDt>", day="")

    assert (line.booked_on, len(line.notes)) == (date(2026, 3, 5), 1)


def test_entry_without_any_day_has_that_of_the_notification_and_a_statements_is_refused():
    head = f"<Id>1</Id><CreDtTm>2026-03-06T08:00:00+01:00</CreDtTm>{ACCOUNT}"
    notified = document(statement(entry(day=""), head=head, kind="054"), kind="054")
    stated = document(statement(balance("OPBD", "1"), entry(day=""), head=head))

    [line] = read_lines(camt, notified)

    assert (line.booked_on, len(line.notes)) == (date(2026, 3, 6), 1)
    assert refusal(camt, stated).column == "BookgDt"


# Balances and what a statement says of itself


def test_opening_is_the_booked_one_before_the_previous_closing():
    others = [balance(code, "99") for code in ("OPAV", "CLAV", "FWAV", "ITBD", "ITAV", "INFO", "XPCD")]

    read = only_statement(*others, balance("PRCD", "2.02"), balance("OPBD", "1.01"), balance("CLBD", "4.04"))

    assert (read.opening, read.closing) == (Decimal("1.01"), Decimal("4.04"))


def test_previous_closing_stands_for_a_missing_opening_and_a_debit_is_negative():
    read = only_statement(balance("PRCD", "33.06", sign="DBIT"))

    assert (read.opening, read.closing) == (Decimal("-33.06"), None)


def test_balances_of_a_page_are_those_of_the_page():
    read = only_statement(
        balance("OPBD", "1"),
        balance("OPBD", "2", subtype="INTM"),
        balance("CLBD", "4"),
        balance("CLBD", "3", subtype="INTM"),
    )

    assert (read.opening, read.closing) == (Decimal("2.00"), Decimal("3.00"))


def test_balances_of_several_days_are_the_first_and_the_last():
    days = [balance(code, f"{day}", day=f"2026-03-0{day}") for day in (2, 1, 3) for code in ("OPBD", "CLBD")]

    read = only_statement(*days)

    assert (read.opening, read.closing) == (Decimal("1.00"), Decimal("3.00"))


def test_balance_in_another_currency_is_noted():
    read = only_statement(balance("OPBD", "1"), balance("CLBD", "100", currency="JPY"))

    assert (read.closing, len(read.notes)) == (Decimal("100"), 1)


@pytest.mark.parametrize("broken", [balance("OPBD", "x"), balance("CLBD", "1", sign="")])
def test_unreadable_balance_refuses_the_file(broken):
    assert refusal(camt, document(statement(broken)))


def test_balance_after_the_entries_counts():
    read = only_statement(entry(), balance("CLBD", "10"))

    assert read.closing == Decimal("10.00")


def test_statement_says_its_number_period_counts_and_bank():
    head = (
        "<Id>1</Id><ElctrncSeqNb>85</ElctrncSeqNb><FrToDt><FrDtTm>2026-03-01T00:00:00+01:00</FrDtTm>"
        "<ToDtTm>2026-03-31T23:59:59+01:00</ToDtTm></FrToDt><Acct><Id><Othr><Id>11 22</Id></Othr></Id>"
        "<Svcr><FinInstnId><BICFI>UBSWCHZH80A</BICFI></FinInstnId></Svcr></Acct>"
    )
    summary = (
        "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries><TtlCdtNtries><Sum>10</Sum></TtlCdtNtries>"
        "<TtlDbtNtries><Sum>-4.5</Sum></TtlDbtNtries></TxsSummry>"
    )

    read = only_statement(summary, entry(), entry(value="4.5", sign="DBIT"), head=head)

    assert (read.number, read.period_start, read.period_end) == ("85", date(2026, 3, 1), date(2026, 3, 31))
    assert (read.declared_lines, read.declared_credits, read.declared_debits) == (2, Decimal("10"), Decimal("4.50"))
    assert read.account == AccountIdentifier(number="1122", bank="UBSWCHZH80A")


@pytest.mark.parametrize(
    ("code", "day", "first"),
    [
        ("OPBD", "2026-03-03", date(2026, 3, 3)),
        ("PRCD", "2026-03-03", date(2026, 3, 4)),  # closed on the day before
        ("PRCD", "9999-12-31", date(9999, 12, 31)),
        ("CLAV", "2026-03-03", None),
    ],
)
def test_period_that_the_file_leaves_out_is_that_of_its_balances(code, day, first):
    read = only_statement(balance(code, "10", day=day), balance("CLBD", "20", day="2026-03-05"), entry())

    assert (read.period_start, read.period_end) == (first, date(2026, 3, 5))


def test_iban_in_the_field_of_a_number_is_an_iban():
    head = "<Acct><Id><Othr><Id>DE02 1001 0010 0006 8201 01</Id></Othr></Id></Acct>"

    assert only_statement(entry(), head=head).account == AccountIdentifier(iban="DE02100100100006820101")


def test_statements_of_several_accounts_stay_apart_and_rows_go_on():
    other = "<Acct><Id><Othr><Id>7</Id></Othr></Id><Ccy>USD</Ccy></Acct>"
    data = document(
        statement(balance("OPBD", "1"), entry(), entry()), statement(entry(currency="USD"), head=other), statement()
    )

    first, second, third = read_all(camt, data)

    assert [line.row for line in first[1] + second[1]] == [1, 2, 3]
    assert (first[0].currency, second[0].currency, third[1]) == ("EUR", "USD", [])
    assert (first[0].opening, second[0].opening) == (Decimal("1.00"), None)


def test_lines_that_nobody_reads_are_passed_over():
    data = document(statement(entry(), entry()), statement(entry(value="7.00")))
    statements = camt.read(BytesIO(data))
    next(statements)

    assert [line.amount for line in next(statements).lines] == [Decimal("7.00")]


def test_file_without_a_statement_is_refused():
    assert "no statement" in refusal(camt, document()).detail
    assert refusal(camt, b"")
    assert refusal(camt, b" \n ")


# Charsets


@pytest.mark.parametrize("charset", ["UTF-8", "UTF-16", "ISO-8859-1", "ISO-8859-15", "windows-1252", "utf-8-sig"])
def test_declared_charset_is_read(charset):
    named = entry(details("<RltdPties><Dbtr><Nm>Zo\u00eb M\u00fcller</Nm></Dbtr></RltdPties>"))
    data = document(statement(named), charset=charset, declared=charset.removesuffix("-sig"))

    assert camt.sniff(data)
    assert read_lines(camt, data)[0].payer_name == "Zo\u00eb M\u00fcller"


@pytest.mark.parametrize(
    ("charset", "declared"),
    [
        ("ISO-8859-1", "UTF-8"),
        ("UTF-8", "ISO-8859-1"),
        ("UTF-8", "windows-1252"),
        ("UTF-8", "US-ASCII"),
        ("UTF-8", "UTF-16"),
    ],
)
def test_declared_charset_that_is_not_the_bytes_is_refused(charset, declared):
    named = entry(details("<RltdPties><Dbtr><Nm>Zo\u00eb M\u00fcller</Nm></Dbtr></RltdPties>"))

    assert refusal(camt, document(statement(named), charset=charset, declared=declared))


@pytest.mark.parametrize(
    "declared", ["idna", "unicode_escape", "utf-7", "rot13", "undefined", "cp037", "shift_jis", "nonsense"]
)
def test_charset_that_is_none_of_xml_is_refused(declared):
    assert "no charset" in refusal(camt, document(statement(entry()), declared=declared)).detail


def test_space_before_the_declaration_is_passed_over():
    assert len(read_lines(camt, b"\r\n\r\n " + document(statement(entry())))) == 1


# Hostile files


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document [<!ENTITY a "1"><!ENTITY b "&a;&a;">]>',
        '<!DOCTYPE Document SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE Document [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd"> %x;]>',
    ],
)
def test_doctype_is_refused(doctype):
    data = document(statement(entry(value="&b;"))).replace(b"<Document", doctype.encode() + b"<Document", 1)

    assert "DOCTYPE" in refusal(camt, data).detail


@pytest.mark.parametrize("text", ["&b;", "\0", "\x01", "&#0;", "<", "]]>", "&#xD800;"])
def test_broken_text_is_refused_with_its_entry(text):
    error = refusal(camt, document(statement(entry(), entry(details(f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf>")))))

    assert error.row == 2


@pytest.mark.parametrize(
    "part",
    [
        "<AddtlNtryInf>" + "x" * 10_000_000 + "</AddtlNtryInf>",
        "<AddtlNtryInf a='" + "x" * 10_000_000 + "'/>",
        "<!--" + "x" * 10_000_000 + "-->",
        " " * 10_000_000,
        "<a>" * 100_000,
        "<x " + " ".join(f"attribute{number}=''" for number in range(100_000)) + "/>",
        "".join(f"<c{number}>{'x' * 1000}</c{number}>" for number in range(20_000)),
        "<NtryDtls>" + f"<TxDtls><AddtlTxInf>{'x' * 1000}</AddtlTxInf></TxDtls>" * 20_000 + "</NtryDtls>",
    ],
    ids=["text", "attribute", "comment", "space", "depth", "attributes", "elements", "transactions"],
)
def test_endless_part_is_refused_within_bounds(part):
    data = document(statement(entry(), entry(part)))
    tracemalloc.start()
    try:
        error = refusal(camt, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert error.row == 2
    assert peak < 128 * 1024 * 1024


def test_memory_does_not_grow_with_the_lines():
    data = document(statement(*(entry(details("<RmtInf><Ustrd>INV-1</Ustrd></RmtInf>")) for _ in range(3_000))))
    stream = BytesIO(data)
    tracemalloc.start()
    try:
        count = sum(1 for read in camt.read(stream) for _ in read.lines)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 3_000
    assert peak < 1024 * 1024


# Laws

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn", "Cc")), max_size=60).map(str.strip)
MADE = st.fixed_dictionaries(
    {
        "amount": st.decimals("-99999999.99", "99999999.99", places=2),
        "day": st.dates(),
        "text": TEXTS,
        "name": TEXTS,
        "pending": st.booleans(),
    }
)


def written(made):
    status = "PDNG" if made["pending"] else "BOOK"
    role = "Dbtr" if made["amount"] >= 0 else "Cdtr"
    inner = (
        f"<RltdPties><{role}><Nm>{escape(made['name'])}</Nm></{role}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(made['text'])}</Ustrd></RmtInf>"
    )
    return entry(
        details(inner),
        value=str(abs(made["amount"])),
        sign="CRDT" if made["amount"] >= 0 else "DBIT",
        status=f"<Sts>{status}</Sts>",
        day=made["day"].isoformat(),
    )


@deterministic
@given(st.lists(MADE, max_size=8), st.sampled_from(["UTF-8", "UTF-16"]))
def test_what_is_written_is_read(made, charset):
    lines = read_lines(camt, document(statement(*map(written, made)), charset=charset))

    assert [(line.amount, line.booked_on, line.text, line.payer_name, line.pending) for line in lines] == [
        (one["amount"], one["day"], one["text"], one["name"], one["pending"]) for one in made
    ]


VALID = document(
    statement(
        balance("OPBD", "5"),
        entry(details(amount("4") + parties("<Nm>Zo\u00eb</Nm>"), amount("6")), "<AddtlNtryInf>text</AddtlNtryInf>"),
        entry("<Chrgs>" + record("1.00") + "</Chrgs>", "<ValDt><Dt>2026-03-05</Dt></ValDt>", value="3.00", sign="DBIT"),
        balance("CLBD", "12"),
    )
)


@deterministic
@given(st.integers(1, len(VALID) - 1))
def test_file_that_is_cut_is_refused(length):
    assert refusal(camt, VALID[:length])


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
        for read, lines in read_all(camt, bytes(data)):
            assert all(line.amount == line.amount.quantize(Decimal("0.01")) for line in lines if read.currency == "EUR")
