"""Amounts as banks write them: signs, brackets, Cr and Dr, currency signs, groups of three or of lakh."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from core.money import is_currency, minor_units
from workflows.bank.readers.statement import UnreadableStatementError, checked_amount

GROUPINGS = ("", ",", ".", " ", "'")

_DOLLARS = ("USD", "AUD", "CAD", "SGD", "HKD", "NZD", "TTD", "JMD", "NAD", "MXN", "COP", "CLP", "ARS")
CURRENCY_SIGNS: dict[str, tuple[str, ...]] = {
    "US$": ("USD",), "R$": ("BRL",), "S$": ("SGD",), "A$": ("AUD",), "C$": ("CAD",), "HK$": ("HKD",), "$": _DOLLARS,
    "£": ("GBP",), "€": ("EUR",), "₦": ("NGN",), "₹": ("INR",), "¥": ("JPY", "CNY"), "₱": ("PHP",), "৳": ("BDT",),
    "KSH": ("KES",), "RS": ("INR", "PKR", "LKR", "NPR", "MUR"), "FT": ("HUF",), "ZŁ": ("PLN",), "₴": ("UAH",),
    "KR": ("SEK", "NOK", "DKK", "ISK"), "₺": ("TRY",), "FR": ("CHF",), "₫": ("VND",), "₵": ("GHS",), "฿": ("THB",),
}  # fmt: skip
CREDIT_MARKS, DEBIT_MARKS = frozenset({"CR", "C"}), frozenset({"DR", "DB", "D"})

_AMOUNT = re.compile(
    r"(?P<before>[^\d.,]{0,12}?)(?P<number>[.,]?\d[\d.,'\u2019 ]{0,40}?)(?P<after>[^\d.,']{0,12})", re.ASCII
)
_AFFIX = re.compile(r"[+()\-]|[A-Z]{0,2}[$]|[^\W\d_]+\.?|[^\w\s]")
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009"), " ") | {0x2212: "-", 0x2013: "-", 0x2019: "'"}


@dataclass(frozen=True, slots=True)
class NumberForm:
    """`decimals`: most digits after the decimal sign; None is as many as the currency has, and two at least."""

    decimal: str = "."
    grouping: str = ","
    lakh: bool = False
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A number without its sign, and what was written for a sign: "+", "-" or "" and "in", "out" or ""."""

    size: Decimal
    sign: str = ""
    mark: str = ""

    @property
    def signed(self) -> Decimal:
        """With its sign or its mark; one that has neither is positive."""
        return -self.size if self.sign == "-" or self.mark == "out" else self.size


def read_number(text: str, form: NumberForm, *, currency: str, row: int, column: str) -> Written:
    """Raises UnreadableStatementError for another form, another currency's sign, or two signs at once."""
    pattern = _number_pattern(form, currency)
    number = pattern.fullmatch(text)
    if number is not None:
        return Written(_size(number, form, currency, row, column))
    text = text.translate(_SPACES).strip()
    match = _AMOUNT.fullmatch(text)
    number = pattern.fullmatch(match["number"].strip()) if match else None
    if match is None or number is None:
        raise UnreadableStatementError(
            f"{text[:40]!r} is not an amount with {_described(form)}.", row=row, column=column
        )
    size = _size(number, form, currency, row, column)
    try:
        sign, mark = _signs(match["before"], match["after"], currency)
    except ValueError as error:
        raise UnreadableStatementError(f"{text[:40]!r}: {error}.", row=row, column=column) from None
    return Written(size, sign, mark)


def _size(number: re.Match[str], form: NumberForm, currency: str, row: int, column: str) -> Decimal:
    whole = (number["whole"] or "0").replace(form.grouping, "") if form.grouping else number["whole"] or "0"
    return checked_amount(Decimal(f"{whole}.{number['decimals'] or 0}"), currency=currency, row=row, column=column)


def _signs(before: str, after: str, currency: str) -> tuple[str, str]:
    if not before and not after:
        return "", ""
    signs, marks = set(), set()
    if "(" in before or ")" in after:
        if before.count("(") != 1 or after.count(")") != 1:
            raise ValueError("a bracket is missing")
        signs.add("-")
    for token in _AFFIX.findall(f"{before} {after}".upper()):
        word = token.rstrip(".")
        if word in ("+", "-"):
            if word in signs:
                raise ValueError("the sign stands twice")
            signs.add(word)
        elif word in CREDIT_MARKS:
            marks.add("in")
        elif word in DEBIT_MARKS:
            marks.add("out")
        elif word not in ("(", ")"):
            _check_currency(word, currency)
    if len(signs) > 1 or len(marks) > 1 or (marks and signs not in (set(), {"+"} if marks == {"in"} else set())):
        raise ValueError("the signs contradict each other")
    return "".join(signs), "".join(marks)


def _check_currency(word: str, currency: str) -> None:
    possible = CURRENCY_SIGNS.get(word) or ((word,) if is_currency(word) else ())
    if not possible:
        raise ValueError(f"{word!r} is no sign and no currency")
    if currency and currency not in possible:
        raise ValueError(f"{word!r} is not {currency}")


def _decimals(form: NumberForm, currency: str) -> int:
    if form.decimals is not None:
        return form.decimals
    try:
        return max(2, minor_units(currency))
    except ValueError:
        return 2


@lru_cache(maxsize=64)
def _number_pattern(form: NumberForm, currency: str) -> re.Pattern[str]:
    decimals = _decimals(form, currency)
    group, point = re.escape(form.grouping), re.escape(form.decimal)
    whole = [r"\d{1,20}"]
    if form.grouping:
        whole.append(rf"\d{{1,3}}(?:{group}\d{{3}}){{1,6}}")
    if form.grouping and form.lakh:
        whole.append(rf"\d{{1,2}}(?:{group}\d{{2}}){{1,8}}{group}\d{{3}}")
    after = rf"{point}(?P<decimals>\d{{1,{decimals}}})" if decimals else "(?P<decimals>(?!))"
    return re.compile(rf"(?=.*\d)(?P<whole>{'|'.join(whole)})?(?:{after})?", re.ASCII)


def _described(form: NumberForm) -> str:
    group = f"{form.grouping!r} between groups" if form.grouping else "no groups"
    return f"the decimal sign {form.decimal!r} and {group}"
