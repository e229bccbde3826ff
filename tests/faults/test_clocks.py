from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from stack.ports import free_port
from tests.faults.site import Site, say
from tests.faults.test_broker import answers

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180), pytest.mark.faults]


def test_two_beats_and_two_workers_do_everything_once(site: Site):
    payments = site.claimed(30)
    logs = {process.name: len(process.log.read_text()) for process in (site.worker, site.application.process("beat"))}

    with site.another("beat", name="second-beat") as beat, site.another("worker", name="third-worker") as worker:
        site.wait_until_working(worker)
        started = time.monotonic()
        site.approve_all(payments)
        site.settled(payments, within=20)
        time.sleep(max(0, 6 - (time.monotonic() - started)))  # a few sweeps of both

        site.must_be_whole(payments)
        processes = (site.worker, site.application.process("beat"), beat, worker)
        said = "".join(process.log.read_text()[logs.get(process.name, 0) :] for process in processes)

    leases = """SELECT kind, max(fence) FROM engine_effect
                WHERE object_id = ANY(%s::uuid[]) AND state <> 'waiting' GROUP BY kind"""
    say("two beats, two workers", leases_at_most=dict(site.rows(leases, payments)))
    assert set(dict(site.rows(leases, payments)).values()) == {1}
    assert " ERROR " not in said
    assert "Traceback" not in said


def test_workers_of_their_own_lanes_do_everything_between_them(site: Site):
    payments, port = site.claimed(20), free_port()
    url = f"http://127.0.0.1:{port}"
    for name in ("worker", "beat"):
        site.application.process(name).stop()

    with ExitStack() as running:
        workers = {
            lane: running.enter_context(site.another("worker", name=f"{lane}-worker", WORKER_QUEUES=lane))
            for lane in ("inward", "outward")
        }
        running.enter_context(site.another("beat", name="lanes-beat"))
        web = running.enter_context(site.another("web", name="lanes-web", PORT=str(port)))
        web.wait_until(lambda: answers(url), within=30)
        for worker in workers.values():
            site.wait_until_working(worker)
        site.approve_all(payments, at=url)
        seconds = site.settled(payments, within=20)

        # A settlement with nobody in its lane waits, and the worker of the other lane leaves it alone.
        (late,) = site.claimed(1)
        workers["inward"].stop()
        site.approve_all([late], at=url)
        time.sleep(3)
        assert (
            site.value("SELECT state FROM engine_effect WHERE kind = 'payment.settle' AND object_id = %s", late)
            == "ready"
        )
        workers["inward"].start()
        site.settled([late], within=20)

    say("a worker for each lane", payments=len(payments), seconds_to_settle=seconds)
    site.must_be_whole([*payments, late])
