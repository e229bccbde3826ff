"""How documents are numbered: `INV-{year}-{number:06}` makes INV-2026-000123."""

from __future__ import annotations

import re

NUMBER_TEMPLATES = {
    "invoice": "INV-{year}-{number:06}",
    "credit_note": "CN-{year}-{number:06}",  # cancellations, too
    "receipt": "RC-{year}-{number:06}",
}
# Invoices from before there were years in numbers, and those of today unless the seller has a template of its own.
INVOICE_TEMPLATES = ("INV-{number:06}", NUMBER_TEMPLATES["invoice"])
LONGEST_NUMBER = 30
# Letters first, so that a number is found in a bank's text; the count last, so that numbers sort.
TEMPLATE = re.compile(
    r"(?P<prefix>[A-Z]{1,8})(?P<before>[-/.]?)(?:\{year\}(?P<after>[-/.]?))?\{number(?::0(?P<width>[1-9]))?\}"
)
WRONG = (
    "Write capital letters, perhaps {year}, and {number:06} for the count with its zeros; between them a hyphen, a "
    "slash or a full stop. An example: INV-{year}-{number:06}"
)


def number_templates() -> dict[str, str]:
    return dict(NUMBER_TEMPLATES)


def check_template(template: object) -> str:
    """What is wrong with it; empty: nothing."""
    if not isinstance(template, str) or TEMPLATE.fullmatch(template) is None:
        return WRONG
    return ""


def has_year(template: str) -> bool:
    return "{year}" in template


def prefix_of(template: str) -> str:
    found = TEMPLATE.fullmatch(template)
    return found["prefix"] if found else ""


def number_text(template: str, *, year: int, number: int) -> str:
    return template.format(year=year, number=number)


def number_pattern(template: str, *, year: int) -> str:
    """A regular expression of the numbers that the template makes in that year."""
    before, _, _ = template.partition("{number")
    return f"^{re.escape(before.replace('{year}', str(year)))}[0-9]+$"
