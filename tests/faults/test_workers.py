"""A worker dies, sleeps or swallows poison."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from engine.lease import LEASE
from tests.faults.site import Site, eventually, kill, say

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

ITS_ACCOUNT = "SELECT FROM core_account WHERE id = (SELECT account_id FROM core_payment WHERE id = %s) FOR UPDATE"
ITS_MAIL = "kind = 'mail.payment_approved' AND object_id = %s::uuid"


def test_children_killed_in_the_middle_of_a_settlement_are_replaced(site: Site):
    must_replace_children(site, "kill -9 of the children in mid settlement")


def must_replace_children(site: Site, case: str) -> None:
    (payment,) = site.claimed(1)

    with site.locked(ITS_ACCOUNT, payment):
        site.approve_all([payment])
        site.somebody_waits()
        kill(site.children(site.worker))
    seconds = site.settled([payment], within=10)

    say(case, seconds_to_recover=seconds)
    site.must_be_whole([payment])


def test_a_worker_killed_with_work_in_hand_is_made_up_for_by_the_next(site: Site):
    payments = site.claimed(5)

    with site.locked(ITS_ACCOUNT, payments[0]):
        site.approve_all(payments)
        site.somebody_waits()
        site.worker.kill()
    site.worker.start()
    site.application.wait_until_ready()
    seconds = site.settled(payments, within=LEASE.total_seconds() + 2)

    say("kill -9 of the whole worker", payments=len(payments), seconds_after_the_next_is_ready=seconds)
    site.must_be_whole(payments)


@pytest.mark.faults
def test_a_worker_asleep_past_its_lease_wakes_up_fenced(site: Site):
    (payment,) = site.claimed(1)
    site.approve_all([payment])
    site.settled([payment], within=10)
    logged = len(site.worker.log.read_text())

    with ExitStack() as sleep:
        with site.locked("LOCK TABLE core_subscription IN ACCESS EXCLUSIVE MODE"):
            # The mail once more: it is on its way, with no transaction open, when its worker falls asleep.
            again = "UPDATE engine_effect SET state = 'ready', done_at = NULL, attempts = 0"
            site.rows(f"{again} WHERE {ITS_MAIL}", payment)
            site.somebody_waits()
            sleep.enter_context(site.worker_asleep())
        with site.another("worker", name="second-worker") as second:
            site.wait_until_working(second)
            site.rows("UPDATE engine_effect SET lease_until = now() WHERE state = 'leased'")
            seconds = site.settled([payment], within=10)
    eventually(lambda: "had run out" in site.worker.log.read_text()[logged:], within=10)

    say("SIGSTOP past the lease, a mail in hand", seconds_until_another_sent_it=seconds)
    site.must_be_whole([payment])
    assert site.value(f"SELECT fence FROM engine_effect WHERE {ITS_MAIL}", payment) == 3


@pytest.mark.faults
def test_a_worker_asleep_in_its_transaction_loses_what_it_locked(site: Site):
    (payment,) = site.claimed(1)

    with ExitStack() as sleep:
        with site.locked(ITS_ACCOUNT, payment):
            site.approve_all([payment])
            site.somebody_waits()
            sleep.enter_context(site.worker_asleep())
        with site.another("worker", name="second-worker") as second:
            site.wait_until_working(second)
            seconds = site.settled([payment], within=LEASE.total_seconds() + 2)
    site.quiet()

    say("SIGSTOP past the lease, in a transaction", seconds_until_another_did_it=seconds)
    site.must_be_whole([payment])


@pytest.mark.faults
def test_effect_that_kills_its_process_dies_alone(site: Site):
    site.worker.stop()
    with site.another("worker", name="poisoned-worker", module="tests.faults.poison") as poisoned:
        site.wait_until_working(poisoned)
        lay = "from tests.faults.poison import lay; lay(neighbours=20)"
        site.application.command("shell", "--no-imports", "-v0", "--command", lay)
        started = time.monotonic()
        site.quiet(within=40)
        seconds = time.monotonic() - started

    poison, *neighbours = site.rows(
        """SELECT state, crashes, attempts, last_error FROM engine_effect
           WHERE kind = 'faults.poison' ORDER BY crashes DESC"""
    )
    say("poison that kills its process", crashes=poison[1], seconds_until_dead=seconds)
    assert poison == ("dead", 3, 0, "its worker died")
    assert {(state, crashes, attempts) for state, crashes, attempts, _ in neighbours} == {("done", 0, 1)}
    assert len(neighbours) == 20
    assert site.findings() == []
