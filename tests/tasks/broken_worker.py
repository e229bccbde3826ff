"""`python -m tests.tasks.broken_worker worker`: the worker, one part of which cannot start."""

from __future__ import annotations

import os
import sys

import django
from celery import bootsteps
from django.core.management import execute_from_command_line


class Broken(bootsteps.StartStopStep):
    requires = ("celery.worker.components:Pool",)

    def start(self, parent: object) -> None:
        raise RuntimeError("cannot go on")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    django.setup()
    from engine.worker.app import app

    app.steps["worker"].add(Broken)
    execute_from_command_line(["manage.py", *sys.argv[1:]])
