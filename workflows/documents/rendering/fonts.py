"""What our fonts tell of themselves: which letters they have, and how wide these are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FONTS = Path(__file__).parents[1] / "fonts"
FAMILIES = ("NotoSans", "NotoNaskhArabic", "NotoNastaliqUrdu", "NotoSansDevanagari", "NotoSansBengali")


@cache
def advances() -> dict[int, float]:
    """Code point -> width, in times of the size of the letters, of all that one of the fonts has.

    In bold, so that it is rather more than less. A regular font has the letters of its bold one: a test compares them.
    """
    found: dict[int, float] = {}
    for family in FAMILIES:
        for code, width in _advances((FONTS / f"{family}-Bold.ttf").read_bytes()):
            found.setdefault(code, width)
    return found


def code_points(font: bytes) -> set[int]:
    return {code for code, _ in _glyphs(font)}


def _advances(font: bytes) -> Iterator[tuple[int, float]]:
    (size,) = struct.unpack_from(">H", font, _table(font, b"head") + 18)
    (count,) = struct.unpack_from(">H", font, _table(font, b"hhea") + 34)
    widths = struct.unpack_from(f">{2 * count}H", font, _table(font, b"hmtx"))[::2]
    for code, glyph in _glyphs(font):
        yield code, widths[min(glyph, count - 1)] / size


def _glyphs(font: bytes) -> Iterator[tuple[int, int]]:
    """Code points and glyphs: the `cmap` in format 4, which all five have, for none has a letter beyond U+FFFF."""
    start = _table(font, b"cmap")
    (count,) = struct.unpack_from(">H", font, start + 2)
    offsets = {start + struct.unpack_from(">HHL", font, start + 4 + 8 * number)[2] for number in range(count)}
    [start] = [offset for offset in offsets if struct.unpack_from(">H", font, offset)[0] == 4]
    (size,) = struct.unpack_from(">H", font, start + 6)
    lasts, firsts, deltas, ranges = (
        struct.unpack_from(f">{size // 2}H", font, start + at) for at in (14, 16 + size, 16 + 2 * size, 16 + 3 * size)
    )
    for number, (first, last, delta, offset) in enumerate(zip(firsts, lasts, deltas, ranges, strict=True)):
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                (glyph,) = struct.unpack_from(">H", font, start + 16 + 3 * size + 2 * (number + code - first) + offset)
            if glyph := (glyph + delta) % 0x10000:
                yield code, glyph


def _table(font: bytes, tag: bytes) -> int:
    (count,) = struct.unpack_from(">H", font, 4)
    records = (struct.unpack_from(">4sLLL", font, 12 + 16 * number) for number in range(count))
    found: int = next(offset for name, _, offset, _ in records if name == tag)
    return found
