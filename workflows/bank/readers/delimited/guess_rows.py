"""Which rows of an unknown table are no lines, and which lines are not booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from workflows.bank.readers.delimited.guess_columns import AMOUNT_ROLES, Columns
from workflows.bank.readers.delimited.guess_words import LABELS, NO_LINES, STATE_OF, STATES
from workflows.bank.readers.delimited.profile import MAX_WORD_LENGTH, Label, RowRule, fold
from workflows.bank.readers.delimited.sniff import is_amount
from workflows.bank.readers.statement import UnreadableStatementError

MAX_STATES = 12


def row_rules(table: Columns) -> tuple[RowRule, ...]:
    """Rules for balances, sums and the footer. Gives the role "code" to the column that tells them from lines, where
    they look like lines otherwise. Raises UnreadableStatementError where no column does."""
    words: dict[tuple[str, str], list[str]] = {}
    lines: dict[str, list[list[str]]] = {}
    most = most_continued(table)
    for index, (_, cells) in enumerate(table.body):
        found = next(
            ((means, p) for p, cell in enumerate(cells) for means in NO_LINES if fold(cell) in NO_LINES[means]), None
        )
        if found and table.is_line(cells):
            lines.setdefault(found[0], []).append(cells)
        elif found and any(map(is_amount, table.texts(cells, *AMOUNT_ROLES, "balance"))):
            means, place = found
            role = table.roles.get(place, "") if any(cells[:place]) else ""
            words.setdefault((means, role), []).append(cells[place])
        elif index > table.last and not (_is_only_text(table, cells) and index - table.last <= most):
            words["footer", ""] = [f"{next(filter(None, cells))[:40]}*"]
            break
    rules = [RowRule(means, tuple(dict.fromkeys(its)), role) for (means, role), its in words.items()]
    if lines:
        code = _code_column(table, lines)
        table.roles[code] = "code"
        rules += [
            RowRule(means, tuple(sorted({cells[code] for cells in rows})), "code") for means, rows in lines.items()
        ]
    return tuple(rules)


def most_continued(table: Columns) -> int:
    """How many rows of only text stand below a line, at most."""
    most = run = 0
    for _, cells in table.body[: table.last]:
        run = run + 1 if _is_only_text(table, cells) else 0
        most = max(most, run)
    return most


def state_words(table: Columns) -> dict[str, tuple[str, ...]]:
    """Words for booked, pending and dropped, of the status column and of a day column that says "Pending"."""
    words: dict[str, list[str]] = {state: [] for state in STATES}
    place, day = table.place("status"), table.place("date")
    values = [] if place is None else sorted({text for _, text in table.cells(place)})
    unknown = len(values) > MAX_STATES and not any(fold(value) in STATE_OF for value in values)
    if place is not None and (unknown or any(len(value) > MAX_WORD_LENGTH for value in values)):
        table.roles[place] = "text"
    elif place is not None:
        words = {state: list(its) for state, its in STATES.items()}
        for value in values:
            if fold(value) not in STATE_OF:
                answer = table.ask(
                    f"status:{value}", f"What does {value!r} in {table.heading(place)!r} mean?",
                    ("booked", "booked"), ("pending", "not booked yet"), ("dropped", "never happened"),
                )  # fmt: skip
                words[answer or "booked"].append(value)
    if day is not None:
        in_days = {text for _, text in table.cells(day, table.body) if STATE_OF.get(fold(text)) == "pending"}
        words["pending"] += sorted(text for text in in_days if fold(text) not in map(fold, words["pending"]))
    return {state: tuple(its) for state, its in words.items()}


def labels(table: Columns) -> tuple[Label, ...]:
    """The known labels that stand around this table."""
    around = [*table.before, *table.body[table.last + 1 :]]
    written = {fold(cell.partition(":")[0]) for _, cells in around for cell in cells}
    kept = (replace(label, words=tuple(w for w in label.words if fold(w) in written)) for label in LABELS)
    return tuple(label for label in kept if label.words)


def _is_only_text(table: Columns, cells: Sequence[str]) -> bool:
    return bool(table.texts(cells, "text", "payer")) and not table.texts(cells, "date", *AMOUNT_ROLES, "balance")


def _code_column(table: Columns, lines: Mapping[str, list[list[str]]]) -> int:
    """A column that payers do not write, with words of its own for each kind of row."""
    special = [cells for rows in lines.values() for cells in rows]
    others = [cells for _, cells in table.body if table.is_line(cells) and cells not in special]
    for place in sorted(range(table.width), key=lambda place: not any(table.headings[place : place + 1])):
        if table.roles.get(place, "") not in ("", "code", "kind", "ignored"):
            continue
        kinds = [{"".join(cells[place : place + 1]) for cells in rows} for rows in [others, *lines.values()]]
        if not any(one & two for one, two in combinations(kinds, 2)) and not any("" in kind for kind in kinds[1:]):
            return place
    row = next(row for row, cells in table.body if cells in special)
    raise UnreadableStatementError("This row says that it is a balance or a sum, and has all that a line has.", row=row)
