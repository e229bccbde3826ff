"""From a document's data to what template.typ lays out: cleaned texts, directions, widths, colour."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from workflows.documents.rendering.data import Column, LabelledValue, Logo, Section
from workflows.documents.rendering.drawing import picture
from workflows.documents.rendering.texts import Runs, clean, runs

LINE = 84  # characters of a table's size that fit beside each other on the narrower paper
NAME = 28  # characters of half a line, in the size of names
DARK_ENOUGH = 4.5  # WCAG 2.2, 1.4.3: contrast of text


def layout(data: Mapping[str, Any]) -> dict[str, Any]:
    return _Layout(data["direction"]).document(data)


class _Layout:
    def __init__(self, direction: str) -> None:
        self.direction = direction

    def document(self, data: Mapping[str, Any]) -> dict[str, Any]:
        seller, recipient = data["seller"], data["recipient"]
        return {
            "language": data["language"],
            "direction": self.direction,
            "paper": {"a4": "a4", "letter": "us-letter"}[data["paper"]],
            "date": [int(part) for part in data["made_on"].split("-")],
            "name": " ".join(filter(None, (clean(data["title"]), clean(data["number"])))),
            "author": clean(seller["name"]),
            "title": self.text(data["title"], NAME),
            "number": self.text(data["number"], NAME),
            "sign": self.text(data["sign"]),
            "colour": readable(seller["colour"]),
            "logo": _logo(seller["logo"]),
            "seller": self.party(seller) | {"contact": self.texts(seller["contact"], NAME)},
            "recipient": self.party(recipient) | {"heading": self.text(recipient["heading"], NAME)},
            "facts": self.facts(data["facts"]),
            "facts_beside": _beside(data["facts"]),
            "sections": [self.section(section) for section in data["sections"]],
            "totals": [
                {
                    "label": self.text(total["label"], NAME),
                    "value": self.text(total["value"]),
                    "strong": total["strong"],
                }
                for total in data["totals"]
            ],
            "notes": self.texts(data["notes"]),
            "payment": self.payment(data["payment"]) if data["payment"] else None,
            "footer": self.text(seller["footer"]),
            "mark": self.text(seller["mark"]),
            "page": clean(data["labels"]["page"]),
        }

    def party(self, party: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": self.text(party["name"], NAME),
            "lines": self.texts(party["lines"], NAME),
            "ids": self.facts(party["ids"], NAME),
        }

    def payment(self, payment: Mapping[str, Any]) -> dict[str, Any]:
        code = payment["code"]
        return {
            "heading": self.text(payment["heading"]),
            "facts": self.facts(payment["facts"], NAME),
            "text": self.texts(payment["text"]),
            "code": code
            and {
                "svg": code["svg"],
                "alternative": clean(code["alternative"]),
                "caption": self.text(code["caption"], 16),
            },
        }

    def section(self, section: Section) -> dict[str, Any]:
        columns = section["columns"]
        longest = max(8, LINE // max(1, len(columns)))
        return {
            "heading": self.text(section["heading"]),
            "labels": [self.text(column["label"], longest) for column in columns],
            "aligns": [column["align"] for column in columns],
            "widths": _widths(columns, section["rows"], longest),
            "rows": [self.texts(row, longest) for row in section["rows"]],
            "strong_rows": section["strong_rows"],
        }

    def facts(self, facts: Sequence[LabelledValue], longest: int = 16) -> list[list[Runs]]:
        return [[self.text(fact["label"], longest), self.text(fact["value"], longest)] for fact in facts]

    def texts(self, texts: Sequence[str], longest: int = 40) -> list[Runs]:
        return [self.text(text, longest) for text in texts]

    def text(self, text: str, longest: int = 40) -> Runs:
        return runs(clean(text, longest=longest), self.direction)


def readable(colour: str) -> str:
    """The colour, darkened until it can be read on white."""
    parts = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    while 1.05 / (_luminance(parts) + 0.05) < DARK_ENOUGH:
        parts = [part * 19 // 20 for part in parts]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _luminance(parts: Sequence[int]) -> float:
    """WCAG's relative luminance."""
    shares = [part / 255 for part in parts]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _logo(logo: Logo | None) -> dict[str, Any] | None:
    if logo is None:
        return None
    return picture(logo["type"], base64.b64decode(logo["content"]))


def _beside(facts: Sequence[LabelledValue]) -> int:
    """How many facts fit beside each other."""
    longest = max((len(text) for fact in facts for text in (fact["label"], fact["value"])), default=0)
    most = 4 if longest <= 22 else 3 if longest <= 32 else 2
    return max(1, min(most, len(facts)))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], longest: int) -> list[int]:
    """Shares of the width that is left; 0 where a column is as wide as its content."""
    lengths = [
        max(len(column["label"]), *(len(row[number]) for row in rows)) if rows else len(column["label"])
        for number, column in enumerate(columns)
    ]
    widths = [0 if length <= longest else min(length, 60) for length in lengths]
    if not any(widths):
        widths[next((number for number, column in enumerate(columns) if column["align"] == "start"), 0)] = 1
    return widths
