"""Lanes that nobody would serve: found before a worker starts."""

from __future__ import annotations

from typing import Any

from django.core import checks

from engine import conf
from engine.registry import SLOW, lanes
from engine.worker.app import app


@checks.register()
def lanes_are_served(**_: Any) -> list[checks.CheckMessage]:
    """WORKER_LANES names lanes that exist, and each lane has its queue."""
    known, errors = lanes(), list[checks.CheckMessage]()
    if unknown := [lane for lane in conf.WORKER_LANES if lane not in known]:
        errors.append(
            checks.Error(f"WORKER_LANES: no such lane as {unknown[0]!r}; there are {known}.", id="engine.E011")
        )
    if SLOW in conf.WORKER_LANES and len(conf.WORKER_LANES) > 1:
        errors.append(
            checks.Error(
                "WORKER_LANES: what is slow would keep the other lanes waiting: name it alone.", id="engine.E014"
            )
        )
    if without := set(known) - {queue.name for queue in app.conf.task_queues}:
        errors.append(
            checks.Error(
                f"The lanes {sorted(without)} have no queue: list their app before `engine.worker` in INSTALLED_APPS.",
                id="engine.E013",
            )
        )
    return errors
