"""PDFs as two other programs read them."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image

Box = tuple[float, float, float, float]  # left, bottom, right, top


def pages(pdf: bytes) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]


def text(pdf: bytes) -> str:
    return " ".join("\n".join(pages(pdf)).split())


def sizes(pdf: bytes) -> set[tuple[int, int]]:
    """Points."""
    return {(round(width), round(height)) for width, height in (page.get_size() for page in pypdfium2.PdfDocument(pdf))}


def boxes(pdf: bytes) -> list[tuple[str, Box, Box]]:
    """Each letter that is drawn, its place, and that of its page."""
    found: list[tuple[str, Box, Box]] = []
    for page in pypdfium2.PdfDocument(pdf):
        width, height = page.get_size()
        letters = page.get_textpage()
        for number in range(letters.count_chars()):
            box = letters.get_charbox(number)
            if box[2] > box[0] and (letter := letters.get_text_range(number, 1)).strip():
                found.append((letter, box, (0, 0, width, height)))
    return found


def pictures(pdf: bytes, dpi: int) -> list[Image.Image]:
    return [page.render(scale=dpi / 72).to_pil() for page in pypdfium2.PdfDocument(pdf)]


def lines(pdf: bytes) -> list[str]:
    """As they are seen, each from left to right without spaces, which tells in which order letters are drawn."""
    rows: dict[tuple[float, int], list[tuple[float, str]]] = {}
    for number, page in enumerate(pypdfium2.PdfDocument(pdf)):
        letters = page.get_textpage()
        for index in range(letters.count_chars()):
            letter, box = letters.get_text_range(index, 1), letters.get_charbox(index, loose=True)
            rows.setdefault((number, round(box[1])), []).append((box[0], letter.strip()))
    return ["".join(letter for _, letter in sorted(row)) for row in rows.values()]


def tags(pdf: bytes) -> Counter[str]:
    with pikepdf.open(BytesIO(pdf)) as file:
        return Counter(_tags(file.Root.StructTreeRoot.K))


def alternatives(pdf: bytes) -> list[str]:
    with pikepdf.open(BytesIO(pdf)) as file:
        return [str(part.Alt) for part in file.objects if isinstance(part, pikepdf.Dictionary) and "/Alt" in part]


def fonts(pdf: bytes) -> set[str]:
    with pikepdf.open(BytesIO(pdf)) as file:
        names = [
            str(part.FontName) for part in file.objects if isinstance(part, pikepdf.Dictionary) and "/FontName" in part
        ]
    return {name.partition("+")[2] for name in names}


def _tags(node: Any) -> list[str]:
    if isinstance(node, pikepdf.Array):
        return [tag for part in node for tag in _tags(part)]
    if not isinstance(node, pikepdf.Dictionary) or "/S" not in node:
        return []
    return [str(node.S)[1:], *(_tags(node.K) if "/K" in node else [])]
