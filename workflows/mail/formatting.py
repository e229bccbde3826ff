from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Self

from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.money import quantize
from core.validation.contact import Contact
from workflows.periods import last_day_of


class BidiText(str):
    """A value within a sentence: isolated in HTML, so that its text direction does not spread."""

    __slots__ = ()
    css = ""

    def __html__(self) -> SafeString:
        return mark_safe(f"<bdi{self.css}>{escape(str(self))}</bdi>")  # noqa: S308 - escaped


class CustomerText(BidiText):
    """Typed by the customer: left out of mails to unproved addresses."""

    __slots__ = ()


class NoWrap(BidiText):
    """Stays on one line: money, a date, a reference with its hyphen."""

    __slots__ = ()
    css = ' class="unbroken"'


class ContactTexts(str):
    """With links where they can be."""

    contacts: Sequence[Contact]

    def __new__(cls, contacts: Sequence[Contact]) -> Self:
        made = super().__new__(cls, " · ".join(contact.words for contact in contacts))
        made.contacts = contacts
        return made

    def __html__(self) -> SafeString:
        return format_html_join(" · ", "{}", [(_linked(contact),) for contact in self.contacts])


def _linked(contact: Contact) -> SafeString:
    words = BidiText(contact.words)
    return format_html('<a href="{}">{}</a>', contact.address, words) if contact.address else words.__html__()


def amount_text(amount: Decimal, currency: str) -> str:
    """`"25,000.00"`: in the currency's minor units."""
    return f"{quantize(amount, currency):,f}"


def money(amount: Decimal, currency: str) -> NoWrap:
    """`"25,000.00 PKR"`"""
    return NoWrap(f"{amount_text(amount, currency)} {currency}")


def count(number: int) -> BidiText:
    return BidiText(f"{number:,}")


def date_text(day: date) -> str:
    """`"3 November 2026"`"""
    return _date_text(day, get_language())


def period_text(start: date, end: date) -> str:
    """`"1 to 31 May 2026"`; `end` is the first day after it."""
    last = last_day_of(end)
    if last <= start:  # a single day
        return date_text(start)
    form = "j F Y" if start.year != last.year else "j F" if start.month != last.month else "j"
    return _("%(first)s to %(last)s") % {"first": date_format(start, form), "last": date_text(last)}


@lru_cache(1000)
def _date_text(day: date, language: str | None) -> str:
    return date_format(day, "j F Y")


def day(day: date | None) -> NoWrap | None:
    return NoWrap(date_text(day)) if day else None


def moment(at: datetime | None) -> NoWrap | None:
    """`"3 November 2026, 14:05 UTC"`: for staff."""
    return NoWrap(date_format(at.astimezone(UTC), "j F Y, H:i") + " UTC") if at else None
