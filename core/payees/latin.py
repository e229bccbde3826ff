"""A bank compares names with those of accounts, so half a name is worse than none."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from anyascii import anyascii

SIGNS = "/?:().,'+-"  # with letters, digits and spaces: SEPA's Latin character set
BULGARIAN_LETTERS = "абвгдежзийклмнопрстуфхцчшщъьюяѝ"
# Bulgaria's Transliteration Act of 2009, as in the SEPA conversion table (EPC217-08), which lacks the Act's -ia for -ия
# at the end; anyascii writes these as Russian.
BULGARIAN = {"щ": "sht", "ъ": "a", "х": "h", "ь": "y"}  # noqa: RUF001
TRADE_MARKS = dict.fromkeys(map(ord, "\u2122\u2120\u00ae\u00a9"))
WORD = re.compile(r"[^\W\d_]+")


class NotLatinError(ValueError):
    """No Latin form says all that the text says. The sentence is for the operator."""


def in_latin(text: str, *, country: str = "") -> str:
    """Signs without a form are left out. country: of the account, ISO 3166-1.

    Raises NotLatinError for a text without a letter or digit, and for letters without one form that banks agree on:
    Arabic, Chinese, Cyrillic outside Bulgaria.
    """
    plain = unicodedata.normalize("NFKC", _numbers_apart(text.translate(TRADE_MARKS)))
    written = WORD.sub(lambda word: _word(word.group(), country), plain)
    kept = " ".join("".join(map(_sign, written)).split())
    if not re.search(r"[A-Za-z0-9]", kept):
        raise NotLatinError("There is no letter in it.")
    return kept


def is_latin(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    return all(_script(char) in ("LATIN", "MODIFIER") for char in plain if char.isalpha())


def _numbers_apart(text: str) -> str:
    """9½ is 9 1/2, not 91/2 nor 912."""
    return "".join(
        f" {char}" if before.isnumeric() and char.isnumeric() and _is_one_sign(before + char) else char
        for before, char in pairwise(f" {text}")
    )


def _is_one_sign(chars: str) -> bool:
    return any(unicodedata.category(char) == "No" for char in chars)


def _word(letters: str, country: str) -> str:
    latin = "".join(_letter(letter, country) for letter in letters)
    return latin.upper() if len(letters) > 1 and letters.isupper() else latin


def _letter(letter: str, country: str) -> str:
    script, small = _script(letter), letter.lower()
    latin = ""
    if script in ("LATIN", "GREEK", "MODIFIER"):
        latin = anyascii(letter)
    elif country == "BG" and small in BULGARIAN_LETTERS:
        latin = BULGARIAN.get(small) or anyascii(small)
        latin = latin.capitalize() if letter.isupper() else latin
    if not re.fullmatch(r"[A-Za-z']+", latin):
        raise NotLatinError(f"The letter {letter} has no form in Latin letters that all banks agree on.")
    return latin


def _sign(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if (char.isascii() and char.isalnum()) or char in SIGNS:
        return char
    category = unicodedata.category(char)
    if category in ("Sc", "Co", "Cn", "Cs"):  # a currency sign often stands for a letter
        raise NotLatinError(f"The sign {char} has no form in Latin letters.")
    if category == "Cf" or category.startswith("M"):  # the letter below has been written
        return ""
    plain = "+" if char == "&" else anyascii(char)
    return plain if plain and all(sign in SIGNS for sign in plain) else " "


def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]
