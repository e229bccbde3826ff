from __future__ import annotations

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"

    def ready(self) -> None:
        from engine import effects_recorded
        from tasks import celery, checks  # noqa: F401 - the app must exist before anybody publishes
        from tasks.doorbell import ring_for

        effects_recorded.connect(ring_for, dispatch_uid="tasks.doorbell")
