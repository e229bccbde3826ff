"""Amounts as people type them: 1,234.50, 1.234,50, 1,23,456.50, Rs. 500/-, in digits of any script.

Every possible reading is returned; the form asks back when there are several.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

from core.money import CEILING, is_currency, minor_units, quantize
from core.validation.text import ascii_digits

DOLLARS = "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP UYU JMD TTD BBD BSD BZD FJD NAD GYD SRD LRD XCD BMD KYD BND"
RUPEES = "INR PKR NPR LKR MUR SCR"
CROWNS = "SEK NOK DKK ISK CZK"
# In small letters, with the currencies that they may stand for.
WORDS = {
    "$": DOLLARS, "us$": "USD", "a$": "AUD", "c$": "CAD", "nz$": "NZD", "s$": "SGD", "hk$": "HKD", "nt$": "TWD",
    "mx$": "MXN", "r$": "BRL", "dollar": DOLLARS, "dollars": DOLLARS, "pesos": "MXN ARS CLP COP UYU PHP",
    "\u20ac": "EUR", "euro": "EUR", "euros": "EUR", "\u00a3": "GBP EGP LBP SYP GIP FKP SHP",
    "pounds": "GBP EGP", "\u00a5": "JPY CNY", "\u5186": "JPY", "yen": "JPY", "\u5143": "CNY", "rmb": "CNY",
    "\u20b9": "INR", "\u20a8": RUPEES, "rs": RUPEES, "rs.": RUPEES, "re": RUPEES, "rupee": RUPEES, "rupees": RUPEES,
    "\u20bd": "RUB", "\u0440\u0443\u0431": "RUB", "\u0440\u0443\u0431.": "RUB", "z\u0142": "PLN", "k\u010d": "CZK",
    "kr": CROWNS, "kr.": CROWNS, "\u20ba": "TRY", "tl": "TRY", "\u20a6": "NGN", "naira": "NGN", "\u20b1": "PHP",
    "\u20ab": "VND", "\u0111": "VND", "\u0e3f": "THB", "\u0e1a\u0e32\u0e17": "THB", "baht": "THB", "\u20a9": "KRW",
    "\uc6d0": "KRW", "\u20aa": "ILS", "\u20b4": "UAH", "\u20b8": "KZT", "\u20b5": "GHS", "\u20ad": "LAK",
    "lei": "RON MDL", "ft": "HUF", "fr": "CHF", "fr.": "CHF", "sfr": "CHF", "\u09f3": "BDT", "tk": "BDT", "taka": "BDT",
    "ksh": "KES", "tsh": "TZS", "ush": "UGX", "dh": "AED MAD", "dhs": "AED", "\u20c3": "AED", "sr": "SAR", "rp": "IDR",
    "rm": "MYR", "dt": "TND", "kd": "KWD", "bd": "BHD", "\u062f.\u0643": "KWD", "\u062f.\u0643.": "KWD",
    "\u062f.\u0625": "AED", "\u0631.\u0633": "SAR", "\u062f\u064a\u0646\u0627\u0631": "KWD BHD JOD IQD TND DZD LYD",
    "\u0631\u064a\u0627\u0644": "SAR QAR OMR YER", "\u062f\u0631\u0647\u0645": "AED MAD",
    "\u062c\u0646\u064a\u0647": "EGP",
}  # fmt: skip

# "500/-", "89.-"
NO_CENTS = re.compile(r"[.,]\s?[-\u2013\u2014]{1,2}|/[-=]")
GROUPERS = "' "
MARKS = str.maketrans(
    {
        "\u066b": "D", "\u066c": "'", "\uff0e": ".", "\uff0c": ",", "\u060c": ",", "\u3001": ",",
        "\u2019": "'", "\u02bc": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2007": " ", "\u3000": " ",
    }
)  # fmt: skip
INVISIBLE = re.compile("[\u200b-\u200f\u061c\u2060\ufeff\u00ad]")
LONGEST_WHOLE = 12
THOUSAND = 3  # zeros
THREES = re.compile(r"[1-9][0-9]{0,2}(?:S[0-9]{3})+")
LAKHS = re.compile(r"[1-9][0-9]?(?:S[0-9]{2})+S[0-9]{3}")


class OtherCurrencyError(ValueError):
    """The text names another currency."""


class TooManyDigitsError(ValueError):
    """It is a number with more digits after the point than its currency has."""


def readings(text: str, currency: str = "") -> list[Decimal]:
    """The smallest first; empty when it is no amount. currency: blank: a number as our pages write it.

    Raises OtherCurrencyError, TooManyDigitsError.
    """
    if not currency:
        return [Decimal(ascii_digits(text.strip()).replace(",", ""))] if is_as_written(text) else []
    number, is_whole = _bare(text, currency)
    places = minor_units(currency)
    meant, has_too_many = set(), False
    for amount, mark in _numbers(number, is_whole):
        if _is_fine(amount, mark, places):
            meant.add(quantize(amount, currency))
        elif mark == "." and (places or _digits(amount) != THOUSAND):
            has_too_many = True
    if has_too_many:
        raise TooManyDigitsError(text)
    return sorted(meant)


def is_as_written(text: str) -> bool:
    """As on our pages, so that nobody has to be told how it was read."""
    return re.fullmatch(r"[0-9]+(\.[0-9]+)?|[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", ascii_digits(text.strip())) is not None


def _bare(text: str, currency: str) -> tuple[str, bool]:
    """(the number, whether it has no cents)"""
    text = ascii_digits(INVISIBLE.sub("", text).translate(MARKS)).strip()
    found = re.fullmatch(r"([^0-9]*)([0-9](?:.*[0-9])?)([^0-9]*)", text)
    if found is None:
        return "", False
    before, number, after = found.groups()
    without = NO_CENTS.match(after)
    after = after[without.end() :] if without else after
    for word in [*before.split(), *after.split()]:
        if not _stands_for(word, currency):
            return "", False
    return re.sub(" +", " ", number), without is not None


def _stands_for(word: str, currency: str) -> bool:
    """Raises OtherCurrencyError."""
    plain = unicodedata.normalize("NFKC", word) if word not in WORDS else word
    codes = WORDS.get(plain.casefold(), "").split() or [plain.upper()]
    if currency in codes:
        return True
    if any(is_currency(code) for code in codes):
        raise OtherCurrencyError(word)
    return False


def _numbers(number: str, is_whole: bool) -> Iterator[tuple[Decimal, str]]:
    """(value, decimal mark), blank for a whole number."""
    if whole := _whole(number, ".," + GROUPERS):
        yield Decimal(whole), ""
    if is_whole:
        return
    for mark, groupers in ((".", ","), (",", "."), ("D", ".,")):
        head, found, tail = number.partition(mark)
        whole = _whole(head, groupers + GROUPERS)
        if found and whole and re.fullmatch(r"[0-9]{1,4}", tail):
            yield Decimal(f"{whole}.{tail}"), mark


def _whole(text: str, groupers: str) -> str:
    """The digits; empty for anything but a whole number."""
    separators = {sign for sign in text if not sign.isdigit()}
    if not separators:
        return text if 0 < len(text) <= LONGEST_WHOLE else ""
    if len(separators) > 1 or not separators <= set(groupers):
        return ""
    shape = text.replace(separators.pop(), "S")
    digits = shape.replace("S", "")
    is_grouped = THREES.fullmatch(shape) or LAKHS.fullmatch(shape)
    return digits if is_grouped and len(digits) <= LONGEST_WHOLE else ""


def _is_fine(amount: Decimal, mark: str, places: int) -> bool:
    if not amount < CEILING or amount != round(amount, places):
        return False
    if places == 0:
        return _digits(amount) != THOUSAND
    # A comma before three digits divides thousands on our pages, a point does elsewhere.
    return _digits(amount) <= places or mark != ","


def _digits(amount: Decimal) -> int:
    """After the point, as typed."""
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
