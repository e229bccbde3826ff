"""What is kept for a while only."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from knox.models import AuthToken

from core.models import Attempt, KeyedAnswer, Tick
from workflows.engine import once_per

KEYED_ANSWERS = timedelta(days=7)
TICKS = timedelta(days=30)


def tidy() -> bool:
    """Forget answers, ticks, tries, sessions and tokens that are old enough; once an hour, whoever rings.

    True when it was this call's turn.
    """
    with once_per("tidy", timedelta(hours=1)) as is_ours:
        if is_ours:
            KeyedAnswer.objects.filter(created_at__lt=Now() - KEYED_ANSWERS).delete()
            Tick.objects.filter(slot__lt=Now() - TICKS).delete()
            Attempt.objects.filter(until__lt=Now()).delete()
            AuthToken.objects.filter(expiry__lt=Now()).delete()
            Session.objects.filter(expire_date__lt=Now()).delete()
    return is_ours
