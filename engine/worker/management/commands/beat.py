"""`manage.py beat`: the clock, in the foreground."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from engine.worker.app import app


class Command(BaseCommand):
    help = "Ring at the times of engine/worker/scheduler.py. Any number may run: rows decide what is due."

    def handle(self, *args: Any, **options: Any) -> None:
        # The plain scheduler keeps its times in memory: there is nothing to remember, hence no file to lose.
        app.start(
            ["--quiet", "beat", "--scheduler=engine.worker.scheduler:Scheduler", "--loglevel=WARNING", "--pidfile="]
        )
