"""What people type: one spelling for each text, what counts as text at all, and how two of them are compared.

Text is kept as it was typed, in NFC. Codes (references, postal codes, tax ids) are compared folded, so that digits of
another script, a long dash or a no-break space make no difference. Length is counted after every change.
"""

from __future__ import annotations

import re
import unicodedata

from django.utils.translation import gettext as _

from core.problems import ValidationError

# Controls of C0 and C1, lone surrogates, line and paragraph separators, and what turns text around.
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

# Letters and symbols by their category, yet nothing is drawn: Hangul fillers, an empty Braille cell, a null notehead.
NOT_DRAWN = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
# What is typed for a hyphen and is no dash by its category: minus signs, a bullet, a drawn line, Japan's long vowel.
LIKE_A_DASH = frozenset("\u2212\u02d7\u2043\u2500\u30fc")


def composed(text: str) -> str:
    """In NFC, the form in which text is kept. It may become longer: U+0958 is two characters then."""
    return unicodedata.normalize("NFC", text)


def is_single_line(text: str) -> bool:
    """Whether it is one line, of characters that people type."""
    return FORBIDDEN.search(text) is None


def is_drawn(text: str) -> bool:
    """Whether something of it is seen: a letter, digit or symbol. Spaces, joiners and lone accents are not."""
    return any(_is_drawn(character) for character in text)


def ascii_digits(text: str) -> str:
    """The same with the decimal digits of every script as 0 to 9; a raised 2 is no digit of a number and stays."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(character, character)) for character in text)


def as_code(text: str) -> str:
    """How codes are compared: NFKC, digits 0 to 9, every dash as `-`, every space as ` `, nothing invisible."""
    if not text.isascii():
        text = ascii_digits("".join(filter(None, map(_plain, unicodedata.normalize("NFKC", text)))))
    return text.strip()


def shortened(text: str, longest: int) -> str:
    """The beginning of a text that is too long, with an ellipsis: for columns that are filled from other texts."""
    return text if len(text) <= longest else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def check_name(text: str, *, field: str, longest: int) -> None:
    """Raise ValidationError naming `field` for a name that cannot be seen, stands on two lines or is too long."""
    if not is_drawn(text):
        raise ValidationError({field: [_("Write a name that can be seen.")]})
    if not is_single_line(text):
        raise ValidationError({field: [_("Write it on a single line.")]})
    if len(text) > longest:
        raise ValidationError({field: [_("Use at most %(count)d characters.") % {"count": longest}]})


def _is_drawn(character: str) -> bool:
    category = unicodedata.category(character)
    # Sk: accents that stand alone, such as U+00B4, and the skin tones of emoji.
    return category[0] in "LNPS" and category != "Sk" and character not in NOT_DRAWN


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Pd" or character in LIKE_A_DASH:
        return "-"
    if category == "Zs":
        return " "
    return "" if category == "Cf" else character
