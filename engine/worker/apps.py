from __future__ import annotations

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    name = "engine.worker"
    label = "engine_worker"

    def ready(self) -> None:
        from engine import effects_created
        from engine.worker import checks  # noqa: F401 - registers them
        from engine.worker.notifications import notify_workers

        effects_created.connect(notify_workers, dispatch_uid="engine.worker.notifications")
