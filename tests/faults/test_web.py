"""The web server dies between the commit and the notification."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.site import Site, eventually, say

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]


def test_committed_effect_runs_without_a_notification(site: Site):
    (payment,) = site.claimed(1)
    site.web.restart()  # one that remembers no trouble with the broker, or it would not notify at all
    site.application.wait_until_ready()
    site.sign_in()
    approved = "SELECT status = 'approved' FROM core_payment WHERE id = %s"

    # A broker that hangs holds the notification for a second; without an open connection nothing of it was sent.
    site.broker().client_kill_filter(_type="normal", skipme=True)
    site.valkey.process.send(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(site.approve, payment)
        eventually(lambda: site.value(approved, payment), within=5)
        site.web.kill()
        with pytest.raises(httpx.TransportError):
            answer.result(timeout=5)
    site.valkey.process.send(signal.SIGCONT)
    seconds = site.settled([payment], within=10)

    say("kill -9 of web between commit and notification", seconds_to_recover=seconds)
    site.must_be_whole([payment])
