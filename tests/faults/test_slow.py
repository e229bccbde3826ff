from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from engine.lease import LEASE
from stack.process import Process
from tests.faults.site import Site, eventually, say

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.faults, pytest.mark.timeout(240)]

MODULE = "tests.faults.slow"


@pytest.fixture
def slow_worker(site: Site) -> Iterator[Process]:
    """A worker of the slow lane; the other worker and the clock know its kinds as well, as a release has them."""
    site.worker.stop()
    with ExitStack() as running:
        running.enter_context(site.another("beat", name="slow-beat", module=MODULE))
        other = running.enter_context(site.another("worker", name="other-worker", module=MODULE))
        slow = running.enter_context(site.another("worker", name="slow-worker", module=MODULE, WORKER_QUEUES="slow"))
        site.wait_until_working(other)
        site.wait_until_working(slow)
        yield slow
        slow.kill()


def lay(site: Site, key: str, *, seconds: float) -> None:
    call = f"from tests.faults.slow import lay; lay({key!r}, seconds={seconds})"
    site.application.command("shell", "--no-imports", "-v0", "--command", call)


def row(site: Site, key: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = site.rows(
        "SELECT state, fence, attempts, crashes FROM engine_effect WHERE key = %s", f"slow:{key}"
    )[0]
    return found


def seconds_of_approving(site: Site, payment: str) -> float:
    site.approve_all([payment])
    began = time.monotonic()
    succeeded = "SELECT status = 'succeeded' FROM core_payment WHERE id = %s"
    eventually(lambda: site.value(succeeded, payment), within=10)
    return time.monotonic() - began


def test_forty_seconds_of_work_delay_no_approval_and_are_done_once(site: Site, slow_worker: Process):
    payments = site.claimed(6)
    lay(site, "forty", seconds=40)
    eventually(lambda: row(site, "forty")[0] == "leased", within=10)
    started = time.monotonic()

    taken = [seconds_of_approving(site, payment) for payment in payments]
    time.sleep(max(0.0, started + LEASE.total_seconds() + 3 - time.monotonic()))
    after_a_lease = row(site, "forty")
    eventually(lambda: row(site, "forty")[0] == "done", within=20)

    say("40 s of work beside approvals", worst_approval=max(taken), seconds=time.monotonic() - started)
    assert after_a_lease == ("leased", 1, 0, 0)
    assert row(site, "forty") == ("done", 1, 1, 0)
    assert max(taken) < 3
    assert site.findings() == []


def test_slow_work_of_a_killed_worker_is_taken_back_at_once(site: Site, slow_worker: Process):
    lay(site, "killed", seconds=20)
    eventually(lambda: row(site, "killed")[0] == "leased", within=10)

    slow_worker.kill()
    started = time.monotonic()
    eventually(lambda: row(site, "killed")[0] == "ready", within=10)

    say("kill -9 of the slow worker", seconds_until_taken_back=time.monotonic() - started)
    assert row(site, "killed") == ("ready", 1, 0, 0)  # and nobody else begins it
    slow_worker.start()
    eventually(lambda: row(site, "killed")[0] == "done", within=60)
    assert row(site, "killed") == ("done", 2, 1, 0)


def test_slow_work_that_is_not_done_in_time_is_charged(site: Site, slow_worker: Process):
    lay(site, "late", seconds=80)

    eventually(lambda: row(site, "late")[0] == "waiting", within=75)

    assert row(site, "late") == ("waiting", 1, 1, 0)
    assert slow_worker.alive
    site.rows("UPDATE engine_effect SET state = 'skipped' WHERE key = 'slow:late'")
