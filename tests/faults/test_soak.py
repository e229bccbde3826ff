"""Payments are approved while something dies every few seconds."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.approver import approvers
from tests.faults.site import Site, kill, say

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(600), pytest.mark.faults]

APPROVALS = 200


def children_die(site: Site) -> None:
    kill(site.children(site.worker))


def the_worker_dies(site: Site) -> None:
    site.worker.kill()
    site.worker.start()


def the_web_dies(site: Site) -> None:
    site.web.kill()
    site.web.start()


def the_broker_dies(site: Site) -> None:
    site.valkey.process.kill()
    site.valkey.start()


def the_broker_hangs(site: Site) -> None:
    site.valkey.process.send(signal.SIGSTOP)
    time.sleep(2)
    site.valkey.process.send(signal.SIGCONT)


def the_database_dies(site: Site) -> None:
    site.postgres.process.send(signal.SIGQUIT)
    site.postgres.process.wait_until(lambda: not site.postgres.process.alive, within=10)
    site.postgres.start()


MISHAPS: list[Callable[[Site], None]] = [
    children_die,
    the_worker_dies,
    the_web_dies,
    the_broker_dies,
    the_broker_hangs,
    the_database_dies,
]


def test_every_approval_is_settled_once_while_processes_are_killed(site: Site):
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    chance, happened = random.Random(seed), Counter[str]()
    payments = site.claimed(APPROVALS)
    say("soak", seed=seed)

    started = time.monotonic()
    with approvers(site, payments, pause=0.4) as people:
        while any(person.is_alive() for person in people):
            time.sleep(chance.uniform(2, 4))
            mishap = chance.choice(MISHAPS)
            mishap(site)
            happened[mishap.__name__] += 1
    lasted = time.monotonic() - started
    site.application.wait_until_ready()
    seconds = site.settled(payments, within=120)

    answers = Counter(answer for person in people for answer in person.answers)
    charged = site.value("SELECT max(attempts) FROM engine_effect WHERE object_id = ANY(%s::uuid[])", payments)
    crashed = site.value("SELECT max(crashes) FROM engine_effect WHERE object_id = ANY(%s::uuid[])", payments)
    say("soak", lasted=lasted, mishaps=dict(happened), answers=dict(answers))
    say("soak", most_attempts=charged, most_crashes=crashed, seconds_to_recover=seconds)
    site.must_be_whole(payments, attempts=3)
    assert not [status for status, _ in answers if status not in {0, 202, 409, 503}]
