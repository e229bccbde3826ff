"""Real statement files beside their expected values: STATEMENT_CORPUS names a folder with a SOURCES.md and a folder for
each format. Each file of a format that has a reader is read to the cent, or refused for a reason that stands here."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from workflows.bank.arithmetic import Arithmetic
from workflows.bank.readers import READERS, delimited, find_reader
from workflows.bank.readers.delimited.guess import guess_profile
from workflows.bank.readers.delimited.made_profiles import find_profile
from workflows.bank.readers.delimited.profile import Profile
from workflows.bank.readers.statement import Line, Statement, UnreadableStatementError

CORPUS = os.environ.get("STATEMENT_CORPUS", "")
FILES = sorted(Path(CORPUS).glob("*/*")) if CORPUS else []

pytestmark = pytest.mark.skipif(not FILES, reason="STATEMENT_CORPUS names no folder of statement files")

# SOURCES.md has no column for it; of formats that write it elsewhere its last columns tell.
CURRENCIES = {
    "052-v1-container.xml": "SEK", "052-v4-pending-charges.xml": "SEK", "053-v2-two-statements.xml": "EUR",
    "053-v2-three-decimals.xml": "EUR", "053-v2-all-balances.xml": "EUR", "053-v8-instructed.xml": "EUR",
    "053-v3-instructed.xml": "EUR", "054-v4-three-details.xml": "SEK", "054-v8-uetr.xml": "SEK",
    "053-v4-swiss-batches.xml": "CHF", "053-v2-batch-without-details.xml": "EUR", "053-v2-instdamt.xml": "CHF",
    "053-v10-datetime.xml": "USD", "053-v2-overdrawn.xml": "EUR", "053-v2-two-equal-lines.xml": "EUR",
    "053-without-namespace.xml": "GBP", "053-v2-two-accounts.xml": "EUR USD",
    "colon-after-line-break.sta": "DEM", "dutch-abnamro.sta": "EUR", "dutch-ing.sta": "EUR",
    "dutch-rabobank.sta": "EUR", "february-30.sta": "EUR", "german-ns-field.sta": "DEM",
    "german-sparkasse.sta": "EUR", "german-storno-rc.sta": "EUR", "german-volksbank.sta": "EUR",
    "hungarian-raiffeisen.sta": "HUF", "hungarian-sberbank.sta": "HUF",
    "mt942-interim.sta": "EUR", "polish-mbank.sta": "PLN", "swedish-no-decimals.sta": "SEK",
    "swiss-postfinance.sta": "CHF", "debits.cod": "EUR", "globalised.cod": "EUR", "structured.cod": "EUR",
    "es-2025.n43": "EUR", "canada-returns.bai2": "CAD", "continued-fields.bai2": "USD", "uk-citi.bai2": "GBP",
    "uk-natwest.bai2": "GBP",
}  # fmt: skip

# Refused, and rightly: words of the refusal, and why.
REFUSED = {
    "xml-200-no-amount.ofx": ("not one amount", "a transaction without an amount"),
    "us-ach-return.bai2": ("control total", "its authors changed amounts and left the control totals"),
}
# What the wizard asks of a table that is silent about it.
ANSWERS = {
    "ch-card-fx.csv": {"decimal": "decimal"},
    "hu-inflow-column.csv": {"balance": "no"},
    "ie-boi.csv": {"currency": "EUR", "balance": "no"},
    "br-extrato-pix.csv": {"date_form": "dd/mm/yyyy", "currency": "BRL"},
    "in-hdfc.csv": {"currency": "INR"},
    "in-sbi.tsv": {"currency": "INR"},
    "ke-mpesa-org.csv": {"currency": "KES"},
    "paypal-activity.csv": {"date_form": "dd/mm/yyyy"},
    "pk-bank.csv": {"currency": "PKR"},
    "revolut-business.csv": {"fee": "beside"},
    "uk-barclays-style.csv": {"date_form": "dd/mm/yyyy", "currency": "GBP"},
    "us-checking.csv": {"date_form": "mm/dd/yy", "currency": "USD"},
    "wise-balance.csv": {"date_form": "dd-mm-yyyy"},
}
# Tables that no made profile reads: words of the refusal, and why. They are read by the wizard's profile.
WITHOUT_MADE_PROFILE = {
    "at-pipe.dat": ("No known bank", "it has no headings"),
    "ie-boi.csv": ("No known bank", "headings that any bank has, and no currency"),
    "paypal-activity.csv": ("Day or month first?", "every row allows both, and PayPal writes by the user's country"),
}
# Where a right reader gives other figures than SOURCES.md has.
CORRECTIONS: dict[str, tuple[dict[str, str], str]] = {
    "german-ns-field.sta": (
        {"closing": "95000.00", "remarks": "3 of 3 statements add up"},
        "its closing balances lack the currency, which the opening ones have",
    ),
    "be-kbc.csv": ({"opening": "223.35"}, "follows from the balance beside its row"),
    "revolut-business.csv": ({"opening": "502.00"}, "follows from the balances beside its rows"),
    "paypal-activity.csv": ({"opening": "189.00"}, "follows from the balances beside its rows"),
    "hu-inflow-column.csv": ({"closing": "-"}, "its balances are those before each row, and so of no use"),
    "uk-citi.bai2": ({"opening": "10000", "closing": "10000"}, "codes 010 and 015 of record 03"),
    "uk-natwest.bai2": ({"opening": "36521", "closing": "33845"}, "codes 010 and 015 of record 03"),
    "no-ocr-giro.txt": ({"debits": "0"}, "it can have some, and has none"),
    "continued-fields.bai2": ({"opening": "4350000"}, "code 010 of record 03"),
}
# Statements that contradict themselves, edited or cut by their authors. All others add up or have nothing to compare.
CONTRADICTIONS = {
    "053-v10-datetime.xml": "declares 14 entries and has 1",
    "053-v2-all-balances.xml": "its balances are made up",
    "053-v2-batch-without-details.xml": "declares 35 entries and has 3",
    "053-v2-instdamt.xml": "its closing balance is the amount of its entry",
    "053-v2-overdrawn.xml": "its closing balance is the opposite of its opening one, and more",
    "053-v2-three-decimals.xml": "27.05 instead of 27.00",
    "053-v3-instructed.xml": "its closing balance has the sign of a debit, and another currency",
    "053-v8-instructed.xml": "its closing balance has the sign of a debit, and another currency",
    "continued-fields.bai2": "two accounts give the half of the credits that they declare",
    "dutch-abnamro.sta": "entries were cut out",
    "dutch-ing.sta": "entries were changed",
    "german-storno-rc.sta": "entries were cut out",
    "hu-inflow-column.csv": "its balances are those before each row",
    "hungarian-raiffeisen.sta": "entries were changed",
    "nl-rabobank.csv": "rows were cut out",
    "polish-mbank.sta": "entries were cut out",
    "swiss-postfinance.sta": "its second part closes 0.20 too high",
    "uk-citi.bai2": "opening and closing balance are the same, with one credit between",
}


FORMATS_WITHOUT_READER = ("bgmax", "cfonb", "cnab240")
ROW_FORMATS = ("mt940", "coda", "norma43", "bai2", "ocrgiro")  # an entry begins in a row of text, with its amount
TABLES = ("csv", "csv-made")


def each(*formats, without=()):
    files = [path for path in FILES if path.parent.name in formats and path.name not in without]
    return pytest.mark.parametrize("path", files or [Path()], ids=lambda path: path.name)


each_file = each("camt", "ofx", *ROW_FORMATS, *TABLES, without=REFUSED)
each_camt_file = each("camt", without=REFUSED)
each_ofx_file = each("ofx", without=REFUSED)
each_file_of_rows = each(*ROW_FORMATS, *TABLES, without=REFUSED)
each_table_of_a_known_bank = each(*TABLES, without=WITHOUT_MADE_PROFILE)


@dataclass(frozen=True)
class Expected:
    """One row of SOURCES.md."""

    lines: str
    credits: str
    debits: str
    opening: str
    closing: str
    remarks: str
    in_minor_units: bool = False

    def figure(self, cell: str) -> Decimal | None:
        """The number at its beginning, the last of several (one for each statement); None for "-"."""
        match = re.match(r"(?:-?[\d.]+, )*(-?\d+(?:\.\d+)?)", cell)
        return Decimal(match[1]) / (100 if self.in_minor_units else 1) if match else None

    @property
    def currency(self) -> str | None:
        match = re.search(r"currency ([A-Z]{3})?;|^([A-Z]{3})\b", self.remarks)
        return (match[1] or match[2] or "") if match else None

    def statements_that_add_up(self, count: int) -> int | None:
        """As it is said; else of one statement what its figures give, and of several all of them."""
        if said := re.search(r"(\d+) of \d+ statements add up", self.remarks):
            return int(said[1])
        if count > 1:
            return count
        figures = [self.figure(cell) for cell in (self.opening, self.credits, self.debits, self.closing)]
        if None in figures:
            return None
        opening, came, went, closing = figures
        return int(opening + came - went == closing)  # type: ignore[operator]


@cache
def _expected() -> dict[str, Expected]:
    rows, section = {}, ""
    for line in (Path(CORPUS) / "SOURCES.md").read_text().splitlines():
        section = line.removeprefix("## ") if line.startswith("## ") else section
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) in (7, 10) and "." in cells[0]:
            figures, remarks = (cells[1:6], cells[6]) if len(cells) == 7 else (cells[3:8], cells[8] + " " + cells[2])
            row = Expected(*figures, remarks, in_minor_units=section == "bai2")
            rows[cells[0]] = replace(row, **CORRECTIONS.get(cells[0], ({}, ""))[0])
    return rows


@cache
def _wizards_profile(path: Path) -> Profile:
    guess = guess_profile(path.read_bytes(), answers=ANSWERS.get(path.name))
    assert guess.profile is not None, guess.questions
    return guess.profile


def _read(path: Path, profile: Profile | None = None) -> list[tuple[Statement, list[Line]]]:
    with path.open("rb") as stream:
        head = stream.read(64 * 1024)
        reader = find_reader(head)
        assert reader is not None
        stream.seek(0)
        read = delimited.read(stream, profile or find_profile(head)) if reader is delimited else reader.read(stream)
        return [(statement, list(statement.lines)) for statement in read]


def _read_as_people_do(path: Path) -> list[tuple[Statement, list[Line]]]:
    """A table that no made profile reads goes through the wizard."""
    return _read(path, _wizards_profile(path) if path.name in WITHOUT_MADE_PROFILE else None)


@each_file
def test_file_gives_the_figures_of_sources(path):
    expected = _expected()[path.name]
    statements = _read_as_people_do(path)

    booked = [line.amount for _, lines in statements for line in lines if not line.pending]
    assert len(booked) == int(expected.lines)
    assert sum((amount for amount in booked if amount > 0), Decimal()) == expected.figure(expected.credits)
    assert -sum((amount for amount in booked if amount < 0), Decimal()) == expected.figure(expected.debits)
    assert statements[0][0].opening == expected.figure(expected.opening)
    assert statements[-1][0].closing == expected.figure(expected.closing)
    pending = re.search(r"(\d+) pending of (-?\d+)|(\d+) interim lines of \+([\d.]+)", expected.remarks)
    waiting = [line.amount for _, lines in statements for line in lines if line.pending]
    assert not pending or waiting == [Decimal(pending[2] or pending[4])] * int(pending[1] or pending[3])


@pytest.mark.parametrize(
    ("name", "words"),
    [(name, words) for table in (REFUSED, WITHOUT_MADE_PROFILE) for name, (words, _) in table.items()],
)
def test_file_is_refused_with_its_row(name, words):
    [path] = [path for path in FILES if path.name == name]

    with pytest.raises(UnreadableStatementError, match=re.escape(words)) as refused:
        _read(path)

    assert refused.value.row


@each_table_of_a_known_bank
def test_wizard_reads_a_table_as_its_made_profile_does(path):
    by_wizard, made = ([_facts(one) for one in _read(path, profile)] for profile in (_wizards_profile(path), None))

    assert by_wizard == made


def _facts(part: tuple[Statement, list[Line]]) -> tuple[object, ...]:
    statement, lines = part
    booked = [(line.row, line.booked_on, line.amount) for line in lines if not line.pending]
    return statement.currency, statement.opening, statement.closing, booked


@each_file_of_rows
def test_amount_stands_in_the_row_that_the_line_names(path):
    statements = _read_as_people_do(path)

    rows = re.split(r"\r*\n|\r", path.read_bytes().decode("latin-1"))
    for line in (line for _, lines in statements for line in lines):
        written = re.sub(r"[.,' ]", "", rows[line.row - 1])
        before_fee = abs(line.amount) - (line.charges or 0)  # one wallet writes its fee beside the amount
        assert any(_digits(amount) in written for amount in (line.amount, before_fee)), line.row


def _digits(amount: Decimal) -> str:
    return f"{abs(amount):f}".replace(".", "").strip("0")


@each_file
def test_statement_is_in_the_currency_of_sources(path):
    statements = _read_as_people_do(path)

    written = CURRENCIES.get(path.name, _expected()[path.name].currency)
    currencies = dict.fromkeys(statement.currency for statement, _ in statements)
    assert " ".join(currencies) == written


@each_file
def test_statement_adds_up_where_sources_does_not_say_otherwise(path):
    statements = _read_as_people_do(path)

    verdicts = {_arithmetic(*one) for one in statements}
    assert (False in verdicts) is (path.name in CONTRADICTIONS)
    both = [one for one in statements if one[0].opening is not None and one[0].closing is not None]
    right = sum(_adds_up(statement, lines) for statement, lines in both)
    expected = _expected()[path.name].statements_that_add_up(len(both))
    assert expected is None or right == expected


def _arithmetic(statement: Statement, lines: list[Line]) -> bool | None:
    arithmetic = Arithmetic()
    for line in lines:
        (arithmetic.add_pending if line.pending else arithmetic.add)(line)
    return arithmetic.check(statement)[0]


def _adds_up(statement: Statement, lines: list[Line]) -> bool:
    return statement.opening + sum(line.amount for line in lines if not line.pending) == statement.closing


@each_file
def test_every_line_has_a_day_an_amount_and_a_place(path):
    rows = [line for _, lines in _read_as_people_do(path) for line in lines]

    assert all(date(1990, 1, 1) < line.booked_on < date.today() + timedelta(days=366) for line in rows)  # noqa: DTZ011
    assert all(isinstance(line.amount, Decimal) and line.amount.is_finite() for line in rows)
    assert all(earlier.row < later.row for earlier, later in pairwise(rows))
    assert not any("\0" in line.text for line in rows)
    if "\ufffd".encode() not in path.read_bytes():  # one file was damaged before it came here
        assert not any("\ufffd" in line.text + line.payer_name for line in rows)


def _local(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [one for one in element.iter() if one.tag.rpartition("}")[2] == name]


def _texts(element: ElementTree.Element, name: str) -> list[str]:
    return [one.text.strip() for one in _local(element, name) if one.text and one.text.strip()]


@each_camt_file
def test_camt_line_says_what_its_entry_says(path):
    """Beside a tree of the whole file, which shares no line with the reader."""
    entries = _local(ElementTree.parse(path).getroot(), "Ntry")
    lines = [line for _, rows in _read(path) for line in rows]

    assert len(entries) == len(lines)
    for entry, line in zip(entries, lines, strict=True):
        sign = -1 if _texts(entry, "CdtDbtInd")[0] == "DBIT" else 1
        assert line.amount == sign * Decimal(_texts(entry, "Amt")[0])
        days = [
            day[:10] for booking in _local(entry, "BookgDt") for name in ("Dt", "DtTm") for day in _texts(booking, name)
        ]
        assert days in ([], [line.booked_on.isoformat()])
        transactions = _local(entry, "TxDtls")
        assert len(line.details) == (len(transactions) if len(transactions) > 1 else 0)
        said = "\n".join((line.text, *(detail.text for detail in line.details)))
        for name in ("Ustrd", "AddtlNtryInf", "AddtlTxInf", "AddtlRmtInf"):
            assert all(text in said for text in _texts(entry, name))
        references = {*line.references, *(reference for detail in line.details for reference in detail.references)}
        for structured in _local(entry, "CdtrRefInf"):
            assert references.issuperset(_texts(structured, "Ref"))
        assert references.issuperset(set(_texts(entry, "EndToEndId")) - {"NOTPROVIDED"})
        returned = [*_local(entry, "RtrInf"), *(one for one in _texts(entry, "RvslInd") if one == "true")]
        assert bool(returned) is (line.is_return or any(detail.is_return for detail in line.details))
        names = {line.payer_name, *(detail.payer_name for detail in line.details)} - {""}
        written = {name for parties in _local(entry, "RltdPties") for name in _texts(parties, "Nm")}
        assert names <= written


@each_ofx_file
def test_ofx_line_says_what_its_transaction_says(path):
    lines = [line for _, rows in _read_as_people_do(path) for line in rows]
    text = path.read_bytes().decode("latin-1")
    transactions = text.split("<STMTTRN>")[1:]

    assert len(transactions) == len(lines)
    for transaction, line in zip(transactions, lines, strict=True):
        values = dict(re.findall(r"<([A-Z]+)>(?:<!\[CDATA\[)?([^<\r\n\]]+)", transaction))
        assert line.amount == Decimal(values["TRNAMT"].strip())
        assert f"{line.booked_on:%Y%m%d}" == values["DTPOSTED"][:8]
        assert values.get("MEMO", "").strip() in line.text
        assert line.bank_id == values.get("FITID", "").strip()
        assert line.payer_name == values.get("NAME", "").strip()


def test_corpus_is_complete_and_every_reader_meets_its_files():
    names = {path.name for path in FILES}
    assert names == set(_expected())
    assert names.issuperset({*CURRENCIES, *REFUSED, *ANSWERS, *WITHOUT_MADE_PROFILE, *CORRECTIONS, *CONTRADICTIONS})
    found = {path: find_reader(path.read_bytes()[: 64 * 1024]) for path in FILES}
    assert set(READERS) <= set(found.values())
    assert {path.parent.name for path, reader in found.items() if reader is None} == set(FORMATS_WITHOUT_READER)
    folders = {"csv": delimited, "csv-made": delimited, **{reader.NAME.lower(): reader for reader in READERS}}
    assert all(reader is folders.get(path.parent.name) for path, reader in found.items())
