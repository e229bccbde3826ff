"""More than one of everything."""

from __future__ import annotations

import time

import pytest

from tests.faults.site import Site, say

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

    leases = "SELECT kind, max(fence) FROM core_effect WHERE object_id = ANY(%s::uuid[]) GROUP BY kind"
    say("two beats, two workers", leases_at_most=dict(site.rows(leases, payments)))
    assert set(dict(site.rows(leases, payments)).values()) == {1}
    assert " ERROR " not in said
    assert "Traceback" not in said
