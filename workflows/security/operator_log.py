from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from core.models import User
from core.security.events import remember
from engine.signals import pauses_or_rates_changed


@receiver(pauses_or_rates_changed)
def keep(what: str, by: User, facts: dict[str, Any], **_: Any) -> None:
    remember(what, actor=by, **facts)
