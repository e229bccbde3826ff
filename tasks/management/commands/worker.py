"""`manage.py worker`: the Celery worker, in the foreground."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.roles import warn_of_rank
from tasks.celery import app, be_a_worker
from tasks.doorbell import served


class Command(BaseCommand):
    help = "Pay what the engine owes, rung by the broker. WORKER_CONCURRENCY children; of WORKER_LANES, or of all."

    def handle(self, *args: Any, **options: Any) -> None:
        warn_of_rank()
        be_a_worker()
        app.worker_main(
            [
                "--quiet",  # no banner between the lines of the log
                "worker",
                f"--queues={','.join(served())}",
                f"--concurrency={settings.WORKER_CONCURRENCY}",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",  # of Celery's events, which nobody reads; RabbitMQ's own stays
                "--loglevel=INFO",
            ]
        )
