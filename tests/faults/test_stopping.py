"""Told to stop with work in hand, each process ends it first, well within the 60 s that containers are given."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from stack.ports import free_port
from tests.faults.site import Site, eventually, say
from tests.faults.test_broker import answers
from tests.faults.test_workers import ITS_ACCOUNT, ITS_MAIL

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180), pytest.mark.faults]

GIVEN = 60  # s: stop_grace_period, terminationGracePeriodSeconds


@pytest.fixture
def tarpit() -> Iterator[str]:
    """A mail server that takes the call and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}"


def test_a_request_under_way_is_answered(site: Site):
    (payment,) = site.claimed(1)
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    with site.another("web", name="stopping-web", PORT=str(port), WEB_PROCESSES="1") as web:
        web.wait_until(lambda: answers(url), within=30)
        site.sign_in()
        with ThreadPoolExecutor(1) as caller:
            with site.locked("SELECT FROM core_payment WHERE id = %s FOR UPDATE", payment):
                answer = caller.submit(site.approve, payment, at=url)
                site.somebody_waits()
                web.send(signal.SIGTERM)
                started = time.monotonic()
                time.sleep(2)
                assert web.alive
            status = answer.result(timeout=10).status_code
        web.wait_until(lambda: not web.alive, within=GIVEN)

    say("SIGTERM of web with a request under way", status=status, seconds=time.monotonic() - started)
    assert (status, web.status) == (202, 0)


def test_a_worker_that_waits_for_a_mail_server_gives_it_back_and_ends(site: Site, tarpit: str):
    (payment,) = site.claimed(1)
    site.worker.stop()

    with site.another("worker", name="stopping-worker", EMAIL_URL=tarpit) as worker:
        site.wait_until_working(worker)
        site.approve_all([payment])
        in_hand = f"SELECT count(*) FROM engine_effect WHERE {ITS_MAIL} AND state = 'leased'"
        eventually(lambda: site.value(in_hand, payment), within=10)
        worker.send(signal.SIGTERM)
        started = time.monotonic()
        worker.wait_until(lambda: not worker.alive, within=GIVEN)
        seconds = time.monotonic() - started

    say("SIGTERM of a worker in a call that hangs", seconds=seconds)
    assert worker.status == 0
    site.worker.start()
    site.settled([payment], within=60)
    site.must_be_whole([payment], attempts=2)


def test_a_settlement_under_way_is_finished(site: Site):
    (payment,) = site.claimed(1)

    with site.locked(ITS_ACCOUNT, payment):
        site.approve_all([payment])
        site.somebody_waits()
        site.worker.send(signal.SIGTERM)
        started = time.monotonic()
        time.sleep(2)
        assert site.worker.alive
    site.worker.wait_until(lambda: not site.worker.alive, within=GIVEN)
    seconds = time.monotonic() - started

    say("SIGTERM of a worker in mid settlement", seconds=seconds)
    assert site.value("SELECT status FROM core_payment WHERE id = %s", payment) == "succeeded"
