"""Which letters can be printed."""

from __future__ import annotations

import unicodedata

from workflows.documents.rendering.fonts import advances

DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
JOINERS = frozenset("\u200b\u200c\u200d\u2060")

# Pictographs, flags, signs of games, keycaps, tags.
EMOJI = (
    (0x20E3, 0x20E3),
    (0x2300, 0x23FF),
    (0x2600, 0x27BF),
    (0x2B00, 0x2BFF),
    (0xFE0F, 0xFE0F),
    (0x1F000, 0x1F0FF),
    (0x1F1E6, 0x1F1FF),
    (0x1F300, 0x1FAFF),
    (0xE0000, 0xE007F),
)
# Python 3.11 knows Unicode 14. Letters that were assigned since, in rare Chinese names and in scripts of today, are no
# reason to refuse a name.
PERHAPS_LETTERS = (
    *((ord(letter), ord(letter)) for letter in "\u0c5c\u0cdc\u0cf3\u0ece\ua7f1"),
    (0x1C89, 0x1C8A),
    (0xA7CB, 0xA7DC),
    (0x10500, 0x1EFFF),
    (0x20000, 0x3FFFD),
)
# By the first word of their letters' names, where that is not what the script is called.
SCRIPTS = {"Cjk": "Chinese", "Hangul": "Korean", "Hiragana": "Japanese", "Katakana": "Japanese"}


def missing_letters(text: str) -> list[str]:
    """Those that no font has, each once, in their order."""
    letters = dict.fromkeys(unicodedata.normalize("NFC", text))
    return [letter for letter in letters if not _is_drawn(letter)]


def unprintable(text: str) -> list[str]:
    """Emoji, private and unassigned characters, symbols without a font: what a name may be refused for.

    Never a letter of a script in use, whether or not a font has it.
    """
    return [character for character in dict.fromkeys(text) if _is_unprintable(character)]


def script_of(letter: str) -> str:
    """`"Thai"`: from the letter's name; blank for one without a name."""
    first = unicodedata.name(letter, "").partition(" ")[0].capitalize()
    return SCRIPTS.get(first, first)


def _is_drawn(letter: str) -> bool:
    if ord(letter) in advances() or letter in DIRECTIONS or letter in JOINERS or letter.isspace():
        return True
    parts = unicodedata.normalize("NFD", letter)
    return parts != letter and all(ord(part) in advances() for part in parts)


def _is_unprintable(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cn":
        return not _is_within(character, PERHAPS_LETTERS) or _is_within(character, EMOJI)
    if category in ("Co", "Cs", "Cc") or _is_within(character, EMOJI):
        return True
    return category in ("So", "Sm", "Sk") and not _is_drawn(character) and not _stands_for_letters(character)


def _stands_for_letters(symbol: str) -> bool:
    """As the company sign of Japan does."""
    return any(character.isalpha() for character in unicodedata.normalize("NFKC", symbol))


def _is_within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(character) <= last for first, last in ranges)
