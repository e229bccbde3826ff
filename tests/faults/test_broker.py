"""A broker that refuses, hangs, loses, repeats or reorders messages costs latency and nothing else."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest

from engine.worker.notifications import PAUSE, PENDING_KEY
from stack.ports import free_port
from tests.faults.approver import approvers
from tests.faults.site import Site, eventually, say
from tests.http_client import http_get

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

QUEUE = "inward"
WEB_PROCESSES = 2
WAIT = 0.95  # seconds: who took longer has waited for the broker
LONGEST = 2.5  # one wait of a second, and the request itself on a machine that has other things to do


def seconds_of_approving(site: Site, payment: str) -> float:
    started = time.monotonic()
    site.approve_all([payment])
    return time.monotonic() - started


def waits(taken: Sequence[float]) -> int:
    return sum(seconds > WAIT for seconds in taken)


@contextmanager
def stopped(site: Site) -> Iterator[None]:
    site.valkey.process.kill()
    yield
    site.valkey.start()


@contextmanager
def hanging(site: Site) -> Iterator[None]:
    site.valkey.process.send(signal.SIGSTOP)
    yield
    site.valkey.process.send(signal.SIGCONT)


@contextmanager
def full(site: Site) -> Iterator[None]:
    broker = site.broker()
    broker.config_set("maxmemory", "1mb")
    yield
    broker.config_set("maxmemory", "0")


def flushed(site: Site) -> None:
    site.broker().flushall()


def doubled(site: Site) -> None:
    site.broker().rpush(QUEUE, *site.broker().lrange(QUEUE, 0, -1))


def reversed_(site: Site) -> None:
    messages = site.broker().lrange(QUEUE, 0, -1)
    site.broker().delete(QUEUE)
    site.broker().lpush(QUEUE, *messages)


def restarted_empty(site: Site) -> None:
    site.valkey.process.kill()
    site.valkey.start()


@pytest.mark.parametrize(
    "mishap",
    [
        flushed,
        pytest.param(doubled, marks=pytest.mark.faults),
        pytest.param(reversed_, marks=pytest.mark.faults),
        pytest.param(restarted_empty, marks=pytest.mark.faults),
    ],
)
def test_effects_run_whatever_happens_to_the_messages(site: Site, mishap):
    payments = site.claimed(10)

    with site.worker_asleep():
        # It sleeps in a call that waits for a message, and the first notification goes there. Until it counts as lost,
        # nobody notifies again.
        site.approve_all(payments[:5])
        eventually(lambda: not site.broker().exists(f"{PENDING_KEY}.{QUEUE}"), within=5)
        site.approve_all(payments[5:])
        queued = site.broker().llen(QUEUE)
        mishap(site)
    seconds = site.settled(payments, within=30)

    say(f"messages {mishap.__name__.strip('_')}", queued=queued, seconds_to_recover=seconds)
    site.must_be_whole(payments)
    assert queued >= 1  # one message stands for all who commit before it is answered


@pytest.mark.parametrize(
    "away",
    [
        hanging,
        pytest.param(stopped, marks=pytest.mark.faults),
        pytest.param(full, marks=pytest.mark.faults),
    ],
)
def test_nobody_waits_for_a_broker_more_than_once(site: Site, away):
    must_wait_once(site, away, f"broker {away.__name__}")


def must_wait_once(site: Site, away: Callable[[Site], AbstractContextManager[None]], case: str) -> None:
    """Approve while the broker is away: no request waits long, and few wait at all."""
    payments = site.claimed(12)
    site.sign_in()
    started = time.monotonic()

    with away(site):
        taken = sorted(seconds_of_approving(site, payment) for payment in payments)
        lasted = time.monotonic() - started
    seconds = site.settled(payments, within=60)

    say(
        case,
        slowest_approval=taken[-1],
        median=taken[len(taken) // 2],
        waits=waits(taken),
        seconds_away=lasted,
        seconds_to_recover=seconds,
    )
    site.must_be_whole(payments)
    assert taken[-1] < LONGEST
    assert waits(taken) <= WEB_PROCESSES * (1 + lasted / PAUSE)


@pytest.mark.faults
def test_a_broker_that_hangs_for_long_is_asked_now_and_then(site: Site):
    payments = site.claimed(150)

    started = time.monotonic()
    with hanging(site), approvers(site, payments) as people:
        pass  # until they are through
    lasted = time.monotonic() - started
    seconds = site.settled(payments, within=60)

    taken = sorted(seconds for person in people for seconds in person.seconds)
    say(
        "broker hanging for long",
        slowest_approval=taken[-1],
        waits=waits(taken),
        approvals=len(taken),
        seconds_away=lasted,
        seconds_to_recover=seconds,
    )
    site.must_be_whole(payments)
    assert taken[-1] < LONGEST
    # At first all that ask in the same second, then one in each PAUSE.
    assert waits(taken) <= WEB_PROCESSES * (len(people) + lasted / PAUSE)


@pytest.mark.faults
def test_sweeper_runs_every_effect_when_all_notifications_are_lost(site: Site):
    payments, port = site.claimed(20), free_port()
    url = f"http://127.0.0.1:{port}"

    with site.another(
        "web", name="deaf-web", PORT=str(port), BROKER_URL="redis+socket:///nowhere?virtual_host=0"
    ) as web:
        web.wait_until(lambda: answers(url), within=30)
        site.approve_all(payments, at=url)
        seconds = site.settled(payments, within=30)

    say("every notification lost", payments=len(payments), seconds_to_settle=seconds)
    site.must_be_whole(payments)


@pytest.mark.faults
def test_run_effects_command_works_without_a_broker(site: Site):
    payments = site.claimed(20)

    with stopped(site):
        site.worker.kill()
        site.approve_all(payments)
        site.application.command("run_effects", "--once")
        site.quiet()

    site.must_be_whole(payments)


def answers(url: str) -> bool:
    try:
        return http_get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False
