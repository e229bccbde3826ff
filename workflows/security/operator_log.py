from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from core.models import User
from core.security.events import record_event
from engine.signals import pauses_or_rates_changed


@receiver(pauses_or_rates_changed)
def keep(what: str, by: User, facts: dict[str, Any], **_: Any) -> None:
    record_event(what, actor=by, **facts)
