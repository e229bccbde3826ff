from __future__ import annotations

from typing import Any

from django.core import checks

from engine import conf
from engine.registry import SLOW, lanes
from engine.worker.app import app
from engine.worker.broker import SCHEMES


@checks.register()
def check_broker(**_: Any) -> list[checks.CheckMessage]:
    scheme = conf.BROKER_URL.partition("://")[0]
    if scheme.partition("+")[0] in SCHEMES:
        return []
    return [
        checks.Error(
            f"BROKER_URL begins with {scheme}://, and the engine works with Valkey or Redis only.",
            hint="Write redis://host:6379/0, or rediss:// for TLS.",
            id="engine.E015",
        )
    ]


@checks.register()
def lanes_are_served(**_: Any) -> list[checks.CheckMessage]:
    known, errors = lanes(), list[checks.CheckMessage]()
    if unknown := [lane for lane in conf.WORKER_QUEUES if lane not in known]:
        errors.append(
            checks.Error(f"WORKER_QUEUES: no such lane as {unknown[0]!r}; there are {known}.", id="engine.E011")
        )
    if SLOW in conf.WORKER_QUEUES and len(conf.WORKER_QUEUES) > 1:
        errors.append(
            checks.Error(
                "WORKER_QUEUES: what is slow would keep the other lanes waiting: name it alone.", id="engine.E014"
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
