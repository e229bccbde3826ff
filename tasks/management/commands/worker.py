"""`manage.py worker`: the Celery worker, in the foreground."""

from __future__ import annotations

import sys
from typing import Any

from celery.bin.celery import celery
from django.conf import settings
from django.core.management.base import BaseCommand

from core.roles import warn_of_rank
from engine.registry import SLOW
from tasks.celery import be_a_worker
from tasks.doorbell import served


class Command(BaseCommand):
    help = "Pay what the engine owes, rung by the broker. WORKER_CONCURRENCY children; of WORKER_LANES, or of all."

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with the worker's own status, which `app.worker_main()` drops: then nobody would start it again."""
        warn_of_rank()
        be_a_worker()
        status = celery.main(
            [
                "--app=tasks.celery:app",
                "--quiet",  # no banner between the lines of the log
                "worker",
                f"--queues={','.join(served())}",
                f"--concurrency={1 if SLOW in settings.ENGINE_WORKER_LANES else settings.ENGINE_WORKER_CONCURRENCY}",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",  # of Celery's events, which nobody reads; RabbitMQ's own stays
                "--loglevel=INFO",
            ],
            standalone_mode=False,
        )
        sys.exit(status)
