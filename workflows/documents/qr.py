from __future__ import annotations

import segno


def drawn_code(text: str) -> str:
    """A QR code as an SVG for paper: black on white."""
    code = segno.make(text, error="m", micro=False)
    return str(code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None, dark="#000"))
