"""Which form numbers and days have, judged over all cells; what stays open is returned as several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workflows.bank.readers.delimited.dates import read_day
from workflows.bank.readers.statement import UnreadableStatementError

Cell = tuple[int, str]  # row, text

_NUMBER = re.compile(r"\d[\d.,' \u2019\u00a0\u202f]*", re.ASCII)
_LAKH = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?", re.ASCII)
_SPACES = str.maketrans({"\u2019": "'", "\u00a0": " ", "\u202f": " "})
_DATE_PART = re.compile(r"(\d+|[^\W\d_]+)")
_TIME = re.compile(r"(?:T|,?\s+)\d{1,2}[:.]\d{2}.*$")
_SPAN_DAYS = 800  # a statement of more than two years is doubted where another reading makes it shorter


@dataclass(frozen=True, slots=True)
class FoundNumbers:
    """`example` is set where a point or a comma before three digits may be either sign."""

    decimal: str
    grouping: str
    lakh: bool = False
    decimals: int | None = None
    example: str = ""


def number_form(cells: Iterable[Cell]) -> FoundNumbers:
    """Raises UnreadableStatementError where two forms stand in one file."""
    decimals: dict[str, int] = {}
    groupings: dict[str, int] = {}
    either: dict[str, tuple[int, str]] = {}
    lakh = False
    for row, text in cells:
        match = _NUMBER.search(text.translate(_SPACES))
        if match is None:
            continue
        number = match.group().strip()
        lakh |= bool(_LAKH.fullmatch(number))
        signs = re.sub(r"\d", "", number)
        if len(set(signs)) > 1:
            groupings.setdefault(signs[0], row)
            decimals.setdefault(signs[-1], row)
        elif len(signs) > 1 or signs in (" ", "'"):
            groupings.setdefault(signs[0], row)
        elif signs:
            before, after = number.split(signs)
            if len(after) == 3 and len(before) <= 3 and not before.startswith("0"):
                either.setdefault(signs, (row, number))
            else:
                decimals.setdefault(signs, row)
    both = [*(set(decimals) & set(groupings)), *(list(decimals)[1:])]
    if both:
        sign = both[0]
        raise UnreadableStatementError(
            f"{sign!r} is the decimal sign in one row and not in another.",
            row=max(decimals[sign], groupings.get(sign, 0)),
        )
    return _found(decimals, groupings, either, lakh)


def _found(
    decimals: dict[str, int], groupings: dict[str, int], either: dict[str, tuple[int, str]], lakh: bool
) -> FoundNumbers:
    grouping = next(iter(groupings), "")
    if decimals:
        decimal = next(iter(decimals))
        other = next((sign for sign in either if sign != decimal), "")
        return FoundNumbers(decimal, grouping or other or {".": ",", ",": "."}[decimal], lakh)
    if len(either) == 2:
        raise UnreadableStatementError(
            "'.' and ',' stand before three digits each.", row=max(row for row, _ in either.values())
        )
    if either and grouping not in either:
        sign, (_, example) = next(iter(either.items()))
        return FoundNumbers(sign, grouping, decimals=3, example=example)
    return FoundNumbers("," if grouping == "." else ".", grouping, lakh)


def date_forms(columns: Sequence[Sequence[Cell]], elsewhere: str) -> list[tuple[str, list[str]]]:
    """For each shape of cells an example and the patterns that are possible; one where all is clear.

    `columns`: the days of each column in the order of the file. `elsewhere`: text around the table, whose days count as
    evidence. Raises UnreadableStatementError for a cell that no pattern reads together with the others.
    """
    shapes: dict[str, list[list[Cell]]] = {}
    for cells in columns:
        by_shape: dict[str, list[Cell]] = {}
        for row, text in cells:
            by_shape.setdefault(_shape(text), []).append((row, text))
        for shape, some in by_shape.items():
            shapes.setdefault(shape, []).append(some)
    return [(groups[0][0][1], _patterns(shape, groups, elsewhere)) for shape, groups in shapes.items()]


def _patterns(shape: str, columns: list[list[Cell]], elsewhere: str) -> list[str]:
    fitting = _candidates(columns[0][0][1])
    for row, text in (cell for column in columns for cell in column):
        left = [pattern for pattern in fitting if (day := read_day(text, pattern)) and day.exists]
        if not left:
            raise UnreadableStatementError(f"{text[:40]!r} is no day in the form of the rows above.", row=row)
        fitting = left
    if len(fitting) > 1:
        for text in _days_in(elsewhere, shape):
            fitting = [pattern for pattern in fitting if (day := read_day(text, pattern)) and day.exists] or fitting
    for test in (_in_order, _short):
        if len(fitting) > 1:
            fitting = [pattern for pattern in fitting if all(test(column, pattern) for column in columns)] or fitting
    return fitting


def _days(column: list[Cell], pattern: str) -> list[int]:
    return [day.on.toordinal() for _, text in column if (day := read_day(text, pattern))]


def _in_order(column: list[Cell], pattern: str) -> bool:
    days = _days(column, pattern)
    return days in (sorted(days), sorted(days, reverse=True))


def _short(column: list[Cell], pattern: str) -> bool:
    days = _days(column, pattern)
    return max(days) - min(days) <= _SPAN_DAYS


def _without_time(text: str) -> str:
    return _TIME.sub("", text.strip())


def _shape(text: str) -> str:
    """Kinds and lengths of years, and the signs between: 3/9/2026 and 03/09/2026 are one shape."""
    parts = _DATE_PART.split(_without_time(text))
    return "".join("a" if p.isalpha() else ("9" * max(2, len(p)) if p.isdigit() else p) for p in parts)


def _days_in(text: str, shape: str) -> list[str]:
    source = "".join(
        r"\d{4}" if part == "9999" else r"\d{1,2}" if part == "99" else re.escape(part)
        for part in re.split(r"(9999|99)", shape)
    )
    return re.findall(rf"(?<!\d){source}(?!\d)", text) if "a" not in shape else []


def _candidates(example: str) -> list[str]:
    parts = _DATE_PART.split(_without_time(example))
    values, signs = parts[1::2], parts[2::2]
    if len(values) == 1:
        return ["yyyymmdd"]
    if len(values) != 3:
        return []
    signs[2:] = [signs[2].strip()] if signs[2].strip() else [""]
    word = next((index for index, value in enumerate(values) if value.isalpha()), None)
    year = "yyyy" if max(len(value) for value in values if value.isdigit()) == 4 else "yy"
    if word is not None:
        orders = [["d", "mmm", year]] if word == 1 else [["mmm", "d", year]]
    elif len(values[0]) == 4:
        orders = [["yyyy", "mm", "dd"]]
    elif signs[0] == ".":  # nobody writes the month first with points
        orders = [["dd", "mm", year]]
    else:
        orders = [["dd", "mm", year], ["mm", "dd", year], *([["yy", "mm", "dd"]] if year == "yy" else [])]
    return ["".join(token + sign for token, sign in zip(order, signs, strict=True)) for order in orders]
