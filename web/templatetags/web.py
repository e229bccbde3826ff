from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now
from django.utils.translation import gettext

from core.money import money_text
from core.time_zones import offset_text
from web.amounts import money
from web.navigation import Link, settings_nav_of
from web.status_labels import (
    CREDIT_KINDS,
    DOCUMENT_KINDS,
    EFFECT_TONES,
    KINDS,
    ROLES,
    SITE_ROLES,
    person_name,
    status_label,
)
from workflows.mail.brand import brand_without_query
from workflows.mail.formatting import period_text
from workflows.periods import last_day_of

register = template.Library()

register.simple_tag(money)


@register.simple_tag
def badge(row: Any) -> SafeString:
    words, tone = status_label(row)
    return format_html('<span class="badge {}">{}</span>', tone, words)


register.filter("person", person_name)
register.simple_tag(brand_without_query)


@register.simple_tag(takes_context=True)
def settings_nav(context: RequestContext) -> list[tuple[Link, bool]]:
    return settings_nav_of(context["request"])


@register.simple_tag
def copy_button(value: str, name: str) -> SafeString:
    """name: its accessible name."""
    words = gettext("Copy")
    return format_html(
        '<button type="button" class="copy needs-script" data-copy="{}" data-copied="{}" aria-label="{}">{}</button>',
        value, gettext("Copied"), f"{words}: {name}", words,
    )  # fmt: skip


@register.simple_tag
def copy_amount(amount: Decimal, currency: str) -> SafeString:
    return copy_button(money_text(amount, currency), gettext("Amount"))


@register.simple_tag
def kind_words(method: Any) -> str:
    return " · ".join(filter(None, [str(KINDS[method.kind]), method.currency]))


@register.filter
def role_words(role: str) -> str:
    return str((ROLES | SITE_ROLES)[role])


@register.filter
def credit_words(kind: str) -> str:
    return str(CREDIT_KINDS[kind])


@register.filter
def document_words(kind: str) -> str:
    return str(DOCUMENT_KINDS[kind])


@register.filter
def day_of(text: str, form: str) -> str:
    """Of a day as JSON has it."""
    return date_format(date.fromisoformat(text), form)


@register.filter
def last_day(end: date | None) -> date | None:
    """`period_end` is exclusive."""
    return last_day_of(end) if end else None


@register.simple_tag
def period(start: date | None, end: date | None) -> str:
    """`1 to 31 May 2026`"""
    return period_text(start, end) if start and end else ""


@register.simple_tag
def zone(name: str) -> str:
    """`Asia/Karachi, UTC+05:00`"""
    offset = offset_text(name, now())
    return name if name == offset else f"{name}, {offset}"


@register.filter
def number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


@register.filter
def words(code: str) -> str:
    """`past_due` as `Past due`."""
    return code.replace("_", " ").capitalize()


@register.filter
def short_number(value: int) -> str:
    """`9,999`, `45.6k`, `12.3M`"""
    for size, letter in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            return f"{value / (1_000_000 if letter == 'M' else 1000):.1f}{letter}"
    return f"{value:,}"


@register.filter
def add_to(number: float, more: int) -> float:
    return number + more


@register.filter
def effect_tone(state: str) -> str:
    return EFFECT_TONES.get(state, "")


@register.filter
def timesince_short(moment: datetime) -> str:
    """`3 d`, `5 h`, `12 min`"""
    minutes = int((now() - moment).total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


@register.filter
def signed(value: int) -> str:
    return f"{value:+,}".replace("-", "\N{MINUS SIGN}")


@register.simple_tag(takes_context=True)
def page_address(context: RequestContext, **changes: Any) -> str:
    """The page's URL with some query parameters changed."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query[name] = value
    return f"?{query.urlencode()}"
