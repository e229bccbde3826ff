"""What every reader gives: statements with lines, as the bank wrote them.

Nothing is corrected here and nothing is guessed. What cannot be read to the cent raises `UnreadableStatementError`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO, Protocol

from stdnum import iban

from core.money import CEILING, quantize

# A line's text is kept whole; one that is longer than this is no line of a bank.
TEXT_MAX_LENGTH = 20_000

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,40}\.?\d{0,20}|\.\d{1,20})", re.ASCII)


class UnreadableStatementError(Exception):
    """The file is refused. `row`: line of a text or entry of an XML, from 1; `column`: field or heading by its name."""

    def __init__(self, detail: str, *, row: int | None = None, column: str = "") -> None:
        super().__init__(detail)
        self.detail, self.row, self.column = detail, row, column


@dataclass(frozen=True, slots=True)
class AccountIdentifier:
    """Whose statement this is, as far as the file says: without blanks, upper case; empty where it is silent."""

    iban: str = ""
    number: str = ""
    bank: str = ""  # BIC, or the national code of the bank

    @classmethod
    def of(cls, number: str, *, bank: str = "") -> AccountIdentifier:
        """From a field that holds either: an IBAN is one whose check digits are right (ISO 13616)."""
        plain = "".join(number.split()).upper()
        if _IBAN.fullmatch(plain) and int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1:
            return cls(iban=plain, bank=bank)
        return cls(number=plain, bank=bank)


def iban_of(country: str, number: str) -> str:
    """Of an account by its national number, check digits and all, of which the IBAN follows (ISO 13616)."""
    return f"{country}{iban.calc_check_digits(f'{country}00{number}')}{number}"


@dataclass(frozen=True, slots=True)
class Detail:
    """One transaction of a batch that was booked as one line. `amount` is signed as a line's; None where not given."""

    amount: Decimal | None
    text: str = ""
    payer_name: str = ""
    payer_account: str = ""
    references: tuple[str, ...] = ()
    bank_id: str = ""
    is_return: bool = False
    return_reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One booked or pending entry. `amount` is signed, money in is positive, in the currency of the statement.

    `payer_*` is the other side, also where money went out. `references` are ids that payer or scheme gave (end-to-end,
    structured, UTR, receipt); `bank_id` is the bank's own. `text` has all that was written, joined by line feeds.
    """

    row: int
    booked_on: date
    amount: Decimal
    value_on: date | None = None
    text: str = ""
    payer_name: str = ""
    payer_account: str = ""
    references: tuple[str, ...] = ()
    bank_id: str = ""
    pending: bool = False
    is_return: bool = False  # money that comes back: RtrInf, RvslInd, RC, RD, a return code
    return_reason: str = ""
    balance_after: Decimal | None = None
    charges: Decimal | None = None  # kept by banks on the way; positive
    instructed: tuple[Decimal, str] | None = None  # what was sent, where that is another amount or currency
    details: tuple[Detail, ...] = ()
    notes: tuple[str, ...] = ()  # what a person should know: "30 February was read as 28 February"


@dataclass(slots=True)
class Statement:
    """One statement of one account. `lines` can be read once, in order; the fields below it are final after that.

    `currency` is "" where the file does not say it. Balances are signed: an overdrawn account is negative.
    """

    lines: Iterator[Line]
    account: AccountIdentifier
    currency: str = ""
    number: str = ""
    opening: Decimal | None = None
    closing: Decimal | None = None
    period_start: date | None = None
    period_end: date | None = None
    declared_lines: int | None = None  # what the file itself counts and adds up
    declared_credits: Decimal | None = None
    declared_debits: Decimal | None = None  # positive
    notes: list[str] = field(default_factory=list)


class Reader(Protocol):
    """A module with these two names and `NAME`, `VERSION`; VERSION rises when the same file would be read otherwise."""

    NAME: str
    VERSION: str

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (at most 64 KiB) is of this format; its name is never asked."""
        ...

    def read(self, stream: BinaryIO) -> Iterator[Statement]:
        """The statements in order; the lines of one are used up before the next is asked for.

        Reads the stream in pieces: memory does not grow with the file. Raises UnreadableStatementError, at any time.
        """
        ...


def parse_amount(text: str, *, currency: str, row: int | None = None, column: str = "") -> Decimal:
    """A number with a point and an optional sign, as XML and tags write it; zeros past the currency's digits are cut.

    Raises UnreadableStatementError for what is no number, too large, or has more digits than the currency.
    """
    if not _NUMBER.fullmatch(text.strip()):  # Decimal itself takes "1_000", "Infinity" and digits of any script
        raise UnreadableStatementError(f"{text.strip()[:40]!r} is not an amount.", row=row, column=column)
    return checked_amount(Decimal(text.strip()), currency=currency, row=row, column=column)


def calendar_day(year: int, month: int, day: int, *, row: int | None = None, column: str = "") -> tuple[date, str]:
    """The day and a note: 30 February, which banks write for interest, is the last day of its month and says so.

    Raises UnreadableStatementError for a month 13 and a day 32.
    """
    written = f"{year:04}-{month:02}-{day:02}"
    if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= 31):
        raise UnreadableStatementError(f"{written} is not a day.", row=row, column=column)
    last = calendar.monthrange(year, month)[1]
    if day <= last:
        return date(year, month, day), ""
    return date(year, month, last), f"{written} does not exist and was read as the last day of that month."


def checked_amount(amount: Decimal, *, currency: str, row: int | None = None, column: str = "") -> Decimal:
    """The amount in the digits of its currency ("" allows up to four). Raises UnreadableStatementError as above."""
    if not amount.is_finite() or abs(amount) >= CEILING:
        raise UnreadableStatementError(f"{str(amount)[:40]} is no amount that can be kept.", row=row, column=column)
    try:  # also in a currency that was taken back: old files are read too
        exact = quantize(amount, currency) if currency else amount.quantize(Decimal("0.0001"))
    except ValueError:
        detail = f"{currency[:10]!r} is no currency with minor units."
        raise UnreadableStatementError(detail, row=row, column=column) from None
    if exact != amount:
        raise UnreadableStatementError(
            f"{amount} has more digits after the point than {currency or 'any currency'}.", row=row, column=column
        )
    return exact
