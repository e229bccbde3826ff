"""The Celery app. Every setting here answers a known way of losing, doubling or delaying work.

A message is a doorbell: the rows decide. So hints are acknowledged early, never retried, never scheduled, and
no wait on the broker is long.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import task_postrun, task_prerun, worker_process_init, worker_ready, worker_shutdown
from django.db import close_old_connections

from engine import conf, external_slots, throttles
from engine.errors import INTERRUPTIONS
from engine.registry import kinds
from engine.worker.broker import (
    CONSUMER_OPTIONS,
    HARD_LIMIT,
    SOFT_LIMIT,
    TRANSPORT_OPTIONS,
    limits,
    queues,
    swept_queues,
)
from engine.worker.scheduler import times

app = Celery("engine", set_as_current=False)  # who has an app of their own keeps it
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    broker_url=conf.BROKER_URL,
    broker_transport_options=TRANSPORT_OPTIONS,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # the default gives up after 100 tries
    broker_pool_limit=10,
    broker_pool_acquire_timeout=1,
    task_publish_retry=False,
    task_ignore_result=True,
    task_acks_late=False,  # celery#5935: a long task with late ack is redelivered; our leases do that better
    task_reject_on_worker_lost=False,
    task_serializer="json",
    accept_content=["json"],
    # Neither is met by a run, which ends after its slice, both budgets and one call of 15 s. The first is for what
    # hears no deadline.
    task_soft_time_limit=SOFT_LIMIT,
    task_time_limit=HARD_LIMIT,  # below the lease of 30 s
    task_default_queue="inward",
    task_queues=queues(),
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=5000,
    worker_max_memory_per_child=350_000,  # kB
    worker_soft_shutdown_timeout=20,
    worker_cancel_long_running_tasks_on_connection_loss=False,  # celery#9250
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    imports=["engine.worker.tasks", *conf.CELERY_IMPORTS],
    beat_schedule=times(swept_queues()),
    timezone="UTC",
)


def be_a_worker() -> None:
    INTERRUPTIONS.append(SoftTimeLimitExceeded)
    throttles.waits = True
    lanes = conf.WORKER_QUEUES
    works_inside = any(not kind.outward and (not lanes or kind.lane in lanes) for kind in kinds.values())
    if works_inside and conf.WORKER_CONCURRENCY > 1:
        external_slots.limit_to(conf.WORKER_CONCURRENCY - 1)
    app.conf.broker_transport_options = CONSUMER_OPTIONS


@task_prerun.connect
@task_postrun.connect
def check_connection(**_: Any) -> None:
    """Celery is told to leave the connection open (celery#10554), so a broken one is dropped here."""
    close_old_connections()


@worker_process_init.connect
def keep_what_was_loaded(**_: Any) -> None:
    """A child's collector need not look again and again at the code and settings that it was born with."""
    gc.collect()
    gc.freeze()


@worker_ready.connect
def say_ready(**_: Any) -> None:
    """Leave a file for whoever waits for the worker (WORKER_READY_FILE), and look what is due already."""
    from engine.worker.notifications import own_queues
    from engine.worker.tasks import sweep_effects

    if name := os.environ.get("WORKER_READY_FILE"):
        Path(name).write_text(str(os.getpid()))
    sweep_effects.apply_async(queue=own_queues()[0], **limits(own_queues()[0]))


@worker_shutdown.connect
def say_gone(**_: Any) -> None:
    if name := os.environ.get("WORKER_READY_FILE"):
        Path(name).unlink(missing_ok=True)
