"""Proposes a profile for a file of an unknown bank; what the rows do not decide is asked."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypedDict

from workflows.bank.readers.delimited.dates import read_day
from workflows.bank.readers.delimited.guess_columns import AMOUNT_ROLES, Columns, Question
from workflows.bank.readers.delimited.guess_columns import Answer as Answer
from workflows.bank.readers.delimited.guess_columns import FoundColumn as FoundColumn
from workflows.bank.readers.delimited.guess_forms import date_forms, number_form
from workflows.bank.readers.delimited.guess_rows import labels, most_continued, row_rules, state_words
from workflows.bank.readers.delimited.guess_signs import currency, direction, sign_words
from workflows.bank.readers.delimited.layout import is_empty
from workflows.bank.readers.delimited.profile import Profile, ProfileError
from workflows.bank.readers.delimited.reader import read, survey_of
from workflows.bank.readers.delimited.rows import head_text
from workflows.bank.readers.delimited.sniff import find_table, has_other_marks, is_day
from workflows.bank.readers.statement import Line, UnreadableStatementError

MAX_BYTES = 20_000_000
PREVIEW_LINES = 20


@dataclass(frozen=True, slots=True)
class Guess:
    """A profile that reads the whole file with its first lines (currency, line), or what has to be asked."""

    profile: Profile | None
    questions: tuple[Question, ...] = ()
    preview: tuple[tuple[str, Line], ...] = ()
    notes: tuple[str, ...] = ()
    delimiter: str = ","
    rows_before: int = 0  # above the headings, or above the first line
    columns: tuple[FoundColumn, ...] = ()
    asked: tuple[Question, ...] = ()  # those that were answered, too


class _Numbers(TypedDict):
    decimal: str
    grouping: str
    lakh: bool
    decimals: int | None


class _Facts(TypedDict):
    delimiter: str
    rows_before: int
    columns: tuple[FoundColumn, ...]
    asked: tuple[Question, ...]


def guess_profile(data: bytes, *, name: str = "Own profile", answers: Mapping[str, str] | None = None) -> Guess:
    """Raises UnreadableStatementError for what no profile can read, ProfileError for an answer that is none."""
    if len(data) > MAX_BYTES:
        raise UnreadableStatementError(f"More than {MAX_BYTES // 1_000_000} MB.")
    text = head_text(data)
    found = find_table(text) if text is not None and not has_other_marks(data) else None
    if found is None:
        raise UnreadableStatementError("No row of this file holds a day and an amount, whatever the delimiter.", row=1)
    table = Columns(found, answers or {})
    profile = None if table.questions else _profile(table, name, found.delimiter)
    if profile and not table.questions:
        profile = _judged(data, table, profile)
    facts: _Facts = {
        "delimiter": found.delimiter,
        "rows_before": sum(not is_empty(cells) for _, cells in table.before),
        "columns": table.found(profile),
        "asked": tuple(table.asked.values()),
    }
    if profile is None or table.questions:
        return Guess(None, tuple(table.questions), **facts)
    return _with_preview(data, profile, facts)


def _with_preview(data: bytes, profile: Profile, facts: _Facts) -> Guess:
    preview: list[tuple[str, Line]] = []
    notes: list[str] = []
    for statement in read(io.BytesIO(data), profile):
        preview += ((statement.currency, line) for line in islice(statement.lines, PREVIEW_LINES))
        notes += statement.notes
    preview.sort(key=lambda item: item[1].row)
    return Guess(profile, (), tuple(preview[:PREVIEW_LINES]), tuple(dict.fromkeys(notes)), **facts)


def _profile(table: Columns, name: str, delimiter: str) -> Profile:
    numbers, dates = _numbers(table), _dates(table)
    rules, states = row_rules(table), state_words(table)
    sign_in, sign_out, unmarked = sign_words(table)
    debit = table.place("debit")
    negative = debit is not None and any(text.startswith("-") for _, text in table.cells(debit))
    try:
        return Profile(
            name=name,
            columns=table.as_columns(),
            dates=dates,
            delimiter=delimiter,
            preamble_rows=0 if table.headings else sum(not is_empty(cells) for _, cells in table.before),
            width=0 if table.headings else _width(table),
            currency=currency(table),
            debits_are="negative" if negative else "positive",
            sign_in=sign_in,
            sign_out=sign_out,
            unmarked=unmarked,
            booked_words=states["booked"],
            pending_words=states["pending"],
            dropped_words=states["dropped"],
            row_rules=rules,
            labels=labels(table),
            continuation=most_continued(table) > 0,
            **numbers,
        )
    except ProfileError as error:
        if error.field in table.answers:  # it is the answer that is none, and not the table
            raise
        raise UnreadableStatementError(f"No profile can be made of this table: {error}.") from error


def _width(table: Columns) -> int:
    """0 where rows differ in it."""
    widths = {len(cells) for _, cells in table.entries}
    return widths.pop() if len(widths) == 1 else 0


def _numbers(table: Columns) -> _Numbers:
    places = table.of_role(*AMOUNT_ROLES, "balance", "fee", "gross")
    found = number_form(cell for place in places for cell in table.cells(place))
    numbers: _Numbers = {"decimal": found.decimal, "grouping": found.grouping, "lakh": found.lakh, "decimals": None}
    if not found.example:
        return numbers
    before, after = found.example.split(found.decimal)
    answer = table.ask(
        "decimal",
        f"How much is {found.example}?",
        ("decimal", f"{before}, and {after} after the decimal sign"),
        ("grouping", f"{before}{after}, with a sign between thousands"),
    )
    if answer == "grouping":
        return {**numbers, "decimal": {".": ",", ",": "."}[found.decimal], "grouping": found.decimal}
    return {**numbers, "decimals": 3}


def _dates(table: Columns) -> tuple[str, ...]:
    columns = [
        [(row, text) for row, text in table.cells(place) if is_day(text)]
        for place in table.of_role("date", "value_date", "other_date")
    ]
    around = "\n".join(" ".join(cells) for _, cells in [*table.before, *table.body[table.last + 1 :]])
    chosen = []
    for number, (example, patterns) in enumerate(date_forms(list(filter(None, columns)), around), start=1):
        pattern = patterns[0]
        if len(patterns) > 1:
            name = "date_form" if number == 1 else f"date_form_{number}"
            choices = ((pattern, _in_words(example, pattern)) for pattern in patterns)
            pattern = table.ask(name, f"Which day is {example}?", *choices) or pattern
        chosen.append(pattern)
    return tuple(dict.fromkeys(chosen))


def _in_words(text: str, pattern: str) -> str:
    day = read_day(text, pattern)
    return f"{day.on.day} {day.on:%B %Y}" if day else pattern


def _judged(data: bytes, table: Columns, profile: Profile) -> Profile:
    """Direction of amounts and place of the fee: by the running balance, else by words, else asked."""
    scores: list[tuple[int, Profile]] = []
    errors: list[UnreadableStatementError] = []
    for variant in _variants(table, profile):
        try:
            scores.append((_links(data, variant), variant))
        except UnreadableStatementError as error:
            errors.append(error)
    if not scores:
        raise errors[0]
    highest = max(score for score, _ in scores)
    best = [variant for score, variant in scores if score == highest]
    best = [variant for variant in best if variant.columns == profile.columns] or best  # headings, where both fit
    if len({variant.fee_is for variant in best}) > 1:
        answer = table.ask(
            "fee",
            "Is the fee taken off the amount already?",
            ("included", "yes, the amount is net"),
            ("beside", "no, it comes on top"),
        )
        best = [variant for variant in best if variant.fee_is == answer] or best
    if len({variant.positive_is for variant in best}) > 1:
        answer = table.ask(
            "sign",
            "Is an amount without a minus money in?",
            ("in", "yes, money in"),
            ("out", "no, money out"),
            found=direction(table),
        )
        best = [variant for variant in best if variant.positive_is == answer] or best
    return _with_balance(data, table, best[0])


def _variants(table: Columns, profile: Profile) -> list[Profile]:
    variants = [profile]
    if profile.by_role("fee"):
        fees = [text for place in table.of_role("fee") for _, text in table.cells(place)]
        sign = "-" if any(text.startswith("-") for text in fees) else "+"
        variants = [replace(profile, fee_is=kind, fee_sign=sign) for kind in ("included", "beside")]
    if profile.by_role("amount") and not profile.by_role("sign") and not profile.unmarked:
        variants = [replace(variant, positive_is=side) for variant in variants for side in ("in", "out")]
    is_told = any(name.startswith("column_") for name in table.answers)
    if profile.by_role("balance") and profile.by_role("credit") and not is_told:
        variants += [_swapped(variant) for variant in variants]
    return variants


def _swapped(profile: Profile) -> Profile:
    """Credit and debit the other way round, as seen from the other side."""
    other = {"credit": "debit", "debit": "credit"}
    return replace(profile, columns=tuple(replace(c, role=other.get(c.role, c.role)) for c in profile.columns))


def _with_balance(data: bytes, table: Columns, profile: Profile) -> Profile:
    """A column of balances that follow from no amount is kept only if somebody says so."""
    groups = survey_of(io.BytesIO(data), profile).groups.values()
    place = table.place("balance")
    if place is None or not any(group.links for group in groups) or _links(data, profile):
        return profile
    answer = table.ask(
        "balance",
        f"{table.heading(place)!r} does not follow from the amounts. Is it the balance of the account?",
        ("no", "no, leave it out"),
        ("yes", "yes, though it does not add up"),
    )
    if answer != "no":
        return profile
    columns = tuple(column for column in profile.columns if column.role != "balance")
    ignored = tuple(replace(column, role="ignored") for column in profile.by_role("balance") if column.headings)
    return replace(profile, columns=columns + ignored)


def _links(data: bytes, profile: Profile) -> int:
    """How many balances follow from the row before."""
    groups = survey_of(io.BytesIO(data), profile).groups.values()
    return sum(max(group.links_upwards, group.links_downwards) for group in groups)
