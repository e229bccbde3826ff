"""Texts that are longer, or of more bytes, after they were normalized, capitalized or encoded."""

from __future__ import annotations

from collections.abc import Iterator

# Which grow when they are written in capitals, in small letters, in NFC, in NFKC; a letter in two characters, one that
# is many bytes, a digit of another script.
GROWING = "\u00df\u0130\u0958\ufdfa\ufb03e\u0301\U0001f4b8\u0669"


def growing(longest: int, kind: str = "") -> Iterator[tuple[str, str]]:
    """What it is called, and the text: as long as may be, by one way of counting or another.

    kind: what the field takes: `email`, `link`, or blank for any text.
    """
    yield "all that grows", (GROWING * longest)[:longest]
    yield "capitals", "\u00df" * longest
    yield "NFKC", "\ufdfa" * longest
    yield "longest in NFC", "\u0958" * (longest // 2)
    yield "decomposed, longest once composed", "e\u0301" * longest
    if kind == "email":
        yield "address", _address(min(longest, 254))
    if kind == "link":
        yield "link", f"https://example.com/{'é' * longest}"[:longest]
        yield "link to a host that grows", f"https://{'ü.' * longest}"[: longest - 3] + "com"


def _address(longest: int) -> str:
    """An e-mail address whose host is four times as long in IDNA."""
    room = longest - len("a@com")
    return f"a@{'ü.' * (room // 2)}com" if room > 1 else "a@b"
