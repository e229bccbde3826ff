"""Lanes that nobody would serve: found before a worker starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from engine.registry import SLOW, lanes
from tasks.celery import app


@checks.register()
def lanes_are_served(**_: Any) -> list[checks.CheckMessage]:
    """WORKER_LANES names lanes that are, and with LANES_APART each has its queue."""
    known, errors = lanes(), list[checks.CheckMessage]()
    if unknown := [lane for lane in settings.ENGINE_WORKER_LANES if lane not in known]:
        errors.append(
            checks.Error(f"WORKER_LANES: no such lane as {unknown[0]!r}; there are {known}.", id="tasks.E001")
        )
    if SLOW in settings.ENGINE_WORKER_LANES and len(settings.ENGINE_WORKER_LANES) > 1:
        errors.append(
            checks.Error(
                "WORKER_LANES: what is slow would keep the other lanes waiting: name it alone.", id="tasks.E004"
            )
        )
    if settings.ENGINE_WORKER_LANES not in ([], [SLOW]) and not settings.ENGINE_LANES_APART:
        errors.append(
            checks.Error(
                "WORKER_LANES wants LANES_APART=true, in every process: else the others are rung in this one's queue.",
                id="tasks.E002",
            )
        )
    if settings.ENGINE_LANES_APART and (without := set(known) - {queue.name for queue in app.conf.task_queues}):
        errors.append(
            checks.Error(
                f"The lanes {sorted(without)} have no queue: list their app before `tasks` in INSTALLED_APPS.",
                id="tasks.E003",
            )
        )
    return errors
