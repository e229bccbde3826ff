"""PostgreSQL takes connections and statements and answers none."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.site import Site, eventually, say
from tests.http_client import http_client

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

CROWD = 24  # requests at once: three times what the site has threads for
APPROVED = "SELECT status = 'approved' FROM core_payment WHERE id = %s"


client = http_client(timeout=60, limits=httpx.Limits(max_connections=None))  # made once: that takes its time


def timed(url: str) -> tuple[float, httpx.Response]:
    started = time.monotonic()
    answer = client.get(url)
    return time.monotonic() - started, answer


@pytest.mark.guards("F1", "core.db.postgres.base.Connection.wait")
@pytest.mark.guards("S24", "web.server.Worker.enqueue_req")
def test_everybody_is_answered_within_ten_seconds_and_probes_at_once(site: Site):
    """F1: requests waited for 19 s, those behind them for longer, and `/healthz` with them. S24: probes were dear."""
    (payment,) = site.claimed(1)
    site.sign_in()
    url = site.application.url
    timed(f"{url}/api/v1/plans/")  # a connection is there

    with ThreadPoolExecutor(CROWD + 2) as people:
        with site.worker_asleep():
            decision = people.submit(site.approve, payment, wait=20)
            eventually(lambda: site.value(APPROVED, payment), within=5)
            with site.database_still():
                api = [people.submit(timed, f"{url}/api/v1/plans/") for _ in range(CROWD - 4)]
                pages = [people.submit(timed, f"{url}/") for _ in range(4)]
                time.sleep(0.5)
                alive, ready = [], []
                for _ in range(5):
                    alive.append(timed(f"{url}/healthz"))
                    ready.append(timed(f"{url}/readyz"))
                    time.sleep(0.5)
                answers = [each.result() for each in api + pages]
                later = timed(f"{url}/api/v1/plans/")
        decided = decision.result()
    back = time.monotonic()
    eventually(lambda: timed(f"{url}/api/v1/plans/")[1].is_success, within=10)
    seconds = site.settled([payment], within=40)

    slowest = max(took for took, _ in answers)
    say(
        "the database stands still",
        slowest_answer=slowest,
        slowest_probe=max(took for took, _ in alive),
        seconds_until_back=time.monotonic() - back,
        seconds_to_settle=seconds,
    )
    assert slowest < 10
    assert later[0] < 10
    assert {answer.status_code for _, answer in [*answers, later]} == {503}
    for _, answer in [*answers[: CROWD - 4], later]:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/unavailable"
    assert all(answer.status_code == 200 and took < 3 for took, answer in alive)
    assert all(answer.status_code == 503 and took < 5 for took, answer in ready)
    assert decided.status_code == 202, decided.text  # committed before, and known to be
    assert decided.json()["status"] == "approved"
