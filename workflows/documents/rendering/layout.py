"""From a document's data to what template.typ lays out: cleaned texts, directions, widths, colour."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any

from workflows.documents.rendering.data import Code, LabelledValue, Logo, PaymentPart, Section, Total
from workflows.documents.rendering.drawing import picture
from workflows.documents.rendering.texts import Runs, clean, runs, width_of

# Widths in times of the size of what is set there, as `width_of` measures; the narrower paper is the measure.
TITLE, NAME, LINE, NUMBER = 10, 19, 21, 20
FACT, TOTAL, NOTE, PAYMENT, CAPTION = 11, 11, 21, 18, 12
FOOTER = 50
BESIDE_FOOTER = 2  # lines: page and mark
BESIDE = 14  # what may have a column as wide as itself
TABLE, NARROWEST = 53.5, 5
TABLE_SIZE, TABLE_GAP = 9, 16  # points
# Characters.
RUNNING = 48  # in the heads of further pages
SHORT_NOTES = 260
LONG_PAYMENT, LONG_TOTALS = 1500, 500  # beyond it a page may end within
LONG_CELL = 20  # lines, as before
DARK_ENOUGH = 4.5  # WCAG 2.2, 1.4.3: contrast of text


def layout(data: Mapping[str, Any]) -> dict[str, Any]:
    return _Layout(data["direction"]).document(data)


class _Layout:
    def __init__(self, direction: str) -> None:
        self.direction = direction

    def document(self, data: Mapping[str, Any]) -> dict[str, Any]:
        seller, recipient = data["seller"], data["recipient"]
        language, _, region = data["language"].partition("-")
        return {
            "language": language.lower(),
            "region": region.upper() if len(region) == 2 else None,
            "direction": self.direction,
            "paper": {"a4": "a4", "letter": "us-letter"}[data["paper"]],
            "date": [int(part) for part in data["made_on"].split("-")],
            "name": clean(f"{data['title']} {data['number']}"),
            "author": clean(seller["name"]),
            "title": self.text(data["title"], TITLE),
            "number": self.text(data["number"], NUMBER),
            "title_fits": width_of(data["title"]) <= BESIDE and width_of(data["number"]) <= 2 * BESIDE,
            "sign": self.text(data["sign"]),
            "running": {
                "name": self.text(shortened(f"{data['title']} {data['number']}")),
                "sign": self.text(shortened(data["sign"])),
                "seller": self.text(shortened(seller["name"])),
            },
            "colour": readable(seller["colour"]),
            "logo": _logo(seller["logo"]),
            "seller": self.party(seller) | {"contact": self.texts(seller["contact"], LINE)},
            "recipient": self.party(recipient) | {"heading": self.text(recipient["heading"], LINE)},
            "facts": self.facts(data["facts"], FACT),
            "facts_beside": _beside(data["facts"]),
            "sections": [self.section(section) for section in data["sections"]],
            "totals": [self.total(total) for total in data["totals"]],
            "totals_fit": _fit(total["value"] for total in data["totals"]),
            "totals_long": sum(len(total["label"]) for total in data["totals"]) > LONG_TOTALS,
            "notes": self.texts(data["notes"], NOTE),
            "notes_fit": sum(map(len, data["notes"])) <= SHORT_NOTES,
            "payment": self.payment(data["payment"]) if data["payment"] else None,
            "footer": [self.text(text) for text in _footer(seller)],
            "mark": self.text(seller["mark"]) if _stands_beside(seller["mark"]) else "",
            "footer_lines": max(sum(ceil(width_of(text) / FOOTER) for text in _footer(seller)), BESIDE_FOOTER),
            "page": clean(data["labels"]["page"]),
        }

    def party(self, party: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": self.text(party["name"], NAME),
            "lines": self.texts(party["lines"], LINE),
            "ids": self.facts(party["ids"], LINE),
        }

    def section(self, section: Section) -> dict[str, Any]:
        shares, widths = _columns(section)
        return {
            "heading": self.text(section["heading"]),
            "labels": self.row([column["label"] for column in section["columns"]], widths),
            "aligns": [column["align"] for column in section["columns"]],
            "widths": shares,
            "rows": [self.row(row, widths) for row in section["rows"]],
            "strong_rows": section["strong_rows"],
            "is_long": any(
                width_of(cell) > LONG_CELL * width
                for row in section["rows"]
                for cell, width in zip(row, widths, strict=True)
                if len(cell) > LONG_CELL
            ),
        }

    def row(self, cells: Sequence[str], widths: Sequence[float]) -> list[Runs]:
        return [self.text(cell, width) for cell, width in zip(cells, widths, strict=True)]

    def total(self, total: Total) -> dict[str, Any]:
        return {
            "label": self.text(total["label"], TOTAL),
            "value": self.text(total["value"], TOTAL),
            "strong": total["strong"],
        }

    def payment(self, payment: PaymentPart) -> dict[str, Any]:
        return {
            "heading": self.text(payment["heading"], PAYMENT),
            "facts": self.facts(payment["facts"], PAYMENT),
            "labels_fit": _fit(fact["label"] for fact in payment["facts"]),
            "text": self.texts(payment["text"], PAYMENT),
            "is_long": _length(payment) > LONG_PAYMENT,
            "code": self.code(payment["code"]) if payment["code"] else None,
        }

    def code(self, code: Code) -> dict[str, Any]:
        return {
            "svg": code["svg"],
            "alternative": clean(code["alternative"]),
            "caption": self.text(code["caption"], CAPTION),
        }

    def facts(self, facts: Sequence[LabelledValue], width: float) -> list[list[Runs]]:
        return [[self.text(fact["label"], width), self.text(fact["value"], width)] for fact in facts]

    def texts(self, texts: Sequence[str], width: float) -> list[Runs]:
        return [self.text(text, width) for text in texts]

    def text(self, text: str, width: float = FOOTER) -> Runs:
        return runs(clean(text, width), self.direction)


def shortened(text: str) -> str:
    return text if len(text) <= RUNNING else text[: RUNNING - 1].rstrip() + "\u2026"


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


def _footer(seller: Mapping[str, Any]) -> list[str]:
    texts = [seller["footer"], " · ".join(seller.get("bank", []))]
    return [text for text in [*texts, *([] if _stands_beside(seller["mark"]) else [seller["mark"]])] if text]


def _stands_beside(mark: str) -> bool:
    """Below the number of the page, as ours does in each language."""
    return width_of(mark) <= BESIDE


def _logo(logo: Logo | None) -> str | None:
    if logo is None:
        return None
    return picture(logo["type"], base64.b64decode(logo["content"]))


def _fit(texts: Iterable[str]) -> bool:
    return all(width_of(text) <= BESIDE for text in texts)


def _length(payment: PaymentPart) -> int:
    facts = (text for fact in payment["facts"] for text in (fact["label"], fact["value"]))
    return sum(map(len, [*facts, *payment["text"]]))


def _beside(facts: Sequence[LabelledValue]) -> int:
    """How many facts stand beside each other: rows as even as can be."""
    widest = max((width_of(text) for fact in facts for text in (fact["label"], fact["value"])), default=0)
    most = 4 if widest <= 2 * FACT else 3 if widest <= 3 * FACT else 2
    rows = max(1, ceil(len(facts) / most))
    return max(1, ceil(len(facts) / rows))


def _columns(section: Section) -> tuple[list[list[float]], list[float]]:
    """Points and share of each column, one of which is 0; and their widths in times of the size of letters.

    Narrow columns are as wide as their content, the others share what is left. So typst need not lay out each cell once
    more to find out. If all are narrow, the last one of words gets the rest.
    """
    columns = section["columns"]
    texts = [[column["label"] for column in columns], *section["rows"]]
    widths = [max(map(width_of, column)) for column in zip(*texts, strict=True)]
    left = TABLE - TABLE_GAP / TABLE_SIZE * (len(columns) - 1)
    order = sorted(range(len(columns)), key=widths.__getitem__)
    while order and widths[order[0]] + NARROWEST * (len(order) - 1) <= left:
        left -= widths[order.pop(0)]
    shares = {number: min(widths[number], 40.0) for number in order}
    for number, share in shares.items():
        widths[number] = left * share / sum(shares.values())
    if not shares and columns:
        starts = [number for number, column in enumerate(columns) if column["align"] == "start"]
        shares[starts[-1] if starts else 0] = 1.0
    points = [width * TABLE_SIZE + _inset(number, len(columns)) for number, width in enumerate(widths)]
    return [[0, shares[number]] if number in shares else [points[number], 0] for number in range(len(columns))], widths


def _inset(number: int, count: int) -> float:
    """What template.typ puts between the columns."""
    return TABLE_GAP / 2 * ((number > 0) + (number < count - 1))
