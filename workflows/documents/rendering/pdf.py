"""From a document's data to the bytes of its PDF: PDF/A-3a and PDF/UA-1, the same bytes for the same data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

import pikepdf

from engine.errors import PermanentFailure
from workflows.documents.rendering.data import Attachment
from workflows.documents.rendering.drawing import NotDrawn, draw
from workflows.documents.rendering.layout import layout
from workflows.documents.rendering.scripts import missing_letters, script_of

NOT_SET = frozenset({"logo", "svg", "alternative"})  # in no font
NOT_SET_BY_TYPST = re.compile(r'the text `"(.*?)"` could not be displayed')


class MissingLetters(PermanentFailure):
    """No font that comes with the product has these letters.

    scripts: of the letters, such as "Thai", in their order.
    """

    def __init__(self, letters: list[str]) -> None:
        self.letters = letters
        self.scripts = list(dict.fromkeys(filter(None, map(script_of, letters))))
        shown = ", ".join(f"{letter} ({script_of(letter) or f'U+{ord(letter):04X}'})" for letter in letters)
        super().__init__(f"No font has the letters {shown}.")


def render(data: Mapping[str, Any], attachment: Attachment | None = None) -> bytes:
    """data: a DocumentData. Raises MissingLetters, and NotDrawn for a logo or code that is no picture."""
    page = layout(data)
    if missing := missing_letters("".join(_texts(page))):
        raise MissingLetters(missing)
    try:
        return _packed(draw(page, attachment))
    except NotDrawn as error:
        # Letters of two fonts that would have to be one, such as a Latin accent over a Bengali letter.
        if found := NOT_SET_BY_TYPST.search(str(error)):
            raise MissingLetters(list(dict.fromkeys(_unescaped(found[1])))) from error
        raise


def _unescaped(text: str) -> str:
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), text)


def _packed(pdf: bytes) -> bytes:
    """A fourth to a half smaller: typst writes each tag as an object of its own."""
    out = BytesIO()
    with pikepdf.open(BytesIO(pdf)) as file:
        file.save(
            out,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            deterministic_id=True,
            fix_metadata_version=False,  # the claims stay as typst wrote them
        )
    return out.getvalue()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in NOT_SET:
                yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
