"""typst, with our fonts alone: a document looks the same on every machine."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import typst

from engine.errors import PermanentFailure
from workflows.documents.rendering.data import Attachment
from workflows.documents.rendering.fonts import FONTS

TEMPLATE = Path(__file__).with_name("template.typ")
STANDARDS: list[typst.PDFStandard] = ["a-3a", "ua-1"]
LOGO_ALONE = b"""
#let logo = json(bytes(sys.inputs.logo))
#set document(title: "Logo")
#image(bytes(logo.content), format: logo.type, alt: "Logo", height: 15mm)
"""
PNG = b"\x89PNG\r\n\x1a\n"


class NotDrawn(PermanentFailure):
    """typst refused, and would again; the words are its own."""


def draw(page: Mapping[str, Any], attachment: Attachment | None = None) -> bytes:
    """page: of layout.py. Raises NotDrawn."""
    inputs = {"paper": _json(page)}
    if attachment is not None:
        inputs["attachment"] = _json(attachment)
    with _refusals():
        pdf = _compiler().compile(format="pdf", sys_inputs=inputs, pdf_standards=STANDARDS)
    return cast("bytes", pdf)


def draw_alone(kind: Literal["png", "svg"], content: bytes) -> None:
    """Raises NotDrawn for a picture that no document could show."""
    inputs = {"logo": _json({"type": kind, "content": content.decode() if kind == "svg" else list(content)})}
    with _refusals():
        typst.compile(LOGO_ALONE, font_paths=_fonts(), sys_inputs=inputs, format="pdf", pdf_standards=STANDARDS)


def picture(kind: Literal["png", "svg"], content: bytes) -> str:
    """As SVG, for typst reads no base64, and a PNG as a list of numbers takes five times as long. Raises NotDrawn."""
    if kind == "svg":
        return content.decode()
    if not content.startswith(PNG) or len(content) < 24:
        raise NotDrawn("The logo is no PNG.")
    width, height = struct.unpack(">LL", content[16:24])
    size, data = f'width="{width}" height="{height}"', base64.b64encode(content).decode()
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><image {size} href="data:image/png;base64,{data}"/></svg>'


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except typst.TypstError as error:
        raise NotDrawn(error.message) from error
    except BaseException as error:
        # A panic inside typst is no Exception, so it would end the worker's thread. Its compiler may be half done.
        if type(error).__name__ != "PanicException":
            raise
        _local.__dict__.clear()
        raise NotDrawn(f"typst failed: {error}") from error


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_local = threading.local()


def _compiler() -> typst.Compiler:
    """One a thread: typst refuses a second call of one that is busy."""
    if not hasattr(_local, "compiler"):
        _local.compiler = typst.Compiler(TEMPLATE, font_paths=_fonts())
    return cast("typst.Compiler", _local.compiler)


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
