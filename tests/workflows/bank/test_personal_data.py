"""How long what a bank wrote about people is kept, and how it goes with an account."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.db import connection

from core.models import PayerIdentity, Payment, StatementLine
from engine import perform
from tests.api.caller import staff
from tests.factories import InvoiceFactory, MembershipFactory
from tests.workflows.bank.statement_files import OTHER_IBAN, Row, camt
from workflows.actions.personal import erase_person, export_person
from workflows.bank import Part, match_line
from workflows.reporting.invariants import findings
from workflows.retention import delete_expired

pytestmark = pytest.mark.django_db
ANN = {"payer": "Ann Example", "payer_iban": OTHER_IBAN}


def told_of(line: StatementLine) -> list[object]:
    line.refresh_from_db()
    return [line.text, line.payer_name, line.payer_account, line.references, line.details]


NOTHING = ["", "", "", [], []]


def what_is_wrong() -> list[str]:
    with connection.cursor() as cursor:
        return list(findings(cursor))


def test_ignored_line_is_blanked_ninety_days_after_the_decision(imported, lines, bookkeeper, clock):
    imported(camt(Row("1.00", "salary", **ANN), Row("2.00", "rent", **ANN)))
    ignored, undecided = lines()
    clock.advance(days=60)
    perform(ignored.ignore, by=bookkeeper, because="not ours")
    clock.advance(days=89)
    assert delete_expired()["lines"] == 0
    before = told_of(undecided)
    clock.advance(days=2)

    assert delete_expired()["lines"] == 1

    assert told_of(ignored) == NOTHING
    assert told_of(undecided) == before
    assert (ignored.amount, ignored.booked_on.isoformat()) == (Decimal("1.00"), "2026-03-04")
    assert delete_expired()["lines"] == 0


def test_blanked_line_is_known_when_a_later_file_brings_it_again(imported, lines, bookkeeper, clock):
    imported(camt(Row("1.00", "salary", **ANN)))
    perform(lines()[0].ignore, by=bookkeeper, because="not ours")
    clock.advance(days=100)
    delete_expired()

    imported(camt(Row("1.00", "salary", **ANN), Row("2.00", "new"), opening="5.00"))

    assert [line.amount for line in lines()] == [1, 2]
    assert told_of(lines()[0]) == NOTHING


def test_nothing_is_blanked_where_the_setting_is_zero(imported, lines, bookkeeper, clock, settings):
    settings.STATEMENT_RETENTION_DAYS = 0
    imported(camt(Row("1.00", "salary", **ANN)))
    perform(lines()[0].ignore, by=bookkeeper, because="not ours")
    clock.advance(days=1000)

    delete_expired()

    assert lines()[0].payer_name == "Ann Example"


def test_erasing_the_last_person_of_an_account_forgets_who_paid_for_it(imported, lines, bookkeeper, run_effects):
    gone, stays = InvoiceFactory(currency="EUR"), InvoiceFactory(currency="EUR")
    owner = MembershipFactory(account=gone.account, role="owner").user
    imported(camt(Row("89.00", "one", **ANN), Row("89.00", "two", **ANN)))
    first, other = lines()
    for line, invoice in ((first, gone), (other, stays)):
        match_line(line, [Part(Decimal("89.00"), invoice=invoice)], by=bookkeeper)
    run_effects()
    held = json.loads(export_person(owner))["payers"]
    assert {(row["kind"], row["value"]) for row in held} == {("account", OTHER_IBAN), ("name", "ANNEXAMPLE")}
    kept = told_of(other)

    by = staff("erase_person", "manage_accounts").user
    changed = erase_person(owner, by=by, reason="asked")

    assert changed["payers"] == 3
    assert told_of(first) == NOTHING
    assert told_of(other) == kept
    assert {known.account_id for known in PayerIdentity.objects.all()} == {stays.account_id}
    assert (first.amount, Payment.objects.filter(line_payments__line=first).count()) == (Decimal("89.00"), 1)
    run_effects()
    assert what_is_wrong() == []
