"""Behind PgBouncer in transaction mode a lease names no session, so it ends by time alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from engine.lease import LEASE
from tests.faults import pgbouncer
from tests.faults.approver import approvers
from tests.faults.site import Site, eventually, kill, say
from tests.faults.test_workers import ITS_ACCOUNT, ITS_MAIL

pytestmark = [
    pytest.mark.xdist_group("faults"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(pgbouncer.MISSING), reason=pgbouncer.MISSING),
]

PLANS = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%engine_transition%'"
RECOVERED = LEASE.total_seconds() + 4


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "prepares"])
def prepares(request: pytest.FixtureRequest) -> bool:
    """Whether the pooler keeps prepared statements and we make some."""
    if request.param and pgbouncer.version() < (1, 21):
        pytest.skip("PgBouncer keeps prepared statements from 1.21 on")
    return bool(request.param)


@pytest.fixture(scope="module")
def pooled_site(tmp_path_factory: pytest.TempPathFactory, prepares: bool) -> Iterator[Site]:
    with Site.shared(tmp_path_factory.mktemp("pooled"), pooled=True, prepares=prepares) as site:
        yield site


@pytest.fixture
def site(pooled_site: Site) -> Site:
    pooled_site.heal()
    return pooled_site


def test_everything_goes_through_a_few_sessions(site: Site, prepares: bool):
    payments = site.claimed(30)

    with approvers(site, payments, pause=0) as people:
        pass
    seconds = site.settled(payments, within=30)

    through = site.rows(
        "SELECT DISTINCT pid FROM pg_stat_activity WHERE usename = 'countersign' AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(site.pooler.url, autocommit=True, prepare_threshold=None) as connection:
        plans = max(connection.execute(PLANS).fetchone()[0] for _ in range(20))
    say("pooled approvals", approvals=len(payments), seconds_to_settle=seconds, sessions=len(through), plans=plans)
    site.must_be_whole(payments)
    assert {status for person in people for status, _ in person.answers} == {202}
    assert len(through) <= 4
    assert (plans > 0) == prepares
    # No lease names a session, and a killed holder's is found out by time: that is the price.
    assert site.value("SELECT count(*) FROM engine_effect WHERE lease_pid IS NOT NULL") == 0


@pytest.mark.faults
def test_a_killed_worker_is_made_up_for_when_its_lease_is_over(site: Site):
    payments = site.claimed(5)

    with site.locked(ITS_ACCOUNT, payments[0]):
        site.approve_all(payments)
        site.somebody_waits()
        kill(site.children(site.worker))
    seconds = site.settled(payments, within=RECOVERED)

    say("pooled: kill -9 of the children", seconds_to_recover=seconds)
    site.must_be_whole(payments)


def test_a_session_that_the_pooler_closes_takes_no_lease_with_it(site: Site):
    (payment,) = site.claimed(1)
    site.approve_all([payment])
    site.settled([payment], within=10)
    its_lease = f"SELECT state, fence FROM engine_effect WHERE {ITS_MAIL}"

    with ExitStack() as sleep:
        with site.locked("LOCK TABLE core_subscription IN ACCESS EXCLUSIVE MODE"):
            # The mail once more: it is in hand, with no transaction open, and no session is its holder's.
            again = "UPDATE engine_effect SET state = 'ready', done_at = NULL, attempts = 0"
            site.rows(f"{again} WHERE {ITS_MAIL}", payment)
            site.somebody_waits()
            sleep.enter_context(site.worker_asleep())
        site.pooler.order("RECONNECT")
        with site.another("worker", name="second-worker") as second:
            site.wait_until_working(second)
            time.sleep(3)  # it has swept three times
            assert site.rows(its_lease, payment) == [("leased", 2)]
    eventually(lambda: site.rows(its_lease, payment) == [("done", 2)], within=10)

    site.must_be_whole([payment])


@pytest.mark.faults
def test_a_pooler_that_dies_costs_a_503_and_nothing_else(site: Site):
    payments = site.claimed(20)

    with approvers(site, payments) as people:
        time.sleep(0.5)
        site.pooler.process.kill()
        time.sleep(0.5)
        site.pooler.start()
    seconds = site.settled(payments, within=RECOVERED + 10)

    answers = Counter(status for person in people for status, _ in person.answers)
    say("pooler SIGKILL", answers=dict(answers), seconds_to_recover=seconds)
    site.must_be_whole(payments, attempts=2)
    assert set(answers) <= {202, 409, 503}
