from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from engine.worker.app import app


class Command(BaseCommand):
    help = (
        "Send what engine/worker/beat_schedule.py lists, when it is time. Any number may run: rows decide what is due."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        app.start(
            ["--quiet", "beat", "--scheduler=engine.worker.scheduler:Scheduler", "--loglevel=WARNING", "--pidfile="]
        )
