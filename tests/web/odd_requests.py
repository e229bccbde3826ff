from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.test import Client

from tests.api.scenario import digest
from tests.stored_texts import wrong_texts

TRACE = b"Traceback (most recent call last)"


@dataclass
class Judge:
    """What must hold of each answer: no 500, nothing changed where a form was shown again, only sound texts stored.

    Made before anything is sent. What a request changes is taken back.
    """

    before: list[Any] = field(default_factory=digest)
    wrong: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def send(self, client: Client, method: str, path: str, data: Any = None, *, what: str, **extra: Any) -> None:
        client.raise_request_exception = False
        # As browsers do, and with lone surrogates, which the client of Django cannot write.
        written = urlencode(data or {}, doseq=True, errors="surrogatepass")
        if method == "post":
            data, extra["content_type"] = written, "application/x-www-form-urlencoded"
        else:
            data, extra["QUERY_STRING"] = None, written or path.partition("?")[2]
        with transaction.atomic():
            answer = getattr(client, method)(path, data, **extra)
            self.statuses.add(answer.status_code)
            self.wrong += [f"{method} {path[:80]} {what}: {each}" for each in self._faults(answer)]
            transaction.set_rollback(True)

    def _faults(self, answer: Any) -> Iterator[str]:
        if answer.status_code >= 500:
            yield f"{answer.status_code}: {answer.exc_info[1]!r:.200}"
            return  # the transaction is broken, perhaps
        if TRACE in answer.content:
            yield "a traceback"
        if answer.request["REQUEST_METHOD"] == "POST":
            yield from wrong_texts()
        if is_shown_again(answer) and digest() != self.before:
            yield f"{answer.status_code}, refused, and yet something changed"

    def check(self) -> None:
        assert not self.wrong, f"{len(self.wrong)} went wrong:\n" + "\n".join(self.wrong[:20])


def is_shown_again(answer: Any) -> bool:
    """Whether what was refused is shown in a form."""
    context = answer.context or {}
    shown = [context.get("form"), getattr(context.get("adminform"), "form", None)]
    return any(getattr(form, "is_bound", False) and form.errors for form in shown)
