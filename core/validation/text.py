"""Texts are stored in NFC; codes (references, postal codes, tax ids) are compared folded."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from django.utils.translation import gettext as _

from core.problems import ValidationError

# Inside a character class of Python and of JSON Schema: controls of C0 and C1, line and paragraph separators, and what
# reverses text. Lone surrogates cannot be written there.
CONTROLS = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
FORBIDDEN = re.compile(rf"[{CONTROLS}\t\r\n\ud800-\udfff]")

BETWEEN_LINES = dict.fromkeys(map(ord, "\t\r\n"))

# Letters and symbols that are not drawn: Hangul fillers, an empty Braille cell, a null notehead.
NOT_DRAWN = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
# A joiner of graphemes, two vowels of Khmer, Mongolian selectors.
NEVER_DRAWN_MARKS = "\u034f\u17b4\u17b5\u180b-\u180d\u180f"
# Arabic letters after which a non-joiner changes nothing (Unicode ArabicShaping.txt, R).
JOINS_NOTHING = (
    "\u0622-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0673\u0675-\u0677\u0688-\u0699\u06c0-\u06cb\u06cd\u06cf"
    "\u06d2\u06d3\u06d5\u06ee\u06ef"
)
# Joiners and selectors in use: a non-joiner between Arabic letters (Persian), joiners of emoji, a selector after a
# symbol, the key of a keycap, or a Chinese character. Those after a virama: has_no_hidden_characters().
WITH_A_USE = re.compile(
    f"(?<=[\u0620-\u06ff\u0750-\u077f\u08a0-\u08c9])(?<![{JOINS_NOTHING}])\u200c(?=[\u0620-\u06ff\u0750-\u077f\u08a0-\u08c9])"
    "|(?<=[\u2600-\u27bf\ufe0f\U0001f300-\U0001faff])\u200d(?=[\u2190-\u27bf\U0001f300-\U0001faff])"
    "|(?<=[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]"
    "|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    "|(?<=[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
)
INVISIBLE_MARK = re.compile(f"[{NEVER_DRAWN_MARKS}\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# `str.isdecimal` takes digits of other scripts, and more than `int` reads.
SMALL_NUMBER = re.compile("[0-9]{1,9}")
VIRAMA = 9  # combining class: half forms with a joiner, none with a non-joiner
# No dashes by category: minus signs, a bullet, a drawn line, Japan's long vowel.
LIKE_A_DASH = frozenset("\u2212\u02d7\u2043\u2500\u30fc")


def composed(text: str) -> str:
    """NFC may be longer: U+0958 becomes two characters."""
    return unicodedata.normalize("NFC", text)


def is_single_line(text: str) -> bool:
    return FORBIDDEN.search(text) is None


def is_lines(text: str) -> bool:
    return is_single_line(text.translate(BETWEEN_LINES))


def has_visible_character(text: str) -> bool:
    """Not only spaces, joiners or lone accents."""
    return any(_is_drawn(character) for character in text)


def has_no_hidden_characters(text: str) -> bool:
    """Every character changes what is seen, so that two names that look the same are the same."""
    if text.isascii():
        return True
    text = WITH_A_USE.sub("", text)
    return not any(
        _is_invisible(character) and not (character in "\u200c\u200d" and unicodedata.combining(before) == VIRAMA)
        for before, character in pairwise(f" {text}")
    )


def ascii_digits(text: str) -> str:
    """Digits of every script; a superscript 2 is kept."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(character, character)) for character in text)


def as_code(text: str) -> str:
    """For comparing: NFKC, digits 0 to 9, every dash as `-`, every space as ` `, none invisible."""
    if not text.isascii():
        text = ascii_digits("".join(filter(None, map(_plain, unicodedata.normalize("NFKC", text)))))
    return text.strip()


def search_key(text: str) -> str:
    """For comparing references, and finding them in text: letters and digits only, in capitals, digits as 0 to 9.

    Folding may lengthen it.
    """
    return re.sub(r"[\W_]+", "", as_code(as_code(text).casefold()).upper())


def check_name(text: str, *, field: str, longest: int) -> None:
    """Raises ValidationError."""
    if not has_visible_character(text):
        raise ValidationError({field: [_("Write a name that can be seen.")]})
    if not is_single_line(text):
        raise ValidationError({field: [_("Write it on a single line.")]})
    if not has_no_hidden_characters(text):
        raise ValidationError({field: [_("There is a character in it that cannot be seen. Type it again.")]})
    if len(text) > longest:
        raise ValidationError({field: [_("Use at most %(count)d characters.") % {"count": longest}]})


def check_reason(text: str, *, longest: int, field: str = "reason") -> str:
    """Why somebody does it, in NFC, without blanks around it.

    longest: as the column has it. Raises ValidationError at `field` if there is none, or a longer one.
    """
    reason = composed(text).strip()
    if not has_visible_character(reason):
        raise ValidationError({field: [_("Say why.")]})
    if len(reason) > longest:
        raise ValidationError({field: [_("Use at most %(count)d characters.") % {"count": longest}]})
    return reason


def _is_drawn(character: str) -> bool:
    category = unicodedata.category(character)
    # Sk: accents that stand alone, such as U+00B4, and the skin tones of emoji.
    return category[0] in "LNPS" and category != "Sk" and character not in NOT_DRAWN


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) == "Cf" or character in NOT_DRAWN or INVISIBLE_MARK.match(character) is not None
    )


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Pd" or character in LIKE_A_DASH:
        return "-"
    if category == "Zs":
        return " "
    return "" if category == "Cf" else character
