from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class EngineConfig(AppConfig):
    name = "engine"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from engine import checks  # noqa: F401 - to have them asked

        backends = [backend.get("BACKEND", "") for backend in getattr(settings, "TASKS", {}).values()]
        if any(backend.startswith("engine.django_tasks.") for backend in backends):
            from engine import django_tasks  # noqa: F401 - a worker knows their kinds before any task was called
