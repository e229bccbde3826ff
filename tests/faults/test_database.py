from __future__ import annotations

import signal
import time
from collections import Counter

import pytest

from tests.faults.approver import approvers
from tests.faults.site import Site, say

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(180)]

PROBLEM = "application/problem+json"


@pytest.mark.parametrize("how", [signal.SIGQUIT, pytest.param(signal.SIGKILL, marks=pytest.mark.faults)])
def test_a_database_that_ends_at_once_costs_a_503_and_nothing_else(site: Site, how):
    payments = site.claimed(20)

    with approvers(site, payments) as people:
        time.sleep(0.5)
        site.postgres.process.send(how)
        down = time.monotonic()
        time.sleep(0.5)
        site.postgres.start()
        down = time.monotonic() - down
    seconds = site.settled(payments, within=60)

    answers = Counter(answer for person in people for answer in person.answers)
    say(f"database {how.name}", seconds_down=down, answers=dict(answers), seconds_to_recover=seconds)
    site.must_be_whole(payments, attempts=2)
    # 409: it had been approved although the answer was a 503.
    assert {status for status, _ in answers} <= {202, 409, 503}
    assert {kind for status, kind in answers if status != 202} == {PROBLEM}
