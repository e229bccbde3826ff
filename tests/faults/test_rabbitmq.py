"""RabbitMQ rings, in quorum queues: refused, hanging, forgetful or dead, it costs latency and nothing else."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import amqp
import pytest

from engine.worker.broker import MOST, STALE
from tests.faults import rabbitmq
from tests.faults.approver import approvers
from tests.faults.site import Site, kill, say
from tests.faults.test_broker import LONGEST, QUEUE, must_wait_once, seconds_of_approving
from tests.faults.test_workers import must_replace_children

pytestmark = [
    pytest.mark.xdist_group("faults"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(rabbitmq.MISSING), reason=rabbitmq.MISSING),
]


@pytest.fixture(scope="module")
def rabbit_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.shared(tmp_path_factory.mktemp("rabbit"), rabbit=True) as site:
        yield site


@pytest.fixture
def site(rabbit_site: Site) -> Site:
    rabbit_site.heal()
    return rabbit_site


def test_it_rings_in_quorum_queues_and_work_follows_at_once(site: Site):
    payments = site.claimed(30)

    with approvers(site, payments, pause=0) as people:
        pass
    seconds = site.settled(payments, within=20)

    taken = sorted(seconds for person in people for seconds in person.seconds)
    say("rabbitmq", approvals=len(taken), median=taken[len(taken) // 2], slowest=taken[-1], seconds_to_settle=seconds)
    site.must_be_whole(payments)
    with pytest.raises(amqp.PreconditionFailed, match="x-queue-type"):
        site.rabbit.declare(QUEUE, **{"x-max-length": MOST, "x-message-ttl": STALE * 1000})  # a classic one
    unheard = "SELECT max(extract(epoch FROM done_at - created_at)) FROM core_effect WHERE object_id = ANY(%s::uuid[])"
    assert site.value(unheard + " AND kind = 'payment.settle'", payments) < 5


@pytest.mark.faults
def test_messages_that_are_lost_are_found_by_the_sweeper(site: Site):
    payments = site.claimed(10)

    with site.worker_asleep():
        site.approve_all(payments)
        queued = site.rabbit.waiting(QUEUE)
        site.rabbit.purge(QUEUE)
    seconds = site.settled(payments, within=30)

    say("rabbitmq purged", queued=queued, seconds_to_recover=seconds)
    site.must_be_whole(payments)
    assert queued >= 1


@contextmanager
def hanging(site: Site) -> Iterator[None]:
    beam = site.rabbit.tree()
    kill(beam, signal.SIGSTOP)
    try:
        yield
    finally:
        kill(beam, signal.SIGCONT)


def test_nobody_waits_for_a_broker_that_hangs_more_than_once(site: Site):
    must_wait_once(site, hanging, "rabbitmq hanging")


@pytest.mark.faults
def test_a_broker_that_dies_and_comes_back_is_used_again(site: Site):
    payments = site.claimed(12)
    site.sign_in()

    site.rabbit.process.kill()
    taken = sorted(seconds_of_approving(site, payment) for payment in payments[:6])
    site.rabbit.start()
    site.approve_all(payments[6:])
    seconds = site.settled(payments, within=90)

    say("rabbitmq SIGKILL", slowest_approval=taken[-1], seconds_to_recover=seconds)
    site.must_be_whole(payments)
    assert taken[-1] < LONGEST


def test_children_killed_in_the_middle_of_a_settlement_are_replaced(site: Site):
    must_replace_children(site, "rabbitmq: kill -9 of the children in mid settlement")
