"""Load: staff who approve one payment after the other and do not give up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from tests.faults.site import Site

AGAIN = (0, 503)


class Approver(threading.Thread):
    """Asks again as long as the answer is 503, or there is none."""

    def __init__(self, site: Site, payments: Sequence[str], pause: float) -> None:
        super().__init__(daemon=True)
        self.site = site
        self.payments = payments
        self.pause = pause
        self.answers: list[tuple[int, str]] = []  # status and type of the content; 0: no answer
        self.seconds: list[float] = []

    def run(self) -> None:
        for payment in self.payments:
            while self._ask(payment) in AGAIN:
                time.sleep(0.1)
            time.sleep(self.pause)

    def _ask(self, payment: str) -> int:
        started = time.monotonic()
        try:
            answer = self.site.approve(payment)
        except httpx.TransportError:
            self.answers.append((0, ""))
            return 0
        self.seconds.append(time.monotonic() - started)
        self.answers.append((answer.status_code, answer.headers["Content-Type"]))
        return answer.status_code


@contextmanager
def approvers(site: Site, payments: Sequence[str], *, pause: float = 0.05) -> Iterator[list[Approver]]:
    """Two of them, at work during the block; it ends when they are through."""
    site.sign_in()
    people = [Approver(site, payments[number::2], pause) for number in range(2)]
    for person in people:
        person.start()
    yield people
    for person in people:
        person.join(60)
        assert not person.is_alive(), "somebody still waits for an answer"
