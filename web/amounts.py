from __future__ import annotations

from decimal import Decimal

from django.utils.html import format_html

from core.money import money_text


def money(amount: Decimal | None, currency: str) -> str:
    """`1,234.50 USD`: grouped, with the currency's digits, without line breaks, the same in every language."""
    if amount is None:
        return ""
    return format_html('<bdi class="money">{} {}</bdi>', grouped(money_text(amount, currency)), currency)


def grouped(text: str) -> str:
    """`-1,234.50` of `-1234.50`. The sign is the text's: the whole part of -0.50 is 0, which has none."""
    whole, point, digits = text.removeprefix("-").partition(".")
    return f"{'-' * text.startswith('-')}{int(whole):,}{point}{digits}"
