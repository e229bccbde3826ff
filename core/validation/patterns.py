"""A pattern language for numbers such as `R-#{4,8}` (docs/api.md).

Matching is linear: no pattern makes a request hang.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import cycle
from string import ascii_uppercase, digits

from core.validation.text import as_code

MAX_LENGTH = 140
CLASSES = {"#": digits, "@": ascii_uppercase, "*": digits + ascii_uppercase}
TOKEN = re.compile(r"([#@*])(?:\{([0-9]{1,3})(?:,([0-9]{1,3}))?\})?|([A-Z0-9./:&_+])")

Token = tuple[str, int, int]  # characters; at least and at most how many


def matches(mask: str, text: str) -> bool:
    """Raises ValueError for a mask that cannot be read."""
    alternatives = parse(mask)
    code = as_code(text)
    plain = _plain(code)
    return code.isascii() and len(plain) <= MAX_LENGTH and any(_matches(tokens, plain) for tokens in alternatives)


def example(mask: str) -> str:
    """The shortest that matches: `A1B 2C3` for `@#@ #@#`."""
    first = mask.split("|")[0].strip()
    numbers, letters = cycle("1234567890"), cycle(ascii_uppercase)

    def fill(found: re.Match[str]) -> str:
        kind, low, _, literal = found.groups()
        return literal or "".join(next(letters if kind == "@" else numbers) for _ in range(int(low or 1)))

    return TOKEN.sub(fill, first.upper())


@lru_cache(maxsize=512)
def parse(mask: str) -> tuple[tuple[Token, ...], ...]:
    """Raises ValueError with a sentence for the person who typed it."""
    return tuple(_parse(_plain(alternative)) for alternative in mask.split("|"))


def _matches(tokens: tuple[Token, ...], text: str) -> bool:
    places = {0}
    for allowed, low, high in tokens:
        reached: set[int] = set()
        for place in places:
            run = 0
            while run < high and place + run < len(text) and text[place + run] in allowed:
                run += 1
            reached.update(range(place + low, place + run + 1))
        places = reached
    return len(text) in places


def _parse(alternative: str) -> tuple[Token, ...]:
    tokens: list[Token] = []
    place = 0
    while place < len(alternative):
        found = TOKEN.match(alternative, place)
        if found is None:
            raise ValueError(f"{alternative[place]!r} cannot stand there.")
        kind, low, high, literal = found.groups()
        at_least = int(low or 1)
        at_most = int(high or at_least)
        if at_most < 1 or not at_least <= at_most <= MAX_LENGTH:
            raise ValueError(f"{found[0]} does not count up to at most {MAX_LENGTH}.")
        tokens.append((CLASSES.get(kind, literal), at_least, at_most))
        place = found.end()
    if not tokens:
        raise ValueError("An alternative is empty.")
    return tuple(tokens)


def _plain(text: str) -> str:
    return text.replace(" ", "").replace("-", "").upper()
