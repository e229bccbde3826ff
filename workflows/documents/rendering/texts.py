"""Texts as the template takes them: a string, or runs of (direction, string) where both directions meet."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from workflows.documents.rendering.fonts import advances
from workflows.documents.rendering.scripts import DIRECTIONS

Runs = str | list[tuple[str, str]]

RTL = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
RTL_LETTER = re.compile(f"[{RTL}]")
LETTER = re.compile(r"[^\W\d_]")
# From its first letter, digit or sign to its last letter or digit, with brackets that it opened.
LTR_RUN = re.compile(rf"[-+\u2212#$€£¥₹]*[^\W{RTL}](?:[^{RTL}]*[^\W{RTL}])?(?: ?%)?")
ONE_WORD = re.compile(r"\w+")
# Directions are set by the template; a soft hyphen, a byte order mark and variation selectors would print as signs.
NOT_PRINTED = dict.fromkeys(map(ord, [*DIRECTIONS, "\u00ad", "\ufeff", *map(chr, range(0xFE00, 0xFE10))]))
SPACES = re.compile(r"[^\S\u00a0\u202f]+|[\x00-\x1f\x7f-\x9f]+")  # those that may break a line
BREAK = "\u200b"
VIRAMA = 9  # combining class


def clean(text: str, width: float = 40) -> str:
    """One line without marks of direction. A word that is wider than `width` may break. width: see `width_of`."""
    words = SPACES.split(text.translate(NOT_PRINTED))
    return " ".join(word if width_of(word) <= width else _breakable(word, width) for word in words if word)


def width_of(text: str) -> float:
    """In times of the size of its letters: in bold and without kerning, so rather more than less."""
    widths = advances()
    return sum([widths.get(ord(letter), 1.0) for letter in text])


def _breakable(word: str, width: float) -> str:
    out, length = "", 0.0
    for before, character in pairwise(f" {word}"):
        if length >= width / 5 and _may_break(before, character):
            out, length = out + BREAK, 0
        out, length = out + character, length + width_of(character)
    return out


def runs(text: str, direction: str) -> Runs:
    """Numbers, references and foreign words keep their own direction."""
    if direction == "ltr":
        first = LETTER.search(text)
        return [("rtl", text)] if first and RTL_LETTER.match(first[0]) else text
    if not RTL_LETTER.search(text):
        return [("ltr", text)] if LTR_RUN.search(text) and not ONE_WORD.fullmatch(text) else text
    return _with_ltr_runs(text)


def _with_ltr_runs(text: str) -> Runs:
    parts: list[tuple[str, str]] = []
    end = 0
    for found in LTR_RUN.finditer(text):
        start, stop = found.start(), found.end()
        while stop < len(text) and text[stop] == ")" and text.count("(", start, stop) > text.count(")", start, stop):
            stop += 1
        if ONE_WORD.fullmatch(text, start, stop):
            continue
        parts += [("rtl", text[end:start]), ("ltr", text[start:stop])]
        end = stop
    return [part for part in [*parts, ("rtl", text[end:])] if part[1]] if parts else text


def _may_break(before: str, character: str) -> bool:
    """Never before a mark nor within letters that are drawn as one."""
    if unicodedata.category(character).startswith("M") or character in "\u200c\u200d":
        return False
    return unicodedata.combining(before) != VIRAMA and before not in "\u200c\u200d"
