"""A load balancer hears within 10 s that the database went away, stands still or is back."""

from __future__ import annotations

import signal
import time

import httpx
import pytest

from tests.faults.site import Site, say
from tests.http_client import http_get

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

WITHIN = 10  # seconds


def is_ready(site: Site) -> bool:
    """As a load balancer asks: who does not answer in time is not ready."""
    try:
        return http_get(f"{site.application.url}/readyz", timeout=5).is_success
    except httpx.TransportError:
        return False


def seconds_until(site: Site, *, ready: bool) -> float:
    started = time.monotonic()
    while is_ready(site) is not ready:
        assert time.monotonic() < started + 60, f"readyz never said {'ready' if ready else 'unready'}"
        time.sleep(0.2)
    return time.monotonic() - started


@pytest.mark.parametrize("how", ["stops", "is killed", "stands still"])
def test_readyz_turns_with_the_database(site: Site, how: str):
    postgres = site.postgres
    seconds_until(site, ready=True)  # of each process: one may still have its answer of the test before
    time.sleep(1)
    assert is_ready(site)

    if how == "stops":
        postgres.process.send(signal.SIGINT)
    elif how == "is killed":
        postgres.process.kill()
    else:
        postgres.process.send(signal.SIGSTOP)
    away = seconds_until(site, ready=False)
    time.sleep(1)  # each web process has an answer of its own, which it keeps for a second
    body = http_get(f"{site.application.url}/readyz", timeout=5)
    alive = http_get(f"{site.application.url}/healthz", timeout=5)
    if how == "stands still":
        postgres.process.send(signal.SIGCONT)
    else:
        postgres.process.stop()
        postgres.start()
    back = seconds_until(site, ready=True)

    say(f"the database {how}", seconds_until_unready=away, seconds_until_ready=back)
    assert (body.status_code, body.json()["database"]) == (503, "unreachable")
    assert alive.status_code == 200
    assert away < WITHIN
    assert back < WITHIN
