"""Single cells by a profile: amount, currency, day, state, payer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from core.money import minor_units
from workflows.bank.readers.delimited.dates import Day, read_day
from workflows.bank.readers.delimited.layout import Labels, Layout
from workflows.bank.readers.delimited.numbers import Written, read_number
from workflows.bank.readers.delimited.profile import Profile, fold, fold_mark
from workflows.bank.readers.statement import UnreadableStatementError

_NO_REFERENCE = re.compile(r"NOT ?PROVIDED|NONREF|[0 ._-]*", re.IGNORECASE)
_SEPA_TAG = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|PURP|IBAN|BIC)\+")


class CellReader:
    """Raises UnreadableStatementError with row and heading for a cell of another form than the profile's."""

    def __init__(self, profile: Profile, dates: tuple[str, ...], labels: Labels) -> None:
        self._profile, self._dates, self._labels = profile, dates, labels
        self._debit_sign = {"positive": "", "negative": "-"}.get(profile.debits_are)

    def is_complete(self, layout: Layout, cells: Sequence[str]) -> bool:
        amounts = (layout.cell(cells, role) for role in ("amount", "credit", "debit"))
        written = layout.cell(cells, "date")
        return any(amounts) and any(read_day(written, pattern) for pattern in self._dates)

    def currency(self, layout: Layout, row: int, cells: list[str]) -> str:
        written = layout.cell(cells, "currency").upper()
        if "currency" not in layout.places:
            written = self._profile.currency or self._labels.found.get("currency", ("", 0))[0].upper()
        elif not written:
            raise UnreadableStatementError("The currency is missing.", row=row, column=layout.name("currency"))
        return check_currency(written, row, layout.name("currency"))

    def number(self, layout: Layout, row: int, cells: list[str], role: str, currency: str) -> Written | None:
        text = layout.cell(cells, role)
        if not text:
            return None
        return read_number(text, self._profile.number_form, currency=currency, row=row, column=layout.name(role))

    def amount(self, layout: Layout, row: int, cells: list[str], currency: str) -> Decimal | None:
        if "amount" not in layout.places:
            return self._two_columns(layout, row, cells, currency)
        number = self.number(layout, row, cells, "amount", currency)
        if number is None:
            return None
        mark = self._mark(layout, row, cells) or number.mark
        if number.mark and mark != number.mark:
            raise self._contradiction(layout, row, "amount")
        if not mark and not number.sign:
            mark = self._profile.unmarked
        if mark:
            if number.sign and (number.sign == "+") != (mark == "in"):
                raise self._contradiction(layout, row, "amount")
            return number.size if mark == "in" else -number.size
        return number.signed if self._profile.positive_is == "in" else -number.signed

    def _mark(self, layout: Layout, row: int, cells: list[str]) -> str:
        """ "in" or "out" by the column of signs; "" where there is none."""
        if "sign" not in layout.places:
            return ""
        written = layout.cell(cells, "sign")
        word = fold_mark(written)
        if word in _marks(self._profile.sign_in):
            return "in"
        if word in _marks(self._profile.sign_out):
            return "out"
        if not word and self._profile.unmarked:
            return self._profile.unmarked
        raise UnreadableStatementError(
            f"{written[:40]!r} says neither in nor out.", row=row, column=layout.name("sign")
        )

    def _two_columns(self, layout: Layout, row: int, cells: list[str], currency: str) -> Decimal | None:
        credit = self.number(layout, row, cells, "credit", currency)
        debit = self.number(layout, row, cells, "debit", currency)
        if credit and debit and credit.size and debit.size:
            raise UnreadableStatementError(
                "Money in and money out stand in one row.", row=row, column=layout.name("debit")
            )
        if credit and credit.size and (credit.sign == "-" or credit.mark == "out"):
            raise self._contradiction(layout, row, "credit")
        if debit and debit.size:
            sign = "-" if debit.sign == "-" else ""
            self._debit_sign = sign if self._debit_sign is None else self._debit_sign
            if debit.mark == "in" or debit.sign == "+" or sign != self._debit_sign:
                raise self._contradiction(layout, row, "debit")
            return -debit.size
        chosen = credit or debit
        return chosen.size if chosen else None

    def _contradiction(self, layout: Layout, row: int, role: str) -> UnreadableStatementError:
        return UnreadableStatementError(
            "The sign of the amount contradicts its column.", row=row, column=layout.name(role)
        )

    def balance(self, layout: Layout, row: int, cells: list[str], currency: str) -> Decimal | None:
        number = self.number(layout, row, cells, "balance", currency)
        return number.signed if number else None

    def fee(self, layout: Layout, row: int, cells: list[str], currency: str) -> Decimal | None:
        """Positive where the bank kept it, negative where it gave it back; None without one."""
        number = self.number(layout, row, cells, "fee", currency)
        if number is None or not number.size:
            return None
        return number.size if (number.sign == "-") == (self._profile.fee_sign == "-") else -number.size

    def instructed(
        self, layout: Layout, row: int, cells: list[str], currency: str, amount: Decimal, charges: Decimal | None
    ) -> tuple[Decimal, str] | None:
        if not layout.cell(cells, "gross"):
            return None
        written = layout.cell(cells, "gross_currency").upper() or currency
        own = check_currency(written, row, layout.name("gross_currency"))
        number = self.number(layout, row, cells, "gross", own)
        assert number is not None
        if (
            own == currency
            and charges is not None
            and abs(amount) not in (number.size + charges, abs(number.size - charges))
        ):
            raise UnreadableStatementError(
                f"{number.size} and the fee {charges} do not make {amount}.", row=row, column=layout.name("gross")
            )
        return None if (number.size, own) == (abs(amount), currency) else (number.size, own)

    def state(self, layout: Layout, row: int, cells: list[str]) -> str:
        profile = self._profile
        if profile.pending_words and fold(layout.cell(cells, "date")) in words_of(profile.pending_words):
            return "pending"
        if "status" not in layout.places or not self.is_entry(layout, cells):
            return "booked"
        written = layout.cell(cells, "status")
        word = fold(written)
        states = {"booked": profile.booked_words, "pending": profile.pending_words, "dropped": profile.dropped_words}
        for state, words in states.items():
            if word in words_of(words):
                return state
        raise UnreadableStatementError(
            f"{written[:40]!r}: whether this is booked is not known.", row=row, column=layout.name("status")
        )

    def is_entry(self, layout: Layout, cells: Sequence[str]) -> bool:
        return any(layout.cell(cells, role) for role in ("amount", "credit", "debit"))

    def day(self, written: str, row: int, column: str) -> Day | None:
        """None for an empty cell and for one of no form; two readings are refused."""
        days = [day for pattern in self._dates if written and (day := read_day(written, pattern))]
        real = {day.on for day in days if day.exists}
        if len(real) > 1:
            raise UnreadableStatementError(f"{written[:40]!r} can be two days.", row=row, column=column)
        return next((day for day in days if day.exists or not real), None)

    def value_day(self, layout: Layout, row: int, cells: list[str]) -> Day | None:
        written = layout.cell(cells, "value_date")
        day = self.day(written, row, layout.name("value_date"))
        if day is None and any(map(str.isdigit, written)):
            forms = " or ".join(self._profile.dates)
            raise UnreadableStatementError(
                f"{written[:40]!r} is not a day as {forms}.", row=row, column=layout.name("value_date")
            )
        return day

    def other_day(self, layout: Layout, row: int, cells: list[str]) -> Day | None:
        """When a pending row was begun: it has no day of booking."""
        for role in ("other_date", "value_date"):
            if day := self.day(layout.cell(cells, role), row, layout.name(role)):
                return day
        return None

    def payer(self, layout: Layout, cells: Sequence[str]) -> tuple[str, str]:
        name, account = layout.cell(cells, "payer"), layout.cell(cells, "payer_account")
        separator = self._profile.payer_separator
        if separator and separator in name:
            first, _, second = (part.strip() for part in name.partition(separator))
            parts = {"name": (first, account), "name_account": (first, second), "account_name": (second, first)}
            name, account = parts[self._profile.payer_parts]
        elif separator and set(layout.places.get("payer", ())) & set(layout.places.get("text", ())):
            name = ""  # a text without the sign after the payer names none
        return " ".join(name.split()), "".join(account.split()).upper() if "@" not in account else account

    def references(self, layout: Layout, cells: Sequence[str]) -> tuple[str, ...]:
        found = layout.cells(cells, "reference")
        for text in layout.cells(cells, "text"):
            if "REF+" not in text:
                continue
            tags = _SEPA_TAG.split(text)
            found += [
                value.strip() for tag, value in zip(tags[1::2], tags[2::2], strict=True) if tag in ("EREF", "KREF")
            ]
        return tuple(dict.fromkeys(value for value in found if not _NO_REFERENCE.fullmatch(value)))

    def is_return(self, layout: Layout, cells: Sequence[str]) -> bool:
        beginnings = tuple(words_of(self._profile.return_words))
        if not beginnings:
            return False
        said = [*layout.cells(cells, "kind"), *layout.cells(cells, "code"), *layout.cells(cells, "text")]
        return any(fold(cell[:100]).startswith(beginnings) for cell in said)


def check_currency(code: str, row: int | None, column: str) -> str:
    """The code, also one that ISO 4217 took back; "" stays."""
    if code and not _is_currency(code):
        raise UnreadableStatementError(f"{code[:10]!r} is not a currency.", row=row, column=column)
    return code


@lru_cache(maxsize=256)
def _is_currency(code: str) -> bool:
    try:
        minor_units(code)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def words_of(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold, words))


@lru_cache(maxsize=256)
def _marks(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(fold_mark, words))
