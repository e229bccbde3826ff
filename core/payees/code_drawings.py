"""QR codes as SVG. tests/core/qr_reader.py reads them again without the library that drew them."""

from __future__ import annotations

import re
from math import isqrt

import zxingcpp

QUIET_ZONE = 4  # modules on each side: ISO/IEC 18004, 9.1
STEP = re.compile(rb"\xff*\x00+")  # over what is light, then along what is dark


class _Steps(dict[bytes, str]):
    """Kept, for a code has some thousand steps of a few lengths: at most 176 x 176."""

    def __missing__(self, pixels: bytes) -> str:
        dark = pixels.count(0)
        step = self[pixels] = f"m{len(pixels) - dark} 0h{dark}"
        return step


_STEPS = _Steps()


def drawn_code(text: str) -> str:
    """Black on nothing, one unit a module; size and background are given by what shows it. Error correction M.

    Raises ValueError for what is not ASCII: it would be in a character set of the library's choice, announced by a
    segment (ECI) that banking apps need not know; so would bytes, as "binary".
    """
    if not text.isascii():
        raise ValueError("A code is drawn of ASCII only.")
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    rows = bytes(memoryview(code.to_image(add_quiet_zones=False)))  # type: ignore[arg-type]  # a Buffer
    width = isqrt(len(rows))
    path = "".join([_row(rows[start : start + width], start // width) for start in range(0, len(rows), width)])
    side = width + 2 * QUIET_ZONE
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><path stroke="#000" d="{path}"/></svg>'


def _row(pixels: bytes, number: int) -> str:
    """A line through the middle of each run of dark modules."""
    steps = "".join(map(_STEPS.__getitem__, STEP.findall(pixels)))
    return f"M{QUIET_ZONE} {number + QUIET_ZONE}.5{steps}"
