from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.models import Account, Invoice, Subscription
from core.problems import Conflict
from tests.simulation.plants import never
from tests.simulation.test_planted_faults import SENSELESS
from workflows.documents.composing.statement import movements
from workflows.management.commands import simulate as command
from workflows.settlement.balances import balance_of
from workflows.simulation import habits
from workflows.simulation.database import NotScratch, check_scratch, scratch_database
from workflows.simulation.report import UNREACHABLE, Report, all_edges, all_pairs
from workflows.simulation.run import Simulation, daily_laws, perform_verb
from workflows.simulation.scope import Laws, Violation
from workflows.simulation.seeds import simulate
from workflows.simulation.story import Story, Teller
from workflows.simulation.verbs import VERBS, Verb, sign_up
from workflows.simulation.world import World

pytestmark = pytest.mark.django_db(transaction=True)
# One takes a core for three quarters of an hour. Ten are for a release.
SEEDS = [int(seed) for seed in os.environ.get("SIMULATION_SEEDS", "1").split()]
JOIN = {"plan": "starter", "currency": "USD", "interval": "month", "method": 0}


def test_no_law_is_broken_in_a_month_and_a_half_of_some_customers(world):
    report = Simulation(world, customers=10, days=45, seed=1).run()

    assert list_of(report) == []
    assert report.customers >= 10
    assert report.days_on_a_desk == 0
    assert list(wrong_statements()) == []


@pytest.mark.faults
@pytest.mark.timeout(3600 * 5)
def test_no_law_is_broken_in_two_years_of_two_hundred_customers(capsys):
    total = Report()

    for _, report in simulate(SEEDS, customers=200, days=800, jobs=2):
        total.add(report)

    with capsys.disabled():
        sys.stdout.write("\n".join(["", *total.lines(), ""]))
    assert list_of(total) == []
    assert total.rare_edges(5 * len(SEEDS)) == {}
    assert total.rare_pairs(len(SEEDS) // 2) == {}
    assert total.days_on_a_desk < total.customer_days / 100


def test_the_same_seed_is_the_same_simulation():
    connection.close()
    template = connection.settings_dict["NAME"]

    (_, first), (_, second) = simulate([5, 5], customers=3, days=12, skip=SENSELESS, template=template)

    assert (second.edges, second.done, second.refused) == (first.edges, first.done, first.refused)


@pytest.mark.django_db
def test_a_simulation_leaves_every_other_database_alone():
    with pytest.raises(NotScratch, match="left alone"):
        World()


@pytest.mark.django_db
def test_the_database_is_not_changed_inside_a_transaction():
    before = connection.settings_dict["NAME"]

    with pytest.raises(NotScratch), scratch_database():
        pass

    assert connection.settings_dict["NAME"] == before


def test_a_scratch_database_is_gone_afterwards():
    configured = connection.settings_dict["NAME"]

    with scratch_database(template=configured) as name:
        check_scratch()
        assert connection.settings_dict["NAME"] == name != configured

    assert connection.settings_dict["NAME"] == configured
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name])
        assert cursor.fetchone() == (0,)


def test_the_command_fails_with_what_it_found(monkeypatch, capsys):
    def breaks(world, customer):
        raise KeyError("plan")

    monkeypatch.setitem(VERBS, "move", Verb("move", "customer", breaks))
    monkeypatch.setattr(habits, "_rates", lambda *_: [("move", 0.5)])
    copied = partial(simulate, template=connection.settings_dict["NAME"])
    monkeypatch.setattr(command, "simulate", copied)

    with pytest.raises(CommandError, match="findings"):
        call_command("simulate", "--customers", "5", "--days", "4", "--seed", "4", "--skip", *SENSELESS)

    said = capsys.readouterr().out
    assert "a verb is done or refused: move" in said
    assert "account begin: [*] > trial" in said


def test_the_clock_goes_on_in_a_session_that_follows_a_lost_one(world):
    world.clock.advance(days=100)
    before = world.clock.now()

    connection.close()

    assert abs((world.clock.now() - before).total_seconds()) < 60


def test_a_law_is_asked_only_of_the_accounts_that_are_named(world):
    laws = Laws(daily_laws())
    first, second = sign_up(world, **JOIN), sign_up(world, **JOIN)
    world.work()

    connection.cursor().execute("UPDATE engine_effect SET state = 'skipped' WHERE kind = 'invoice.let_lapse'")

    assert {found.account for found in laws.broken_by([second.account_id])} == {second.account_id}
    assert {found.account for found in laws.broken_by([first.account_id, second.account_id])} == {
        first.account_id,
        second.account_id,
    }
    assert laws.broken_by([]) == []


def test_a_refusal_that_has_written_is_a_finding(world):
    def half(world, customer):
        Account.objects.filter(pk=customer.account_id).update(name="half done")
        raise Conflict("no")

    def nothing(world, customer):
        raise Conflict("no")

    customer = sign_up(world, **JOIN)

    found = perform_verb(world, Verb("half", "customer", half), {}, customer)

    assert isinstance(found, Violation)
    assert (found.law, found.facts["written"]) == ("a refusal changes nothing", ["core_account"])
    assert perform_verb(world, Verb("nothing", "customer", nothing), {}, customer) == "Conflict"


def test_a_verb_that_breaks_is_a_finding(world):
    def breaks(world, customer):
        raise KeyError("plan")

    found = perform_verb(world, Verb("breaks", "customer", breaks), {}, sign_up(world, **JOIN))

    assert isinstance(found, Violation)
    assert found.law == "a verb is done or refused: breaks"


def test_a_story_is_shortened_to_what_its_end_needs(world):
    law = "a plan that was chosen is paid for or lapses"
    events = (
        (0, "sign_up", JOIN),
        (1, "move", {"zone": "Asia/Kolkata"}),
        (2, "edit_credits", {"plan": "growth", "factor": "2"}),
        (3, "claim", {"which": 0, "share": "1", "method": 0, "currency": None, "says": "plain"}),
        (4, "withdraw", {"which": 0}),
    )
    teller = Teller(world, Laws(daily_laws()), start=world.clock.now(), seed=1)
    before = world.clock.now()

    with never("invoice.let_lapse"):
        short = teller.shorten(Story(events, 40), law)

    assert short.events == events[:1]
    assert list(short.lines()) == ["day   0: sign_up(plan=starter, currency=USD, interval=month)"]
    assert Account.objects.count() == Subscription.objects.count() == 0  # told, and undone
    assert abs((world.clock.now() - before).total_seconds()) < 60


def test_every_edge_and_pair_is_in_the_table():
    report = Report()

    lines = list(report.lines())

    assert all_edges() >= UNREACHABLE
    assert sum(" > " in line for line in lines) == len(all_edges())
    assert report.rare_edges(1).keys() == all_edges() - UNREACHABLE
    assert report.rare_pairs(1).keys() == all_pairs()


def wrong_statements() -> Iterator[str]:
    """Statements of account that do not end with what is asked for, without what is in the balance."""
    open_ = Invoice.objects.filter(status__in=Invoice.OPEN)
    for account in Account.objects.all():
        balance = balance_of(account.pk)
        for currency in {*account.invoices.values_list("currency", flat=True), *balance}:
            owed = sum(invoice.outstanding for invoice in open_.filter(account=account, currency=currency))
            closing = sum(row.amount for row in movements(account, currency))
            if closing != owed - balance.get(currency, 0):
                yield f"{account.pk} {currency}: {closing}, not {owed} - {balance.get(currency, 0)}"


def list_of(report: Report) -> list[str]:
    return [f"{law}: {found[0].facts}" for law, found in report.findings.items()]
