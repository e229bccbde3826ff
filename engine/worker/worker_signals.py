from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import task_postrun, task_prerun, worker_process_init, worker_ready, worker_shutdown
from django.db import close_old_connections

from engine import conf, external_slots, throttles
from engine.errors import INTERRUPTIONS
from engine.registry import kinds
from engine.worker.app import app
from engine.worker.broker import CONSUMER_OPTIONS, SWEEP_EFFECTS, limits, own_queues


def configure_worker() -> None:
    """Before the worker's children are forked."""
    INTERRUPTIONS.append(SoftTimeLimitExceeded)
    throttles.sleeps_until_free = True
    lanes = conf.WORKER_QUEUES
    works_inside = any(not kind.external and (not lanes or kind.lane in lanes) for kind in kinds.values())
    if works_inside and conf.WORKER_CONCURRENCY > 1:
        external_slots.limit_to(conf.WORKER_CONCURRENCY - 1)
    app.conf.broker_transport_options = CONSUMER_OPTIONS


@task_prerun.connect
@task_postrun.connect
def check_connection(**_: Any) -> None:
    # Celery leaves connections open (celery#10554), so a broken one is dropped here.
    close_old_connections()


@worker_process_init.connect
def freeze_gc(**_: Any) -> None:
    # A child's collector need not traverse what was loaded before the fork.
    gc.collect()
    gc.freeze()


@worker_ready.connect
def announce_ready(**_: Any) -> None:
    """Sweeps what became due while no worker ran."""
    if name := os.environ.get("WORKER_READY_FILE"):
        Path(name).write_text(str(os.getpid()))
    queue = own_queues()[0]
    app.send_task(SWEEP_EFFECTS, queue=queue, **limits(queue))


@worker_shutdown.connect
def remove_ready_file(**_: Any) -> None:
    if name := os.environ.get("WORKER_READY_FILE"):
        Path(name).unlink(missing_ok=True)
