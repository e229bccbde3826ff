"""Texts that look harmless: of characters that grow, of digits of other scripts, with characters that are not seen.

Each kind is a generator over the tables of Unicode, so that no list of cases has to be kept. Lone surrogates are among
them; `spelled` writes them for addresses and headers.
"""

from __future__ import annotations

import random
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import quote

# What may make a text longer on its way into the database, a mail or an address; some count characters, one bytes.
CHANGES: dict[str, Callable[[str], str | bytes]] = {
    "NFC": lambda text: unicodedata.normalize("NFC", text),
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "capitals": str.upper,
    "small letters": str.lower,
    "case folded": str.casefold,
    "UTF-8": str.encode,
}
# One of each kind, in few characters: also a letter in two characters, which becomes shorter, and a foreign digit.
GROWING = "\u0149\u00df\u0130\u0390\u0958\ufb2c\ufdfa\ufb03e\u0301\U0001f4b8\u0669"
# Not among the decimal digits of a script: a raised one, circled, a fraction, Roman, Chinese, Tamil ten. `str.isdigit`
# or `str.isnumeric` takes them and `int` does not.
NO_DECIMALS = "\u00b2\u2460\u2488\u00bd\u2167\u4e94\u0bf0\u1369"

LABEL = "\u00fc."  # of a host: four times as long in IDNA

UNSEEN = {
    "NUL": "\x00",
    "C0": "".join(map(chr, range(1, 32))) + "\x7f",
    "C1": "".join(map(chr, range(0x80, 0xA0))),
    "zero-width": "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064",
    "BOM": "\ufeff",
    "soft hyphen": "\u00ad",
    "direction": "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "deprecated direction": "".join(map(chr, range(0x206A, 0x2070))),
    "tags": "\U000e0001" + "".join(map(chr, range(0xE0020, 0xE0080))),
    "variation selectors": "".join(map(chr, range(0xFE00, 0xFE10))) + "\u180b\u180c\u180d\u180f",
    "ideographic variations": "".join(map(chr, range(0xE0100, 0xE01F0))),
    "fillers": "\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\u034f",
    "annotations": "\ufff9\ufffa\ufffb\u180e" + "".join(map(chr, range(0x1D173, 0x1D17B))),
    "separators": "\u2028\u2029\u0085",
    "spaces": "\u00a0\u1680\u2000\u2007\u2009\u202f\u205f\u3000",
    "lone surrogates": "\ud800\udbff\udc00\udfff",
    "no characters": "\ufdd0\ufffe\uffff\U0001ffff\U0010ffff",
    "private use": "\ue000\U000f0000\U0010fffd",
}


def odd_texts(longest: int, kind: str = "", *, number: str = "10", word: str = "Acme") -> Iterator[tuple[str, str]]:
    """Every kind. `longest`, `kind`: as in growing(); `number`, `word`: as in foreign_digits() and unseen()."""
    yield from growing(longest, kind)
    yield from foreign_digits(number)
    yield from unseen(word)


def some_odd_texts(count: int, longest: int, kind: str = "", **given: str) -> list[tuple[str, str]]:
    """A sample of them in which each kind has its part."""
    kinds = [[*growing(longest, kind)], [*foreign_digits(given.get("number", "10"))], [*unseen(given.get("word", "A"))]]
    return [each for texts in kinds for each in random.sample(texts, min(len(texts), -(-count // len(kinds))))]


def growing(longest: int, kind: str = "") -> Iterator[tuple[str, str]]:
    """What it is called, and the text: as long as may be, one less and one more, by each way of counting.

    kind: what the field takes: `email`, `link`, or blank for any text.
    """
    for change, make in CHANGES.items():
        worst, every = growers(change)
        times = max(1, len(make(worst)))
        for length in around(longest):
            yield f"{change}, {length} typed", worst * length
            yield f"{change}, all that grow, {length} typed", repeated(every, length)
        for length in around(longest // times):
            yield f"{change}, {length * times} once changed", worst * length
    for length in around(longest):
        yield f"all kinds, {length}", repeated(GROWING, length)
        yield f"decomposed, {length} once composed", "e\u0301" * length
        yield f"decomposed, {length} typed", repeated("e\u0301", length)
    if kind == "email":
        yield from _addresses(min(longest, 254))
    if kind == "link":
        yield from _links(longest)


def repeated(text: str, length: int) -> str:
    return (text * (length // len(text) + 1))[:length]


def around(longest: int) -> list[int]:
    return sorted({max(1, longest - 1), max(1, longest), longest + 1})


@cache
def growers(change: str) -> tuple[str, str]:
    """The character that such a change makes longest, and those that it makes longer, of all that Unicode has."""
    make = CHANGES[change]
    points = [*range(0x80, 0x3400), *range(0xF900, 0x10000), *range(0x1D100, 0x1D200), *range(0x1F000, 0x1F700)]
    by_length: dict[str, int] = {}
    for point in points:
        character = chr(point)
        if unicodedata.category(character) not in ("Cn", "Co", "Cs") and (length := len(make(character))) > 1:
            by_length[character] = length
    return max(by_length, key=lambda character: by_length[character]), "".join(by_length)


def foreign_digits(number: str) -> Iterator[tuple[str, str]]:
    """A number as other scripts write it, with scripts mixed, and with what only looks like a digit."""
    for zero in zeros():
        yield f"digits {unicodedata.name(zero)}", in_digits(number, zero)
    any_zero = zeros()
    mixed = "".join(in_digits(each, any_zero[(7 * place) % len(any_zero)]) for place, each in enumerate(number * 2))
    yield "digits of many scripts", mixed
    yield "one foreign digit", number[:-1] + in_digits(number[-1:], "\u0660")
    yield "one digit of ours", number[:1] + in_digits(number[1:] or "0", "\u0660")
    for sign in NO_DECIMALS:
        yield f"no decimal {unicodedata.name(sign)}", sign
        yield f"no decimal at the end {unicodedata.name(sign)}", number + sign
    arabic = in_digits(number, "\u0660")
    yield "Arabic separators", f"{arabic}\u066c\u0660\u0660\u0660\u066b\u0660\u0660"
    yield "full-width point", in_digits(number, "\uff10") + "\uff0e\uff10"
    for sign in ("\uff0d", "\u2212", "\ufe63", "+", "\uff0b"):
        yield f"sign {unicodedata.name(sign)}", sign + arabic
    yield "underscored", f"{arabic}_{arabic}"
    yield "exponent", f"{arabic}e{arabic}"
    yield "5000 foreign digits", in_digits("9" * 5000, "\u0660")
    yield "as many as fit an integer and one more", in_digits(str(2**31), "\u0660")
    yield "bigger than any integer", in_digits(str(2**63), "\uff10")


@cache
def zeros() -> tuple[str, ...]:
    """The zero of each script but ours."""
    every = map(chr, range(0x80, sys.maxunicode + 1))
    return tuple(each for each in every if each.isdecimal() and unicodedata.decimal(each) == 0)


def in_digits(text: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(each)) if each in "0123456789" else each for each in text)


def unseen(word: str) -> Iterator[tuple[str, str]]:
    """A word before, in and after which something stands that is not seen; and nothing but that."""
    for name, characters in UNSEEN.items():
        one, other = random.choice(characters), random.choice(characters)
        yield f"{name} alone {ord(one):04x}", one
        yield f"{name} before {ord(one):04x}", one + word
        yield f"{name} inside {ord(other):04x}", f"{word[:1]}{other}{word[1:]}"
        yield f"{name} after {ord(other):04x}", word + other
        yield f"{name}, many", f"{word}{characters[:20] * 20}"


def spelled(text: str) -> str:
    """In an address: percent-encoded, lone surrogates as UTF-8 would have them."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def as_header(text: str) -> str:
    """In a header: WSGI gives its bytes as Latin-1."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _addresses(longest: int) -> Iterator[tuple[str, str]]:
    """E-mail addresses that are as long as may be, by one way of counting or another."""
    yield "address, host longer in IDNA", f"a@{LABEL * ((longest - 5) // 2)}com" if longest > 8 else "a@b"
    for change in CHANGES:
        worst, _every = growers(change)
        for length in around(longest - len("@example.test")):
            yield f"address, {change}, {length}", f"{worst * length}@example.test"
        yield f"address, {change} in the host", f"a@{worst}{worst}.test"
        yield f"address, {change}", f"a{worst}@example.test"
    for name, characters in UNSEEN.items():
        yield f"address with {name}", f"a{characters[0]}b@example.test"
        yield f"address with {name} in the host", f"a@exa{characters[0]}mple.test"
    for zero in zeros()[::9]:
        yield f"address with {unicodedata.name(zero)}", f"a{zero}@ex{zero}ample.test"


def _links(longest: int) -> Iterator[tuple[str, str]]:
    """Links that are longer once they are written in ASCII."""
    before = "https://example.com/"
    for change in CHANGES:
        worst, _every = growers(change)
        for length in around(longest - len(before)):
            yield f"link, {change}, {length} typed", before + worst * length
        for length in around((longest - len(before)) // max(1, len(quote(worst)))):
            yield f"link, {change}, as long as may be in ASCII, {length}", before + worst * length
        yield f"link, {change} in the host", f"https://{worst}.example.com/"
        yield f"link, {change} after the question mark", f"{before}?{worst}#{worst}"
    yield "link to a host that grows", f"https://{LABEL * longest}"[: longest - 3] + "com"
    for name, characters in UNSEEN.items():
        yield f"link with {name}", f"{before}a{characters[0]}b"
        yield f"link to a host with {name}", f"https://exa{characters[0]}mple.com/"
    for zero in zeros()[::9]:
        yield f"link to digits {unicodedata.name(zero)}", f"https://{in_digits('127.0.0.1', zero)}/"
