"""How tests look at customers."""

from __future__ import annotations

from collections import Counter

from core.models import Invoice


def status(*rows):
    for row in rows:
        row.refresh_from_db()
    return [str(row.status) for row in rows]


def kinds_of(mailoutbox):
    return Counter(mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox)


def renewal(signed):
    return Invoice.objects.filter(subscription=signed.subscription, purpose="renewal").latest("id")
