from __future__ import annotations

import logging

from django.apps import AppConfig

from core.observability import tracing


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.security import checks  # noqa: F401 - to have them asked

        logging.captureWarnings(True)  # warnings of libraries become lines of the log
        tracing.start()
