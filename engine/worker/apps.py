from __future__ import annotations

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    name = "engine.worker"
    label = "engine_worker"

    def ready(self) -> None:
        from engine import effects_recorded
        from engine.worker import app, checks  # noqa: F401 - the app must exist before anybody publishes
        from engine.worker.notifications import ring_for

        effects_recorded.connect(ring_for, dispatch_uid="engine.worker.notifications")
