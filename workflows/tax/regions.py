"""Whether two customers' states are the same: India asks for other taxes within a state than between two."""

from __future__ import annotations

import unicodedata
from functools import cache

import pycountry


def is_same_region(country: str, one: str, other: str) -> bool | None:
    """Names and codes of ISO 3166-2. None where either is not known, unless both are written alike."""
    first, second = _folded(one), _folded(other)
    if not first or not second:
        return None
    if first == second:
        return True
    known = _regions(country)
    return known[first] == known[second] if first in known and second in known else None


@cache
def _regions(country: str) -> dict[str, str]:
    """Code by name, short code and whole code, all folded."""
    found: dict[str, str] = {}
    for region in pycountry.subdivisions.get(country_code=country) or []:  # type: ignore[no-untyped-call]
        short = region.code.partition("-")[2]
        found |= {_folded(word): region.code for word in (region.name, short, region.code)}
    return found


def _folded(text: str) -> str:
    """Without accents, case, spaces and signs."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text).casefold() if letter.isalnum())
