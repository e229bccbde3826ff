"""What the columns of an unknown table are: headings propose, contents dispose, the rest is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.money import minor_units
from workflows.bank.readers.delimited.guess_forms import Cell
from workflows.bank.readers.delimited.guess_words import SIGN_IN, SIGN_OUT
from workflows.bank.readers.delimited.headings import role_of
from workflows.bank.readers.delimited.layout import is_empty
from workflows.bank.readers.delimited.profile import (
    MAX_WORD_LENGTH,
    ROLES,
    SINGLE_ROLES,
    Column,
    Profile,
    ProfileError,
    fold,
    fold_mark,
)
from workflows.bank.readers.delimited.sniff import Table, is_amount, is_day
from workflows.bank.readers.statement import UnreadableStatementError

AMOUNT_ROLES = ("amount", "credit", "debit")
EXAMPLES = 3  # cells of a column that are shown
Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """`name` is the key of its answer in the next call. Without answers to choose from: an ISO 4217 code.

    found: what words beside the amounts say, which an answer may contradict.
    """

    name: str
    text: str
    answers: tuple[Answer, ...] = ()
    found: str = ""


@dataclass(frozen=True, slots=True)
class FoundColumn:
    place: int  # from 1
    heading: str
    role: str
    examples: tuple[str, ...]


class Columns:
    """A table and, by index of the column, what stands in it. Open questions are collected on the way."""

    def __init__(self, table: Table, answers: Mapping[str, str]) -> None:
        self.questions: list[Question] = []
        self.asked: dict[str, Question] = {}  # also what is answered
        self.roles: dict[int, str] = {}
        self.twins: dict[int, str] = {}  # columns of credits and debits beside a signed amount
        self.answers = answers
        header = _header(table)
        self.headings = [] if header is None else table.rows[header][1]
        first = table.entries[0] if header is None else header + 1
        self.before: list[Row] = table.rows[: first if header is None else header]
        known = tuple(map(fold, self.headings))
        self.body: list[Row] = [
            (row, cells)
            for row, cells in table.rows[first:]
            if not is_empty(cells) and tuple(map(fold, cells)) != known
        ]
        self.entries = [row for row in self.body if any(map(is_day, row[1])) and any(map(is_amount, row[1]))]
        if not self.entries:
            raise UnreadableStatementError("No row under the headings holds a day and an amount.", row=first)
        self.width = max(len(self.headings), *(len(cells) for _, cells in self.entries))
        self._by_headings()
        self._by_answers()
        self._find_day()
        self._find_amount()
        self._find_texts()
        lines = [index for index, (_, cells) in enumerate(self.body) if self.is_line(cells)]
        if not lines:
            raise UnreadableStatementError("No row has its day and its amount where others have them.", row=first)
        self.last = lines[-1]

    def ask(self, name: str, text: str, *choices: tuple[str, str], found: str = "") -> str:
        """The answer given, or found; else the question is noted and "" returned. Raises ProfileError for another
        answer."""
        answer = self.answers.get(name)
        question = self.asked[name] = Question(name, text, tuple(Answer(*choice) for choice in choices), found)
        if answer is None:
            self.questions += [] if found else [question]
            return found
        if choices and answer not in dict(choices):
            raise ProfileError(name, f"is one of {', '.join(dict(choices))}")
        return answer

    def cells(self, place: int, rows: Sequence[Row] | None = None) -> list[Cell]:
        """What stands in this column, blanks left out."""
        rows = self.entries if rows is None else rows
        return [(row, cells[place]) for row, cells in rows if place < len(cells) and cells[place]]

    def place(self, role: str) -> int | None:
        return next((place for place, its in self.roles.items() if its == role), None)

    def of_role(self, *roles: str) -> list[int]:
        return [place for place, its in self.roles.items() if its in roles]

    def texts(self, cells: Sequence[str], *roles: str) -> list[str]:
        return [cells[place] for place in self.of_role(*roles) if place < len(cells) and cells[place]]

    def heading(self, place: int) -> str:
        return next(filter(None, self.headings[place : place + 1]), f"column {place + 1}")

    def is_line(self, cells: Sequence[str]) -> bool:
        """It has the day and the amount of a line."""
        return any(map(is_day, self.texts(cells, "date"))) and bool(self.texts(cells, *AMOUNT_ROLES))

    def found(self, profile: Profile | None) -> tuple[FoundColumn, ...]:
        """The columns with their roles in the profile, or as far as they are known."""
        roles = dict(self.roles)
        for column in profile.columns if profile else ():
            for place in range(self.width):
                heading = fold("".join(self.headings[place : place + 1]))
                if (heading in column.folded) if column.headings else (place == column.position - 1):
                    roles[place] = column.role
        return tuple(
            FoundColumn(
                place + 1,
                "".join(self.headings[place : place + 1]),
                roles.get(place, "ignored"),
                tuple(text for _, text in self.cells(place)[:EXAMPLES]),
            )
            for place in range(self.width)
        )

    def as_columns(self) -> tuple[Column, ...]:
        columns = []
        for place in range(self.width):
            heading = "".join(self.headings[place : place + 1])
            role = self.roles.get(place, "ignored")
            if len(heading) > MAX_WORD_LENGTH:
                raise UnreadableStatementError(f"A heading of more than {MAX_WORD_LENGTH} signs.", column=heading[:40])
            if fold(heading):
                columns.append(Column(role, (heading,)))
            elif role != "ignored":
                columns.append(Column(role, position=place + 1))
        return tuple(columns)

    def _by_headings(self) -> None:
        for place, heading in enumerate(self.headings):
            role = role_of(heading) or role_of(re.sub(r"\(.*?\)", "", heading))
            taken = role in SINGLE_ROLES and role in self.roles.values() and role not in ("date", "amount")
            if role and not taken and _fits(role, [text for _, text in self.cells(place)]):
                self.roles[place] = role

    def _by_answers(self) -> None:
        """`column_N` says the role of one, `date_column` and `amount_column` which of several it is."""
        told = {place: role for place in range(self.width) if (role := self.answers.get(f"column_{place + 1}"))}
        self.roles = {place: role for place, role in self.roles.items() if place not in told}
        for place, role in told.items():
            self._give(place, role, f"column_{place + 1}")
        for role in ("date", "amount"):
            name = f"{role}_column"
            if answer := self.answers.get(name):
                places = {str(place + 1): place for place in range(self.width)}
                if answer not in places:
                    raise ProfileError(name, f"is a number from 1 to {self.width}")
                for place in self.of_role(role):
                    self.roles[place] = "ignored"
                self._give(places[answer], role, name)

    def _give(self, place: int, role: str, name: str) -> None:
        if role not in ROLES:
            raise ProfileError(name, f"is one of {', '.join(ROLES)}")
        if not _fits(role, [text for _, text in self.cells(place)]):
            raise ProfileError(name, f"{self.heading(place)!r} does not hold what a column of {role} holds")
        twice = [other for other in self.of_role(role) if role in SINGLE_ROLES]
        if any(f"column_{other + 1}" in self.answers for other in twice):
            raise ProfileError(name, f"two columns cannot both be the {role}")
        for other in twice:
            self.roles[other] = "ignored"
        self.roles[place] = role

    def _find_day(self) -> None:
        free = [place for place in range(self.width) if f"column_{place + 1}" not in self.answers]
        days = [place for place in free if (cells := self.cells(place)) and all(is_day(text) for _, text in cells)]
        named = self.of_role("date")
        candidates = named or [place for place in days if self.roles.get(place) != "other_date"] or days
        if not candidates:
            raise UnreadableStatementError("No column holds a day in every row.", row=self.entries[0][0])
        chosen = self._choose("date_column", "Which column is the day of booking?", candidates)
        for place in named:
            self.roles[place] = "ignored"
        self.roles[chosen] = "date"

    def _find_amount(self) -> None:
        amounts = self.of_role("amount")
        if len(amounts) > 1 and self.place("gross") is not None:
            amounts = [place for place in amounts if fold(self.heading(place)) in ("net", "netto")] or amounts
        if not amounts and self.place("credit") is not None and self.place("debit") is not None:
            return
        candidates = amounts or [
            place
            for place in range(self.width)
            if self.roles.get(place, "amount") in AMOUNT_ROLES
            and (cells := self.cells(place))
            and all(is_amount(text) for _, text in cells)
        ]
        if not candidates:
            raise UnreadableStatementError("No column holds an amount in every row.", row=self.entries[0][0])
        chosen = self._choose("amount_column", "Which column is the amount?", candidates)
        self.twins = {place: self.roles[place] for place in self.of_role("credit", "debit")}
        for place in self.of_role(*AMOUNT_ROLES):
            self.roles[place] = "ignored"
        self.roles[chosen] = "amount"

    def _find_texts(self) -> None:
        """Where no heading names a text, every column of words is one."""
        if self.of_role("text"):
            return
        for place in range(self.width):
            cells = self.cells(place, self.body)
            if place not in self.roles and any(not is_amount(text) and not is_day(text) for _, text in cells):
                self.roles[place] = "text"

    def _choose(self, name: str, text: str, places: Sequence[int]) -> int:
        if len(places) == 1:
            return places[0]
        answer = self.ask(name, text, *self._choices(places))
        return int(answer) - 1 if answer else places[0]

    def _choices(self, places: Iterable[int]) -> list[tuple[str, str]]:
        return [
            (str(p + 1), f"{self.heading(p)}: {', '.join(text[:30] for _, text in self.cells(p)[:3])}") for p in places
        ]


def _header(table: Table) -> int | None:
    """The first of the rows with most known headings, else the row of words right above the first entry."""
    best, found = 1, None
    for index, (_, cells) in enumerate(table.rows[: table.entries[-1]]):
        count = sum(bool(role_of(cell)) for cell in cells)
        if count > best and not any(is_day(cell) or is_amount(cell) for cell in cells):
            best, found = count, index
    above = next((i for i in range(table.entries[0] - 1, -1, -1) if not is_empty(table.rows[i][1])), None)
    if found is not None or above is None:
        return found
    words = [fold(cell) for cell in table.rows[above][1] if fold(cell)]
    only_words = not any(is_day(cell) or is_amount(cell) for cell in table.rows[above][1])
    return above if only_words and len(words) >= 3 and len(set(words)) == len(words) else None


def _fits(role: str, values: list[str]) -> bool:
    """Whether a column can be that: an empty one may be filled next month."""
    if role in ("date", "value_date", "other_date"):
        return all(map(is_day, values)) and (bool(values) or role != "date")
    if role in ("fee", "gross"):  # what is always zero shows neither its sign nor its place
        return all(map(is_amount, values)) and any(re.search("[1-9]", value) for value in values)
    if role in (*AMOUNT_ROLES, "balance"):
        return all(map(is_amount, values)) and (bool(values) or role in ("credit", "debit"))
    if role == "sign":
        return bool(values) and {fold_mark(value) for value in values} <= SIGN_IN | SIGN_OUT
    if role == "currency":
        return bool(values) and all(map(_is_code, values))
    return True


def _is_code(text: str) -> bool:
    try:
        minor_units(text.upper())
    except ValueError:
        return False
    return True
