from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.apps import AppConfig
from django.conf import settings


class BenchmarksConfig(AppConfig):
    name = "benchmarks"

    def ready(self) -> None:
        from benchmarks import noop  # noqa: F401 - so that a worker knows these effects

        if settings.BENCH_WITHOUT_MAILS:
            _leave_mails_out()


def _leave_mails_out() -> None:
    """An effect of a mail is claimed and recorded as always; nothing is read, composed or built."""
    from engine.registry import kinds

    for name, kind in kinds.items():
        if name.startswith("mail."):
            kinds[name] = replace(kind, run=_no_mail, related=(), prefetch=(), run_context=None)


def _no_mail(subject: Any, effect: Any) -> dict[str, str]:
    return {"message_id": ""}
