"""From rows of cells to lines of a statement, by a profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from workflows.bank.readers.delimited.cells import CellReader
from workflows.bank.readers.delimited.dates import Day
from workflows.bank.readers.delimited.layout import (
    Labels,
    Layout,
    headed_layout,
    is_empty,
    placed_layout,
    refuse_new_columns,
)
from workflows.bank.readers.delimited.profile import MAX_PREAMBLE_ROWS, PAYER_ROLES, Profile, RowRule, fold
from workflows.bank.readers.statement import TEXT_MAX_LENGTH, Line, UnreadableStatementError

ZERO = Decimal(0)
_RETURN_REASON = re.compile(r"\b(?:A[CGM]|BE|CH|CN|DT|ED|FF|MD|MS|RC|RR|SL|TM)\d{2}\b", re.ASCII)

Key = tuple[str, str]  # own account as written, currency


@dataclass(slots=True)
class Facts:
    """What the file says beside its lines; final when all rows are read."""

    labels: Labels
    opening: Decimal | None = None
    closing: Decimal | None = None
    credits: Decimal | None = None
    debits: Decimal | None = None
    dropped: int = 0
    pending_without_date: int = 0
    notes: list[str] = field(default_factory=list)


class LineReader:
    """Reads the rows of one file once. `figures_only`: without texts and payers, which is faster."""

    def __init__(self, profile: Profile, dates: tuple[str, ...], *, figures_only: bool = False) -> None:
        self.facts = Facts(Labels(profile))
        self.layout: Layout | None = None if profile.has_headings else placed_layout(profile)
        self._profile, self._figures_only = profile, figures_only
        self._cells = CellReader(profile, dates, self.facts.labels)
        self._held: tuple[Key, Line] | None = None
        self._stray: int | None = None  # a row under the headings that is no line, before the first line
        self._lines = self._rows = 0
        self._after_footer = False

    def lines(self, rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[Key, Line]]:
        """Lines in the order of the file, each with the account and currency it belongs to."""
        for row, cells in rows:
            if not is_empty(cells):
                yield from self._row(row, cells)
        yield from self._release()
        if self.layout is None:
            expected = ", ".join(column.name for column in self._profile.columns if not column.optional)
            raise UnreadableStatementError(f"No row has the headings {expected}.", row=1)
        if self._stray is not None:
            raise self._no_line(self._stray)

    def _row(self, row: int, cells: list[str]) -> Iterator[tuple[Key, Line]]:
        self._rows += 1
        if not self._is_table(row, cells):
            return
        layout = self.layout
        assert layout is not None
        if sum(map(len, cells)) > TEXT_MAX_LENGTH:
            raise UnreadableStatementError(f"A row of more than {TEXT_MAX_LENGTH} signs.", row=row)
        if layout.width and any(cells[layout.width :]):
            raise UnreadableStatementError(
                f"{len(cells)} cells under {layout.width} headings: is there a {self._profile.delimiter!r} in a text?",
                row=row,
            )
        if self._after_footer:
            if self._cells.is_complete(layout, cells):
                raise UnreadableStatementError("A line stands after the footer.", row=row)
            self.facts.labels.read(cells, row)
        elif rule := self._rule(layout, cells):
            self._apply(rule, layout, row, cells)
        else:
            yield from self._entry(layout, row, cells)

    def _entry(self, layout: Layout, row: int, cells: list[str]) -> Iterator[tuple[Key, Line]]:
        state = self._cells.state(layout, row, cells)
        if state == "dropped":
            self.facts.dropped += 1
            return
        written = layout.cell(cells, "date")
        day = self._cells.day(written, row, layout.name("date"))
        if day is None and not self._cells.is_entry(layout, cells):
            self._more(layout, row, cells)
            return
        if day is None and state == "pending":
            day = self._cells.other_day(layout, row, cells)
            if day is None:
                self.facts.pending_without_date += 1
                return
        if day is None:
            forms = " or ".join(self._profile.dates)
            raise UnreadableStatementError(
                f"{written[:40]!r} is not a day as {forms}.", row=row, column=layout.name("date")
            )
        if self._stray is not None:
            raise self._no_line(self._stray)
        yield from self._release()
        self._held = self._line(layout, row, cells, day, state)
        self._lines += 1

    def _more(self, layout: Layout, row: int, cells: list[str]) -> None:
        """A row without day and amount: more text of the line above, or something before the table begins."""
        text = [cell for role in ("text", "payer", "reference") for cell in layout.cells(cells, role)]
        if self._profile.continuation and self._held and text and not layout.cell(cells, "date"):
            key, line = self._held
            self._held = key, replace(line, text=_bounded("\n".join(filter(None, [line.text, *text])), row))
        elif self._lines == 0 and layout.width and self._rows <= MAX_PREAMBLE_ROWS:
            self._stray = self._stray or row
            self.facts.labels.read(cells, row)
        else:
            raise self._no_line(row)

    def _no_line(self, row: int) -> UnreadableStatementError:
        return UnreadableStatementError(
            "This row is neither a line nor one that the profile knows how to leave out.", row=row,
            column=self.layout.name("date") if self.layout else "",
        )  # fmt: skip

    def _release(self) -> Iterator[tuple[Key, Line]]:
        if self._held:
            yield self._held
            self._held = None

    # Around the table

    def _is_table(self, row: int, cells: list[str]) -> bool:
        """False for what stands before the headings, and for the headings each time they stand there."""
        if self._rows <= self._profile.preamble_rows:
            self.facts.labels.read(cells, row)
            return False
        if self.layout is None:
            self._look_for_headings(row, cells)
            return False
        if self._is_heading(cells, self.layout.headings):
            self._stray = None  # what stood before the headings was no table
            return False
        return True

    def _is_heading(self, cells: Sequence[str], headings: Sequence[str]) -> bool:
        return bool(headings) and fold(cells[0]) == headings[0] and tuple(map(fold, cells)) == headings

    def _look_for_headings(self, row: int, cells: list[str]) -> None:
        layout = headed_layout(cells, self._profile)
        if layout is not None:
            refuse_new_columns(cells, layout, self._profile, row)
            self.layout = layout
        elif self._rows > MAX_PREAMBLE_ROWS:
            raise UnreadableStatementError(f"The headings are not in the first {MAX_PREAMBLE_ROWS} rows.", row=row)
        else:
            self.facts.labels.read(cells, row)

    def _rule(self, layout: Layout, cells: Sequence[str]) -> RowRule | None:
        for rule in self._profile.row_rules:
            cell = layout.cell(cells, rule.role) if rule.role else next(filter(None, cells), "")
            if cell and rule.fits(cell) and not (rule.role in PAYER_ROLES and self._cells.is_complete(layout, cells)):
                return rule
        return None

    def _apply(self, rule: RowRule, layout: Layout, row: int, cells: list[str]) -> None:
        facts = self.facts
        if rule.means == "footer":
            self._after_footer = True
            facts.labels.read(cells, row)
        elif rule.means in ("opening", "closing"):
            amount = self._cells.amount(layout, row, cells, self._cells.currency(layout, row, cells))
            if amount is None:
                amount = self._cells.balance(layout, row, cells, self._cells.currency(layout, row, cells))
            if amount is None:
                raise UnreadableStatementError("No figure stands in this row of the balance.", row=row)
            setattr(facts, rule.means, amount)
        elif rule.means == "turnover":
            for amount in self._turnover(layout, row, cells):
                if amount > 0:
                    facts.credits = (facts.credits or ZERO) + amount
                else:
                    facts.debits = (facts.debits or ZERO) - amount

    def _turnover(self, layout: Layout, row: int, cells: list[str]) -> list[Decimal]:
        currency = self._cells.currency(layout, row, cells)
        if "amount" in layout.places:
            amount = self._cells.amount(layout, row, cells, currency)
            return [] if amount is None else [amount]
        credit, debit = (self._cells.number(layout, row, cells, role, currency) for role in ("credit", "debit"))
        return [*([credit.size] if credit else []), *([-debit.size] if debit else [])]

    def _line(self, layout: Layout, row: int, cells: list[str], day: Day, state: str) -> tuple[Key, Line]:
        profile = self._profile
        if profile.width and len(cells) != profile.width:  # without headings a column more moves all others
            raise UnreadableStatementError(f"{len(cells)} cells; the profile has {profile.width}.", row=row)
        currency = self._cells.currency(layout, row, cells)
        amount = self._cells.amount(layout, row, cells, currency)
        if amount is None:
            raise UnreadableStatementError("The amount is missing.", row=row, column=layout.name("amount"))
        charges = self._cells.fee(layout, row, cells, currency)
        if charges is not None and profile.fee_is == "beside":
            amount -= charges
        balance = self._cells.balance(layout, row, cells, currency)
        instructed = self._cells.instructed(layout, row, cells, currency, amount, charges)
        value_on = self._cells.value_day(layout, row, cells)
        key = layout.cell(cells, "own_account").strip("\"'"), currency
        if self._figures_only:
            return key, Line(row, day.on, amount, pending=state == "pending", balance_after=balance)
        references = self._cells.references(layout, cells)
        parts = [*layout.cells(cells, "text"), *references, *layout.cells(cells, "kind")]
        payer_name, payer_account = self._cells.payer(layout, cells)
        is_return = self._cells.is_return(layout, cells)
        text = _bounded(_joined(parts), row)
        reason = _RETURN_REASON.search(text) if is_return else None
        line = Line(
            row=row,
            booked_on=day.on,
            amount=amount,
            value_on=value_on.on if value_on else None,
            text=text,
            payer_name=payer_name,
            payer_account=payer_account,
            references=references,
            bank_id=layout.cell(cells, "bank_id"),
            pending=state == "pending",
            is_return=is_return,
            return_reason=reason.group() if reason else "",
            balance_after=balance,
            charges=charges if charges is not None and charges > 0 else None,
            instructed=instructed,
            notes=tuple(read.note for read in (day, value_on) if read and read.note),
        )
        return key, line


def _joined(parts: Sequence[str]) -> str:
    """Each once: a reference that stands in the text is not repeated."""
    kept: list[str] = []
    for part in parts:
        if not any(part in other for other in kept):
            kept.append(part)
    return "\n".join(kept)


def _bounded(text: str, row: int) -> str:
    if len(text) > TEXT_MAX_LENGTH:
        raise UnreadableStatementError(f"A text of more than {TEXT_MAX_LENGTH} signs.", row=row)
    return text
