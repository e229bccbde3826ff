"""Which delimiter a text has, judged by the table it makes: rows that hold a day and an amount."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass

from core.money import is_currency
from workflows.bank.readers.delimited.dates import MONTHS, plain
from workflows.bank.readers.delimited.numbers import CREDIT_MARKS, CURRENCY_SIGNS, DEBIT_MARKS
from workflows.bank.readers.delimited.profile import DELIMITERS, MAX_COLUMNS
from workflows.bank.readers.delimited.rows import MAX_LINE_LENGTH, head_text

# XML, OFX, SWIFT, BAI2, zip, PDF, old Excel, RTF.
_OTHER_FORMATS = re.compile(
    r"\s*(?:<|OFXHEADER|\{1:|:\d{2}[A-Z]?:|:940:|:942:|01,[^\n]*/\s*(?:\n|$)|PK\x03\x04|%PDF|\xd0\xcf\x11\xe0|\{\\rtf|[\[{]\s*[\"{\[])"
)
_SWIFT = re.compile(r"^:(?:20|25|28C?|60[FM]|61):", re.MULTILINE)

_DAY = re.compile(
    r"(?:\d{1,4}([./-])\d{1,2}\1\d{1,4}\.?|\d{1,2}[\s./-]*([^\W\d_]{3,10})\.?[\s,./-]*\d{2,4}|(?:19|20)\d{6})"
    r"(?:[T ,].{1,30})?"
)
_AMOUNT = re.compile(r"([^\d]{0,6})\d[\d.,'\u2019 \u00a0]{0,30}([^\d]{0,6})", re.ASCII)
_WORD = re.compile(r"[^\W\d_]+")
_SIGN_WORDS = {*CREDIT_MARKS, *DEBIT_MARKS, *(sign.rstrip("$") for sign in CURRENCY_SIGNS)}


@dataclass(frozen=True, slots=True)
class Table:
    delimiter: str
    rows: list[tuple[int, list[str]]]  # all rows of the text, with the line each begins on
    entries: list[int]  # indexes of rows that hold a day and an amount


def has_other_marks(head: bytes) -> bool:
    """No text, or the beginning of another format."""
    text = head_text(head)
    return text is None or bool(_OTHER_FORMATS.match(text)) or len(_SWIFT.findall(text)) > 1


def has_table(head: bytes) -> bool:
    text = head_text(head)
    return text is not None and find_table(text) is not None


def find_table(text: str) -> Table | None:
    """The delimiter that makes most rows with a day and an amount; None where there is no such row."""
    tables = [table for delimiter in DELIMITERS if (table := _table(text, delimiter)) and table.entries]
    return max(tables, key=lambda table: (len(table.entries), _evenness(table)), default=None)


def is_day(cell: str) -> bool:
    match = _DAY.fullmatch(cell)
    return match is not None and (match[2] is None or plain(match[2]) in MONTHS)


def is_amount(cell: str) -> bool:
    match = _AMOUNT.fullmatch(cell)
    if match is None or is_day(cell):
        return False
    words = _WORD.findall(f"{match[1]} {match[2]}".upper())
    return all(word in _SIGN_WORDS or is_currency(word) for word in words)


def _evenness(table: Table) -> float:
    widths = Counter(len(table.rows[index][1]) for index in table.entries)
    return widths.most_common(1)[0][1] / len(table.entries)


def _table(text: str, delimiter: str) -> Table | None:
    if delimiter not in text:
        return None
    lines = [line[:MAX_LINE_LENGTH] + "\n" for line in text.split("\n")]
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[int, list[str]]] = []
    entries = []
    try:
        while True:
            row = reader.line_num + 1
            cells = [cell.strip() for cell in next(reader)[: MAX_COLUMNS + 1]]
            if any(map(is_day, cells)) and any(map(is_amount, cells)):
                entries.append(len(rows))
            rows.append((row, cells))
    except (StopIteration, csv.Error):
        pass
    return Table(delimiter, rows, entries)
