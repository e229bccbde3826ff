"""Who mails and pages are from, in the customer's eyes: the seller's brand, else the address that mails leave from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.db import DatabaseError

from core.models import SellerVersion
from core.validation.contact import Contact, contacts_of

PRODUCT = "Countersign"
KEPT_SECONDS = 60


@dataclass(frozen=True)
class Brand:
    name: str
    sender: str  # as in From
    reply_to: str
    support_url: str
    colour: str  # empty: the product's own
    logo: str  # its digest; empty: none
    shows_mark: bool  # that it is made with this product
    told_by_seller: frozenset[str] = frozenset()  # of sender and reply_to; the rest is the environment's

    @property
    def contacts(self) -> list[Contact]:
        """How customers reach who bills."""
        return contacts_of(self.support_url, settings.SUPPORT_CONTACT)


def unnamed() -> Brand:
    """Of an installation whose company is not named."""
    name = parseaddr(settings.MAIL_FROM)[0] or PRODUCT
    return Brand(name, settings.MAIL_FROM, settings.MAIL_REPLY_TO, "", "", "", shows_mark=False)


def current_brand() -> Brand:
    """One query."""
    seller = SellerVersion.current()
    if seller is None:
        return unnamed()
    address = parseaddr(settings.MAIL_FROM)[1]
    return Brand(
        name=seller.trade_name,
        sender=formataddr((seller.sender_name or seller.trade_name, address)),
        reply_to=seller.reply_to or settings.MAIL_REPLY_TO,
        support_url=seller.support_url,
        colour=seller.colour,
        logo=seller.logo.sha256 if seller.logo else "",
        shows_mark=seller.shows_mark,
        told_by_seller=frozenset(["sender", "reply_to"] if seller.reply_to else ["sender"]),
    )


_kept: list[tuple[float, Brand]] = []


def kept_brand() -> Brand:
    """As of a minute ago at most, for pages; a page that needs no database is shown without one."""
    if _kept and _kept[0][0] >= time.monotonic():
        return _kept[0][1]
    try:
        brand = current_brand()
    except DatabaseError:
        return brand_without_query()
    _kept[:] = [(time.monotonic() + KEPT_SECONDS, brand)]
    return brand


def brand_without_query() -> Brand:
    """The last that this process has seen: for pages that tell of an error."""
    return _kept[0][1] if _kept else unnamed()


def forget_brand() -> None:
    """In this process; others ask within a minute."""
    _kept.clear()
