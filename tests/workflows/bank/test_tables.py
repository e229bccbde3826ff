"""Whatever is answered about a table: it is read to the cent as was said, or refused by the name of the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models import BankAccount
from core.problems import ValidationError
from tests.workflows.bank.readers.sheets import SHEETS
from tests.workflows.bank.tables import COLUMNS, MAY, table
from workflows.bank.readers.delimited.profile import ROLES
from workflows.bank.tables import propose

TABLES = [MAY, *(sheet.data() for sheet in SHEETS)]
NAMES = ["date_column", "amount_column", "currency", "decimal", "date_form", "sign", "fee", "unmarked", "balance"]
VALUES = [
    "",
    "1",
    "4",
    "99",
    "EUR",
    "in",
    "out",
    "yes",
    "no",
    "decimal",
    "grouping",
    "included",
    "dd/mm/yyyy",
    "\0",
    "x" * 300,
]
ANSWERS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=4)
COLUMN_ROLES = st.dictionaries(
    st.integers(0, 20).map(lambda place: f"column_{place}"), st.sampled_from([*ROLES, "", "none"]), max_size=8
)


@given(content=st.sampled_from(TABLES), answers=ANSWERS, roles=COLUMN_ROLES)
def test_any_answers_make_a_proposal_or_are_refused(content, answers, roles):
    account = BankAccount(name="Main", currency="EUR")
    for known in (None, account):
        try:
            proposal = propose(content, answers | roles, known)
        except ValidationError:
            continue
        assert (proposal.profile is None) == bool(proposal.guess.questions)
        assert len(proposal.lines) <= 10
        for name, role in roles.items():
            shown = {f"column_{column.place}": column.role for column in proposal.guess.columns}
            if proposal.profile and name in shown and role in ("date", "balance", "payer", "reference", "currency"):
                assert shown[name] == role or "balance" in answers or f"{role}_column" in answers


@pytest.mark.parametrize("rows", [["13.05.2026;Ann;Rent;12,00;112,00", "14.05.2026;Bo;Fee;2,00;110,00"]])
def test_total_is_of_all_lines_and_not_of_those_that_are_shown(rows):
    many = [row for _ in range(20) for row in rows]
    proposal = propose(table(*many), {**COLUMNS, "column_5": "ignored", "sign": "in"}, BankAccount(currency="EUR"))

    assert len(proposal.lines) == 10
    assert (proposal.totals[0].count, proposal.totals[0].sum, proposal.totals[0].adds_up) == (40, 280, None)
