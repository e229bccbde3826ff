from __future__ import annotations

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from workflows import billing, operated  # noqa: F401 - to know what follows from what
        from workflows.effects import payees, people, renewal_runs  # noqa: F401 - after no transition
