"""Where the columns of a profile stand in one file, and the figures around its table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workflows.bank.readers.delimited.headings import new_columns
from workflows.bank.readers.delimited.profile import Profile, fold
from workflows.bank.readers.statement import AccountIdentifier, UnreadableStatementError

_RULED = re.compile(r"[*=_.#~-]+")
_ACCOUNT_NUMBER = re.compile(r"[\dX*][\dX* -]{2,}[\dX*]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Layout:
    """Indexes of cells by role. `width` 0: the file has no headings that say how many cells there are."""

    places: dict[str, tuple[int, ...]]
    names: dict[str, str]
    width: int = 0
    headings: tuple[str, ...] = ()

    def cell(self, cells: Sequence[str], role: str) -> str:
        """The first cell of the role; "" where the row ends before it."""
        places = self.places.get(role)
        return cells[places[0]] if places and places[0] < len(cells) else ""

    def cells(self, cells: Sequence[str], role: str) -> list[str]:
        return [cells[place] for place in self.places.get(role, ()) if place < len(cells) and cells[place]]

    def name(self, role: str) -> str:
        return self.names.get(role, role)


def headed_layout(cells: Sequence[str], profile: Profile) -> Layout | None:
    """The layout under this row of headings; None where one is missing or stands twice."""
    folded = [fold(cell) for cell in cells]
    places: dict[str, tuple[int, ...]] = {}
    names: dict[str, str] = {}
    for column in profile.columns:
        if column.position:
            found = [column.position - 1] if column.position <= len(cells) and not folded[column.position - 1] else []
        else:
            found = [index for index, heading in enumerate(folded) if heading in column.folded]
        if len(found) > 1 or (not found and not column.optional and column.role != "ignored"):
            return None
        if found and column.role != "ignored":
            places[column.role] = (*places.get(column.role, ()), *found)
            names[column.role] = cells[found[0]] or column.name
    return Layout(places, names, len(cells), tuple(folded))


def placed_layout(profile: Profile) -> Layout:
    """The layout of a file without headings."""
    places: dict[str, tuple[int, ...]] = {}
    for column in profile.columns:
        places[column.role] = (*places.get(column.role, ()), column.position - 1)
    return Layout(places, {column.role: column.name for column in profile.columns})


def refuse_new_columns(cells: Sequence[str], layout: Layout, profile: Profile, row: int) -> None:
    used = {place for places in layout.places.values() for place in places}
    if new := new_columns(list(cells), used, profile):
        raise UnreadableStatementError(
            f"The column {new[0]!r} is not known to the profile {profile.name!r} and may change what a row says.",
            row=row, column=new[0],
        )  # fmt: skip


def is_empty(cells: Sequence[str]) -> bool:
    """Without content, or nothing but rows of asterisks and dashes."""
    return all(not cell or _RULED.fullmatch(cell) for cell in cells)


def account_of(text: str) -> AccountIdentifier:
    """IBAN or number of the account in this cell."""
    whole = AccountIdentifier.of(text.strip(" '_=\""))
    if whole.iban:
        return whole
    number = _ACCOUNT_NUMBER.search(text.upper()) if " " in text.strip() else None  # beside words
    return AccountIdentifier(number="".join((number.group() if number else whole.number).split())[:50])


class Labels:
    """Figures outside the table: beside their word (`Opening Balance:,100.00`) or below it."""

    def __init__(self, profile: Profile) -> None:
        self.found: dict[str, tuple[str, int]] = {}
        self._means = {fold(word): label.means for label in profile.labels for word in label.words}
        self._above: dict[int, str] = {}

    def read(self, cells: Sequence[str], row: int) -> None:
        if not self._means or not any(cells):
            return
        if self._above:
            for index, means in self._above.items():
                if index < len(cells) and cells[index]:
                    self.found[means] = (cells[index], row)
            self._above = {}
            return
        here: dict[int, str] = {}
        for index, cell in enumerate(cells):
            word, _, value = cell.partition(":")
            means = self._means.get(fold(word), "")
            if means:
                here[index] = means
                if value := value.strip() or self._beside(cells, index):
                    self.found[means] = (value, row)
        if len(here) > 1 and not any(means in self.found and self.found[means][1] == row for means in here.values()):
            self._above = here

    def _beside(self, cells: Sequence[str], index: int) -> str:
        value = next((cell for cell in cells[index + 1 :] if cell.strip(": ")), "")
        return "" if fold(value) in self._means else value
