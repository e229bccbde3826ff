"""What is kept for a while only."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from core.models import KeyedAnswer, Tick
from workflows.engine import once_per

KEYED_ANSWERS = timedelta(days=7)
TICKS = timedelta(days=30)


def tidy() -> bool:
    """Forget answers and ticks that are old enough; once an hour, whoever rings. True when it was this call's turn."""
    with once_per("tidy", timedelta(hours=1)) as is_ours:
        if is_ours:
            KeyedAnswer.objects.filter(created_at__lt=Now() - KEYED_ANSWERS).delete()
            Tick.objects.filter(slot__lt=Now() - TICKS).delete()
    return is_ours
