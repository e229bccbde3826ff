"""Ordinary trouble, with the worker as it is shipped: slow mail, a locked row, a busy queue. Approvals go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import pytest

from stack.process import Process
from tests.faults.mail_server import mail_server, times_taken
from tests.faults.site import Site, eventually, say
from tests.faults.test_workers import ITS_ACCOUNT

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(300)]

MAILS = "kind LIKE 'mail.%%'"
NOT_OVER = "state IN ('ready', 'leased', 'waiting')"


@contextmanager
def worker_that_mails_to(site: Site, url: str, mails: int, **environment: str) -> Iterator[Process]:
    """It has begun to send so many mails. In the end what it left is nobody's work any more."""
    site.worker.stop()
    with site.another("worker", name="mailing-worker", EMAIL_URL=url, **environment) as worker:
        site.wait_until_working(worker)
        site.in_the_product(f"schedule_mails({mails})")
        eventually(
            lambda: site.value(f"SELECT count(*) FROM engine_effect WHERE {MAILS} AND state = 'leased'"), within=10
        )
        yield worker
    site.rows(f"UPDATE engine_effect SET state = 'skipped', lease_until = NULL WHERE {MAILS} AND {NOT_OVER}")
    site.rows("DELETE FROM engine_circuitbreaker")


def seconds_to_settle(site: Site, payments: list[str], *, pause: float) -> list[float]:
    """Of one approval after the other."""
    status, taken = "SELECT status FROM core_payment WHERE id = %s", []
    site.sign_in()
    for payment in payments:
        site.approve_all([payment])
        started = time.monotonic()
        eventually(lambda payment=payment: site.value(status, payment) == "succeeded", within=60)
        taken.append(time.monotonic() - started)
        time.sleep(pause)
    return taken


def must_be_unharmed(site: Site, since: str) -> None:
    """No worker died with a mail in hand, and no mail was charged but those that are done."""
    story = "SELECT count(*) FROM engine_effectevent WHERE what = 'crashed' AND at > %s"
    failed = "attempts > (state = 'done')::int"
    charged = f"SELECT count(*) FROM engine_effect WHERE {MAILS} AND {failed} AND created_at > %s"
    assert site.value(story, since) == 0
    assert site.value(charged, since) == 0


@pytest.mark.parametrize(
    ("mails", "approvals", "pause"),
    [(60, 5, 0.3), pytest.param(250, 12, 2.5, marks=pytest.mark.faults)],
    ids=["short", "long"],
)
def test_slow_mail_server_delays_no_approval(site: Site, mails: int, approvals: int, pause: float):
    """H1, H2: a claim of a hundred calls of a second each was killed by the worker's limit, with all it held."""
    payments, since = site.claimed(approvals), site.value("SELECT now()")

    with mail_server(site, "slow", seconds=1) as (url, taken), worker_that_mails_to(site, url, mails) as worker:
        children = site.children(worker)
        seconds = seconds_to_settle(site, payments, pause=pause)
        survivors = site.children(worker)
        worker.stop()
        sent = times_taken(taken)

    say("a mail server of 1 s", median=median(seconds), worst=max(seconds), mails=len(sent))
    assert survivors == children
    must_be_unharmed(site, since)
    assert max(sent.values()) == 1
    assert (median(seconds) <= 1, max(seconds) <= 3) == (True, True), seconds
    assert site.findings() == []


@pytest.mark.faults
def test_slow_mail_server_delays_no_approval_of_one_child(site: Site):
    """H2: where nobody stays inside, the budget of a run is all that an approval waits for."""
    payments, since = site.claimed(10), site.value("SELECT now()")
    alone = {"WORKER_CONCURRENCY": "1"}

    with mail_server(site, "slow", seconds=1) as (url, taken), worker_that_mails_to(site, url, 100, **alone):
        seconds = seconds_to_settle(site, payments, pause=1.3)
        sent = times_taken(taken)

    say("a mail server of 1 s, one child", median=median(seconds), worst=max(seconds), mails=len(sent))
    must_be_unharmed(site, since)
    assert max(seconds) <= 3
    assert site.findings() == []


@pytest.mark.faults
def test_mail_server_that_hangs_delays_no_approval(site: Site):
    """H1, H2: it takes the call and says nothing for the 10 s that it is given."""
    payments, since = site.claimed(10), site.value("SELECT now()")

    with mail_server(site, "silent") as (url, _), worker_that_mails_to(site, url, 60) as worker:
        children = site.children(worker)
        seconds = seconds_to_settle(site, payments, pause=2.5)
        survivors = site.children(worker)

    say("a mail server that hangs", median=median(seconds), worst=max(seconds))
    assert survivors == children
    must_be_unharmed(site, since)
    assert (median(seconds) <= 1, max(seconds) <= 3) == (True, True), seconds
    assert site.findings() == []


@pytest.mark.faults
def test_mail_whose_end_is_unknown_is_sent_once_more_at_most(site: Site):
    """H1: it takes the mail, and does not say so."""
    payments = site.claimed(8)

    with mail_server(site, "mute") as (url, taken), worker_that_mails_to(site, url, 20) as worker:
        children = site.children(worker)
        seconds = seconds_to_settle(site, payments, pause=2.5)
        for _ in range(3):  # what waits for its second try need not wait here
            site.rows("UPDATE engine_circuitbreaker SET paused_until = now()")
            site.rows(f"UPDATE engine_effect SET run_at = now() WHERE {MAILS} AND state = 'waiting'")
            time.sleep(12)
        survivors = site.children(worker)
        sent = times_taken(taken)

    say("a mail server that is mute", median=median(seconds), worst=max(seconds), mails=len(sent))
    assert survivors == children
    assert max(sent.values()) == 2
    assert (median(seconds) <= 1, max(seconds) <= 3) == (True, True), seconds
    assert site.findings() == []


@pytest.mark.faults
def test_timers_fire_in_a_backlog(site: Site):
    """H6: the sweep that wakes them stood in the queue behind those that it should help."""
    effects, timers = 20_000, 20
    site.worker.stop()
    late = """SELECT coalesce(extract(epoch FROM coalesce(done_at, now()) - run_at), 0)::float FROM engine_effect
              WHERE kind = 'faults.timer' AND run_at < now()"""
    left = "SELECT count(*) FROM engine_effect WHERE kind = 'faults.nothing' AND state <> 'done'"

    with site.another("worker", name="flooded-worker", module="tests.faults.backlog") as worker:
        site.wait_until_working(worker)
        flood = f"from tests.faults.backlog import flood; flood({effects}, {timers})"
        site.application.command("shell", "--no-imports", "-v0", "--command", flood)
        waiting, started = [], time.monotonic()
        while time.monotonic() - started < timers + 2:
            waiting.append(site.broker().llen("inward"))
            time.sleep(0.1)
        in_backlog = site.value(left)
        worker.stop()

    lateness = sorted(row[0] for row in site.rows(late))
    say("timers in a backlog", worst=lateness[-1], left=in_backlog, most_messages=max(waiting))
    site.rows("UPDATE engine_effect SET state = 'skipped' WHERE kind LIKE 'faults.%%' AND state <> 'done'")
    assert len(lateness) == timers
    assert lateness[-1] <= 2
    assert max(waiting) <= 6


@pytest.mark.faults
def test_locked_row_holds_up_its_own_payment_alone(site: Site):
    """H9: sixty of sixty customers waited together for one row, until their deadline."""
    payments = site.claimed(60)
    rows = """SELECT object_id::text, extract(epoch FROM done_at - created_at)::float FROM engine_effect
              WHERE kind = 'payment.settle' AND object_id = ANY(%s::uuid[]) AND state = 'done'"""

    with site.locked(ITS_ACCOUNT, payments[30]):
        site.in_the_product(f"approve_together(*{payments})")
        settled = eventually(lambda: len(found := dict(site.rows(rows, payments))) == 59 and found, within=30)
    site.settled(payments, within=40)

    say("one locked row, 59 others", median=median(settled.values()), worst=max(settled.values()))
    assert payments[30] not in settled
    assert max(settled.values()) <= 2
    assert site.findings() == []
