"""A logo is a picture and nothing else: what reaches out of it, runs in it or grows without end is refused by name."""

from __future__ import annotations

import re
import struct
from typing import Literal
from xml.parsers import expat

from workflows.documents.rendering.drawing import PNG, NotDrawn, draw_alone

LONGEST = 200_000  # bytes
WIDEST = 4000  # pixels of a side
MOST_PIXELS = 4_000_000
MOST_ELEMENTS = 5000
MOST_USES = 100
DEEPEST = 60
SVG = "http://www.w3.org/2000/svg"
SHAPES = frozenset(["path", "rect", "circle", "ellipse", "line", "polyline", "polygon"])
PARTS = frozenset(["svg", "g", "defs", "symbol", "use", "title", "desc", "metadata", "style"])
PAINT = frozenset(["linearGradient", "radialGradient", "stop", "clipPath", "mask"])
# A backslash could write any of them otherwise.
LOADS = re.compile(r"@import|url\(\s*+[\"']?+(?!#)|image-set|\\", re.IGNORECASE)


class LogoError(ValueError):
    """The sentence is for the operator."""


def check_logo(content: bytes) -> Literal["png", "svg"]:
    """Raises LogoError."""
    if len(content) > LONGEST:
        raise LogoError(f"The file has more than {LONGEST // 1000} kB.")
    kind: Literal["png", "svg"] = "png" if content.startswith(PNG) else "svg"
    if kind == "png":
        _check_png(content)
    else:
        _SvgCheck().run(content)
    try:
        draw_alone(kind, content)
    except NotDrawn as error:
        raise LogoError(f"The picture cannot be drawn: {error}.") from error
    return kind


def _check_png(content: bytes) -> None:
    if content[12:16] != b"IHDR" or len(content) < 33:
        raise LogoError("The file is no whole PNG.")
    width, height = struct.unpack(">LL", content[16:24])
    if not (0 < width <= WIDEST and 0 < height <= WIDEST) or width * height > MOST_PIXELS:
        raise LogoError(f"The picture has {width} x {height} pixels; at most {WIDEST} a side and 4 million are taken.")


class _SvgCheck:
    def __init__(self) -> None:
        self.path: list[tuple[str, str]] = []  # name and id of the element and those around it
        self.count = 0
        self.uses: set[str] = set()  # ids of what they show
        self.use_count = 0
        self.around_uses: set[str] = set()
        self.style = ""

    def run(self, content: bytes) -> None:
        parser = expat.ParserCreate("utf-8", " ")  # names are "namespace name"
        parser.StartDoctypeDeclHandler = self.doctype
        parser.ProcessingInstructionHandler = self.instruction
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            raise LogoError("The file is neither a PNG nor an SVG that can be read.") from error
        if self.use_count > MOST_USES or self.around_uses & self.uses:
            raise LogoError("An SVG logo may not show parts of itself within each other (<use>).")
        if LOADS.search(self.style):
            raise LogoError("An SVG logo may not load anything: <style>.")

    def doctype(self, *_: object) -> None:
        raise LogoError("An SVG logo may not have a DOCTYPE: remove that line.")

    def instruction(self, target: str, _: str) -> None:
        raise LogoError(f"An SVG logo may not have <?{target}?>.")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, plain = name.rpartition(" ")
        self.count += 1
        if self.count > MOST_ELEMENTS or len(self.path) > DEEPEST:
            raise LogoError("The SVG has too many parts.")
        if not self.path and name != f"{SVG} svg":
            raise LogoError("The file is neither a PNG nor an SVG that can be read.")
        if namespace in ("", SVG) and plain not in SHAPES | PARTS | PAINT:
            hint = ": turn letters into paths" if plain in ("text", "tspan", "textPath") else ""
            raise LogoError(f"An SVG logo may not have <{plain}>{hint}.")
        for attribute, value in attributes.items():
            _check_attribute(attribute.rpartition(" ")[2], value)
        if plain == "use":
            self.use_count += 1
            self.uses |= {value.strip()[1:] for attribute, value in attributes.items() if attribute.endswith("href")}
            self.around_uses |= {around for _, around in self.path if around}
        self.path.append((plain, attributes.get("id", "")))

    def end(self, _: str) -> None:
        self.path.pop()

    def text(self, text: str) -> None:
        if self.path[-1][0] == "style":
            self.style += text


def _check_attribute(name: str, value: str) -> None:
    if name.lower().startswith("on"):
        raise LogoError(f"An SVG logo may not have scripts: {name}.")
    if (name.lower() in ("href", "src", "base") and not value.strip().startswith("#")) or LOADS.search(value):
        raise LogoError(f"An SVG logo may not load anything: {name}.")
