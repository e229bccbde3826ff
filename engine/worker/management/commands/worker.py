from __future__ import annotations

import sys
from typing import Any

from celery.bin.celery import celery
from django.core.management.base import BaseCommand

from engine import conf
from engine.registry import SLOW
from engine.worker.broker import own_queues
from engine.worker.worker_signals import configure_worker


class Command(BaseCommand):
    help = "Execute effects when the broker notifies. WORKER_CONCURRENCY children; lanes of WORKER_QUEUES, or all."

    def handle(self, *args: Any, **options: Any) -> None:
        """`app.worker_main()` would drop the worker's exit status, by which a supervisor restarts."""
        configure_worker()
        status = celery.main(
            [
                "--app=engine.worker.app:app",
                "--quiet",
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
