"""`manage.py worker`: the Celery worker, in the foreground."""

from __future__ import annotations

import sys
from typing import Any

from celery.bin.celery import celery
from django.core.management.base import BaseCommand

from engine import conf
from engine.registry import SLOW
from engine.worker.app import be_a_worker
from engine.worker.notifications import own_queues


class Command(BaseCommand):
    help = "Pay what the engine owes, rung by the broker. WORKER_CONCURRENCY children; of WORKER_QUEUES, or of all."

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with the worker's own status, which `app.worker_main()` drops: then nobody would start it again."""
        be_a_worker()
        status = celery.main(
            [
                "--app=engine.worker.app:app",
                "--quiet",  # no banner between the lines of the log
                "worker",
                f"--queues={','.join(own_queues())}",
                f"--concurrency={1 if SLOW in conf.WORKER_QUEUES else conf.WORKER_CONCURRENCY}",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",  # of Celery's events, which nobody reads
                "--loglevel=INFO",
            ],
            standalone_mode=False,
        )
        sys.exit(status)
