"""Each setting here prevents a known way to lose, double or delay work."""

from __future__ import annotations

from celery import Celery

from engine import conf
from engine.worker.beat_schedule import beat_schedule
from engine.worker.broker import HARD_LIMIT, SOFT_LIMIT, TRANSPORT_OPTIONS, queues, swept_queues

app = Celery("engine", set_as_current=False)  # a project may have a Celery app of its own
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
    # A run ends earlier: MAX_RUNTIME, both budgets, one call of 15 s.
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
    imports=["engine.worker.tasks", "engine.worker.worker_signals", *conf.CELERY_IMPORTS],
    beat_schedule=beat_schedule(swept_queues()),
    timezone="UTC",
)
