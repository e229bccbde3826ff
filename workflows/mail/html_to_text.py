from __future__ import annotations

import re
from html.parser import HTMLParser

from django.utils.translation import get_language_bidi

PARAGRAPHS = {"blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table", "ul"}
LINES = {"li", "tr"}
LEFT_OUT = {"head", "style"}
ONLY_HTML = {"preheader", "only-html"}  # classes that are left out of the text
VOID = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}
LEFT_TO_RIGHT_MARK = "\u200e"
SPACES = re.compile(r"[ \t\r\n\f]+")


def html_to_text(html: str) -> str:
    """Blank lines between paragraphs, bullets, `> ` before quotations, `label: value`, URLs in full."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = "".join(reader.parts).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.breaks = 0  # before the next word
        self.left_out = 0  # depth of elements that are left out
        self.lists: list[int | None] = []  # open lists: the next number, None for bullets
        self.quotes = 0
        self.verbatim = 0
        self.is_after_bullet = False
        self.link: tuple[str, bool, list[str]] | None = None  # href, whether it is the next step, label
        self.is_value = False  # the next text is a BidiText

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = set(given.get("class", "").split())
        if self.left_out or tag in LEFT_OUT or classes & ONLY_HTML:
            self.left_out += tag not in VOID
            return
        if tag in PARAGRAPHS:
            self._break(2 if not (self.lists and tag in ("ol", "ul")) else 1)
        elif tag in LINES:
            self._break(1)
        if tag == "br":
            self._break(min(self.breaks + 1, 2))
        elif tag in ("ol", "ul"):
            self.lists.append(int(given.get("start") or 1) if tag == "ol" else None)
        elif tag == "li" and self.lists:
            self._begin_item()
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.verbatim += 1
        elif tag == "td" and "value" in classes:
            self._add(": ")
        elif tag == "a":
            self.link = given.get("href", ""), "next" in classes, []
        elif tag == "bdi":
            self.is_value = True

    def handle_endtag(self, tag: str) -> None:
        if self.left_out:
            self.left_out -= tag not in VOID
            return
        if tag in ("ol", "ul") and self.lists:
            self.lists.pop()
        elif tag == "a" and self.link is not None:
            href, is_next, label = self.link
            self.link = None
            if is_next:
                self._add(f":\n{href}")
            elif "".join(label).strip() not in (href, href.removeprefix("mailto:")):
                self._add(f" ({href})")
        elif tag == "pre":
            self.verbatim -= 1
        if tag in PARAGRAPHS | LINES:
            self._break(2 if tag in PARAGRAPHS and not self.lists else 1)
        if tag == "blockquote":
            self.quotes -= 1

    def handle_data(self, data: str) -> None:
        if self.left_out:
            return
        if self.verbatim:
            words = data.rstrip("\n")
        else:
            words = SPACES.sub(" ", data)
            if self.breaks or self.is_after_bullet or not self.parts or self.parts[-1].endswith((" ", "\n")):
                words = words.lstrip(" ")
        if not words:
            return
        if self.is_value and get_language_bidi() and words.isascii() and not words[0].isalpha():
            words = LEFT_TO_RIGHT_MARK + words  # in right-to-left text, 12-34-56 is shown as 56-34-12
        if self.link is not None:
            self.link[2].append(words)
        self._add(words)

    def _begin_item(self) -> None:
        number = self.lists[-1]
        self._add("  " * (len(self.lists) - 1) + ("- " if number is None else f"{number}. "))
        if number is not None:
            self.lists[-1] = number + 1
        self.is_after_bullet = True

    def _break(self, count: int) -> None:
        if self.parts and not self.is_after_bullet:
            self.breaks = max(self.breaks, count)

    def _add(self, words: str) -> None:
        if self.breaks:
            self.parts.append("\n" * self.breaks)
        if self.breaks or not self.parts:
            self.parts.append("> " * self.quotes)
        self.breaks, self.is_after_bullet, self.is_value = 0, False, False
        if self.quotes:
            words = words.replace("\n", "\n" + "> " * self.quotes)
        self.parts.append(words)
