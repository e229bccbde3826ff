from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from tests.faults.site import APPROVER, Site, say
from tests.http_client import http_client, http_get, http_post

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(240), pytest.mark.faults]

BEFORE = "0002_billing"  # without what stands in SQL the product works on, unguarded; the next one locks large tables
RATE = 20  # requests a second


class Load:
    """So many requests a second, one in four an approval; how each was answered, and how long it took."""

    def __init__(self, site: Site, payments: list[str]) -> None:
        self._payments = iter(payments)
        self._lock = threading.Lock()
        self.url, self.seen = site.application.url, list[tuple[int, float]]()
        token = http_post(f"{self.url}/api/v1/auth/login/", json=APPROVER, timeout=20).json()["token"]
        self._http = http_client(
            base_url=f"{self.url}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        done = threading.Event()
        with ThreadPoolExecutor(40) as people:
            clock = threading.Thread(target=self._send_at_rate, args=(people, done))
            clock.start()
            yield
            done.set()
            clock.join()
        self._http.close()

    def _send_at_rate(self, people: ThreadPoolExecutor, done: threading.Event) -> None:
        started = time.monotonic()
        for turn in itertools.count():
            if done.is_set():
                return
            people.submit(self._ask, turn)
            time.sleep(max(0.0, started + (turn + 1) / RATE - time.monotonic()))

    def _ask(self, turn: int) -> None:
        started = time.monotonic()
        payment = None
        if turn % 4 == 0:
            with self._lock:
                payment = next(self._payments, None)
        if payment:
            answer = self._http.post(f"billing/admin/payments/{payment}/approve/", json={})
        else:
            path = ("billing/admin/payments/", "billing/invoices/", "billing/subscriptions/", "plans/")[turn % 4]
            answer = self._http.get(path)
        self.seen.append((answer.status_code, time.monotonic() - started))


@pytest.mark.parametrize("in_the_way", ["nobody", "a report that goes on for 15 s"])
def test_service_goes_on_while_the_schema_is_migrated(site: Site, in_the_way: str):
    payments = site.claimed(60)
    site.application.command("migrate", "core", BEFORE, "-v0")
    with psycopg.connect(site.postgres.url) as db:  # which the product of today writes
        db.execute("ALTER TABLE core_invoice ADD COLUMN payment_reference varchar(10)")
    (site.var / "log" / "migrate.log").unlink()
    load = Load(site, payments)

    with load.running():
        time.sleep(2)
        with psycopg.connect(site.postgres.url) as report:
            if in_the_way != "nobody":
                report.execute("LOCK TABLE core_invoice, core_payment, core_account IN ACCESS SHARE MODE")
                threading.Timer(15, report.rollback).start()
            started = time.monotonic()
            site.application.command("migrate", "-v0")
            took = time.monotonic() - started
        time.sleep(2)

    statuses = Counter(status for status, _ in load.seen)
    longest = max(seconds for _, seconds in load.seen)
    say(f"migrating with {in_the_way} in the way", requests=len(load.seen), answers=dict(statuses),
        seconds_migrating=took, longest_answer=longest)  # fmt: skip
    has_waited = "A table was locked" in (site.var / "log" / "migrate.log").read_text()
    assert has_waited is (in_the_way != "nobody")
    assert not [status for status in statuses if status >= 500]
    assert set(statuses) <= {200, 202}
    assert len(load.seen) > RATE * 4
    site.quiet()
    assert site.findings() == []
    assert http_get(f"{load.url}/readyz", timeout=10).json()["database"] == "ok"
