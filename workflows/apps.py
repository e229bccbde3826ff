from __future__ import annotations

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from workflows.lifecycle import renewal_runs  # noqa: F401 - after no transition
        from workflows.security import (
            operator_log,  # noqa: F401 - to know what follows from what
        )
