"""Real statement files beside their expected values: STATEMENT_CORPUS names a folder with a SOURCES.md and a folder for
each format. Each file of a format that has a reader is read to the cent, or refused where SOURCES.md says so."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from workflows.bank.readers import camt, find_reader, ofx
from workflows.bank.readers.statement import Line, Statement, UnreadableStatementError

CORPUS = os.environ.get("STATEMENT_CORPUS", "")
FILES = sorted(Path(CORPUS).glob("*/*")) if CORPUS else []

pytestmark = pytest.mark.skipif(not FILES, reason="STATEMENT_CORPUS names no folder of statement files")


def each(files):
    return pytest.mark.parametrize("path", files or [Path()], ids=lambda path: path.name)


each_file = each(FILES)
each_camt_file = each([path for path in FILES if path.parent.name == "camt"])
each_ofx_file = each([path for path in FILES if path.parent.name == "ofx"])

# SOURCES.md has no column for it; of formats that write it elsewhere its last columns tell.
CURRENCIES = {
    "052-v1-container.xml": "SEK", "052-v4-pending-charges.xml": "SEK", "053-v2-two-statements.xml": "EUR",
    "053-v2-three-decimals.xml": "EUR", "053-v2-all-balances.xml": "EUR", "053-v8-instructed.xml": "EUR",
    "053-v3-instructed.xml": "EUR", "054-v4-three-details.xml": "SEK", "054-v8-uetr.xml": "SEK",
    "053-v4-swiss-batches.xml": "CHF", "053-v2-batch-without-details.xml": "EUR", "053-v2-instdamt.xml": "CHF",
    "053-v10-datetime.xml": "USD", "053-v2-overdrawn.xml": "EUR", "053-v2-two-equal-lines.xml": "EUR",
    "053-without-namespace.xml": "GBP", "053-v2-two-accounts.xml": "EUR USD",
}  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """One row of SOURCES.md."""

    lines: str
    credits: str
    debits: str
    opening: str
    closing: str
    remarks: str

    @property
    def is_refused(self) -> bool:
        return "must be refused" in self.remarks

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
        figures = [_number(cell) for cell in (self.opening, self.credits, self.debits, self.closing)]
        if None in figures:
            return None
        opening, came, went, closing = figures
        return int(opening + came - went == closing)  # type: ignore[operator]


def _number(cell: str) -> Decimal | None:
    """Of a cell that is a number and nothing else; the last of several, one for each statement."""
    match = re.fullmatch(r"(?:-?[\d.]+, )*(-?\d+(?:\.\d+)?)", cell)
    return Decimal(match[1]) if match else None


def _sum(cell: str) -> Decimal:
    """Also of a cell that says more behind it ("85.60 net")."""
    match = re.match(r"-?\d+(?:\.\d+)?", cell)
    return Decimal(match[0]) if match else Decimal()


def _expected() -> dict[str, Expected]:
    rows = {}
    for line in (Path(CORPUS) / "SOURCES.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) in (7, 10) and "." in cells[0]:
            figures, remarks = (cells[1:6], cells[6]) if len(cells) == 7 else (cells[3:8], cells[8] + " " + cells[2])
            rows[cells[0]] = Expected(*figures, remarks)
    return rows


def _read(path: Path) -> list[tuple[Statement, list[Line]]]:
    with path.open("rb") as stream:
        reader = find_reader(stream.read(64 * 1024))
        if reader is None:
            pytest.skip(f"no reader for {path.parent.name}")
        stream.seek(0)
        return [(statement, list(statement.lines)) for statement in reader.read(stream)]


def _read_unless_refused(path: Path) -> list[tuple[Statement, list[Line]]]:
    if _expected()[path.name].is_refused:
        pytest.skip("is refused, as another test shows")
    return _read(path)


@each_file
def test_file_gives_the_figures_of_sources(path):
    expected = _expected()[path.name]
    if expected.is_refused:
        with pytest.raises(UnreadableStatementError) as refused:
            _read(path)
        assert refused.value.row, "a refusal names its row"
        return

    statements = _read(path)

    booked = [line.amount for _, lines in statements for line in lines if not line.pending]
    assert len(booked) == int(expected.lines)
    assert sum((amount for amount in booked if amount > 0), Decimal()) == _sum(expected.credits)
    assert -sum((amount for amount in booked if amount < 0), Decimal()) == _sum(expected.debits)
    for cell, balance in ((expected.opening, statements[0][0].opening), (expected.closing, statements[-1][0].closing)):
        if cell == "-" or _number(cell) is not None:
            assert balance == _number(cell)
    pending = re.search(r"(\d+) pending of (-?\d+)", expected.remarks)
    waiting = [line.amount for _, lines in statements for line in lines if line.pending]
    assert not pending or waiting == [Decimal(pending[2])] * int(pending[1])


@each_file
def test_statement_is_in_the_currency_of_sources(path):
    statements = _read_unless_refused(path)

    written = CURRENCIES.get(path.name, _expected()[path.name].currency)
    if written is None:
        pytest.skip("SOURCES.md names no currency")
    currencies = dict.fromkeys(statement.currency for statement, _ in statements)
    assert " ".join(currencies) == written


@each_file
def test_statement_adds_up_where_sources_does_not_say_otherwise(path):
    statements = _read_unless_refused(path)

    both = [one for one in statements if one[0].opening is not None and one[0].closing is not None]
    right = sum(_adds_up(statement, lines) for statement, lines in both)
    expected = _expected()[path.name].statements_that_add_up(len(both))
    assert expected is None or right == expected


def _adds_up(statement: Statement, lines: list[Line]) -> bool:
    return statement.opening + sum(line.amount for line in lines if not line.pending) == statement.closing


@each_file
def test_every_line_has_a_day_an_amount_and_a_place(path):
    rows = [line for _, lines in _read_unless_refused(path) for line in lines]

    assert all(date(1990, 1, 1) < line.booked_on < date.today() + timedelta(days=366) for line in rows)  # noqa: DTZ011
    assert all(isinstance(line.amount, Decimal) and line.amount.is_finite() for line in rows)
    assert all(earlier.row < later.row for earlier, later in pairwise(rows))
    assert all("\0" not in line.text and "\ufffd" not in line.text + line.payer_name for line in rows)


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
    lines = [line for _, rows in _read_unless_refused(path) for line in rows]
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


def test_corpus_is_complete_and_every_format_of_ours_is_in_it():
    assert {path.name for path in FILES} == set(_expected())
    found = {find_reader(path.read_bytes()[: 64 * 1024]) for path in FILES}
    assert {camt, ofx} <= found
    assert all(
        find_reader(path.read_bytes()[: 64 * 1024]) is reader
        for reader in (camt, ofx)
        for path in FILES
        if path.parent.name == reader.NAME.lower()
    )
