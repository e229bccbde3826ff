"""Which amounts of an unknown table are money in, and in which currency they are."""

from __future__ import annotations

import re

from core.money import is_currency
from workflows.bank.readers.delimited.guess_columns import AMOUNT_ROLES, Columns
from workflows.bank.readers.delimited.guess_words import SAYS_IN, SAYS_OUT, SIGN_IN, SIGN_OUT
from workflows.bank.readers.delimited.numbers import CURRENCY_SIGNS
from workflows.bank.readers.delimited.profile import ProfileError, fold_mark
from workflows.bank.readers.delimited.sniff import is_amount

_NEGATIVE = re.compile(r"[-(\u2212]|\bdr\.?$", re.IGNORECASE)
_POSITIVE = re.compile(r"^\+|\bcr\.?$", re.IGNORECASE)
_SIGN_OR_CODE = re.compile(r"[^\W\d_]{2,3}\$?|[$£€₦₹¥₱৳₴₺₫₵฿]")
_CODE = re.compile(r"\b([A-Z]{3})\b")


def sign_words(table: Columns) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Words for in and for out, and what an amount without one is."""
    place, amount = table.place("sign"), table.place("amount")
    if amount is None:
        if place is not None:
            table.roles[place] = "ignored"
        return (), (), ""
    if place is None:
        place = next((p for p in range(table.width) if p not in table.roles and _is_sign_column(table, p)), None)
    if place is None:
        return (), (), _unmarked([text for _, text in table.cells(amount)])
    table.roles[place] = "sign"
    values = {text for _, text in table.cells(place)}
    marks_in = tuple(sorted(value for value in values if fold_mark(value) in SIGN_IN))
    marks_out = tuple(sorted(value for value in values if fold_mark(value) in SIGN_OUT))
    if len(table.cells(place)) == len(table.cells(amount)):
        return marks_in, marks_out, ""
    if marks_in and marks_out:
        answer = table.ask("unmarked", "What is an amount without a mark?", ("in", "money in"), ("out", "money out"))
        return marks_in, marks_out, answer
    return marks_in, marks_out, "out" if marks_in else "in"


def direction(table: Columns) -> str:
    """What words and columns beside the amounts say of those without a minus, where nothing contradicts; else ""."""
    amount = table.place("amount")
    assert amount is not None
    said = set()
    for _, cells in table.entries:
        written = "".join(cells[amount : amount + 1])
        twins = {role for place, role in table.twins.items() if re.search("[1-9]", "".join(cells[place : place + 1]))}
        words = " ".join(table.texts(cells, "kind", "code", "text"))
        means_in = "credit" in twins or (not twins and bool(SAYS_IN.search(words)))
        means_out = "debit" in twins or (not twins and bool(SAYS_OUT.search(words)))
        if written.startswith("+"):
            said.add("in")
        if written and means_in != means_out:
            said.add("in" if means_in != bool(_NEGATIVE.search(written)) else "out")
    return said.pop() if len(said) == 1 else ""


def currency(table: Columns) -> str:
    """The one currency that is written beside the amounts, above them or before the table; "" with a column of its
    own, and while it is asked."""
    if table.place("currency") is not None:
        return ""
    places = table.of_role(*AMOUNT_ROLES, "balance")
    figures = [text for place in places for _, text in table.cells(place)]
    figures += [cell for _, cells in table.before for cell in cells if is_amount(cell)]
    signs = {sign for text in figures for sign in _SIGN_OR_CODE.findall(text.upper())}
    found: set[str] = {code for sign in signs for code in CURRENCY_SIGNS.get(sign, (sign,)) if is_currency(code)}
    found |= {code for place in places for code in _CODE.findall(table.heading(place)) if is_currency(code)}
    if not found:
        cells = {cell for _, row in table.before for cell in row}
        found = {cell for cell in cells if _CODE.fullmatch(cell) and is_currency(cell)}
    if len(found) == 1:
        return found.pop()
    answer = table.ask("currency", "Which currency is this account in?", *((code, code) for code in sorted(found)))
    if answer and not is_currency(answer):
        raise ProfileError("currency", f"{answer[:10]!r} is not an ISO 4217 currency with minor units")
    return answer


def _is_sign_column(table: Columns, place: int) -> bool:
    marks = {fold_mark(text) for _, text in table.cells(place)}
    return bool(marks) and marks <= SIGN_IN | SIGN_OUT


def _unmarked(texts: list[str]) -> str:
    """Amounts of which some say "+" or CR, and none says the opposite: the others are money out."""
    positive = sum(bool(_POSITIVE.search(text)) for text in texts)
    return "out" if 0 < positive < len(texts) and not any(map(_NEGATIVE.search, texts)) else ""
