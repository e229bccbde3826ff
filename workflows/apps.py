from __future__ import annotations

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from workflows import billing  # noqa: F401 - what follows from what

        # Handlers that follow from no transition, and what listens.
        from workflows.documents import alerts, waiting  # noqa: F401
        from workflows.lifecycle import renewal_runs  # noqa: F401
        from workflows.mail import account_emails, mail_check  # noqa: F401
        from workflows.security import operator_log, payee_effects, rights_effects  # noqa: F401
