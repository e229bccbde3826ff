"""Build and send the mail that an effect owes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from core.models import Effect


def send(effect: Effect, template: str, to: Sequence[str], **context: Any) -> dict[str, Any]:
    """Send templates/emails/<template>-{subject,body}; return what was sent, for the effect's outcome.

    The Message-ID is the effect's, so that a mail sent twice is known as one.
    """
    context = {"public_url": settings.PUBLIC_URL, **context}
    message_id = f"<{effect.pk}@{_domain()}>"
    message = EmailMultiAlternatives(
        subject=_subject(template, context),
        body=render_to_string(f"emails/{template}-body.txt", context),
        from_email=settings.MAIL_FROM,
        to=list(to),
        headers={"Message-ID": message_id, "X-Countersign-Kind": template},
    )
    message.attach_alternative(render_to_string(f"emails/{template}-body.html", context), "text/html")
    message.send()
    return {"kind": template, "recipients": list(to), "message_id": message_id}


def _subject(template: str, context: dict[str, Any]) -> str:
    """One line of at most 78 characters, whatever a customer called their account."""
    words = re.sub(r"\s+", " ", render_to_string(f"emails/{template}-subject.txt", context)).strip()
    return words if len(words) <= 78 else words[:77] + "…"


def _domain() -> str:
    return parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2] or "localhost"
