"""`ENGINE_<NAME>` in Django's settings, else these defaults."""

from __future__ import annotations

from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    "OPERATE_PERMISSION": "engine.change_effect",  # people who see, retry and skip effects
    "PAUSE_EXTERNAL_EFFECTS": False,  # no external effect is executed: for a restored database
    "POOLER_KEEPS_PREPARED_STATEMENTS": False,  # PgBouncer 1.21 or newer, with max_prepared_statements
    "BROKER_URL": "redis://localhost:6379/0",  # of engine.worker: Valkey or Redis
    "BEAT_SCHEDULE": {},  # as in Celery; CELERY_IMPORTS: the modules of its tasks
    "CELERY_IMPORTS": [],
    "WORKER_QUEUES": [],  # lanes of this worker; empty: all
    "WORKER_CONCURRENCY": 2,  # children
}


def __getattr__(name: str) -> Any:
    if name not in DEFAULTS:
        raise AttributeError(name)
    return getattr(settings, f"ENGINE_{name}", DEFAULTS[name])
