"""What all documents share, in the active language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from core.models import Account, SellerVersion
from core.money import quantize
from core.validation.countries import country_choices
from workflows.documents.rendering.data import DocumentData, Kind, LabelledValue, Recipient, Section, Seller, Total
from workflows.mail.formatting import amount_text, date_text


def blank(kind: Kind, *, language: str, on: date, title: str, number: str = "") -> DocumentData:
    """A document without content; its seller comes last."""
    return {
        "kind": kind,
        "language": language,
        "direction": "rtl" if get_language_info(language)["bidi"] else "ltr",
        "paper": "a4",
        "title": title,
        "number": number,
        "made_on": on.isoformat(),
        "sign": "",
        "seller": nobody(),
        "recipient": {"heading": "", "name": "", "lines": [], "ids": []},
        "facts": [],
        "sections": [],
        "totals": [],
        "notes": [],
        "payment": None,
        "labels": {"page": _("Page {page} of {pages}")},
    }


def nobody() -> Seller:
    return {
        "name": "",
        "lines": [],
        "ids": [],
        "contact": [],
        "bank": [],
        "logo": None,
        "colour": "#000000",
        "footer": "",
        "mark": "",
    }


def with_seller(data: DocumentData, version: SellerVersion) -> DocumentData:
    return {
        **data,
        "seller": seller_part(version, kind=data["kind"]),
        "paper": "letter" if version.paper == "letter" else "a4",
    }


def seller_part(version: SellerVersion, *, kind: Kind) -> Seller:
    address = {name: getattr(version, name) for name in ADDRESS}
    ids = [fact(row["label"], row["value"]) for row in version.tax_ids]
    if version.registration:
        ids.append(fact(_("Register"), version.registration))
    return {
        "name": version.legal_name,
        "lines": address_lines(address),
        "ids": ids,
        "contact": [line for line in (version.email, version.phone, version.website) if line],
        "bank": paragraphs(version.bank_details) if kind in ASKING else [],
        "logo": _logo(version),
        "colour": version.colour,
        "footer": version.footer,
        "mark": _("Made with Countersign") if version.shows_mark else "",
    }


ASKING: tuple[Kind, ...] = ("invoice", "proforma", "reminder")  # for money
ADDRESS = ("address_line1", "address_line2", "city", "state", "postal_code", "country")


def address_lines(address: Mapping[str, str]) -> list[str]:
    from_city = " ".join(filter(None, [address.get("postal_code", ""), address.get("city", "")]))
    lines = [
        address.get("address_line1", ""),
        address.get("address_line2", ""),
        ", ".join(filter(None, [from_city, address.get("state", "")])),
        str(dict(country_choices()).get(address.get("country", ""), "")),
    ]
    return [line for line in lines if line]


def recipient(heading: str, name: str, snapshot: Mapping[str, str]) -> Recipient:
    """snapshot: the billing details as they were at issue."""
    tax_id = snapshot.get("tax_id", "")
    return {
        "heading": heading,
        "name": name,
        "lines": address_lines(snapshot),
        "ids": [fact(_("Tax id"), tax_id)] if tax_id else [],
    }


def account_recipient(heading: str, account: Account) -> Recipient:
    return recipient(heading, account.name, account.billing_snapshot())


def fact(label: Any, value: Any) -> LabelledValue:
    return {"label": str(label), "value": str(value)}


def facts(*rows: tuple[Any, Any]) -> list[LabelledValue]:
    """Without those that have no value."""
    return [fact(label, value) for label, value in rows if value not in (None, "")]


def total(label: Any, amount: Decimal, currency: str, *, strong: bool = False) -> Total:
    return {"label": str(label), "value": money(amount, currency), "strong": strong}


def table(heading: str, columns: Iterable[tuple[Any, bool]], rows: Iterable[list[str]], *, strong: int = -1) -> Section:
    """columns: label, and whether it holds amounts. strong: the number of a row, from 0."""
    listed = list(rows)
    return {
        "heading": heading,
        "columns": [{"label": str(label), "align": "end" if is_amount else "start"} for label, is_amount in columns],
        "rows": listed,
        "strong_rows": [strong] if 0 <= strong < len(listed) else [],
    }


def money(amount: Decimal, currency: str) -> str:
    return f"{amount_text(amount, currency)} {currency}"


def price(amount: Decimal, currency: str) -> str:
    """As money, with more decimals where a unit costs less than the smallest coin."""
    if quantize(amount, currency) == amount:
        return money(amount, currency)
    return f"{amount.normalize():,f} {currency}"


def day(on: date | None) -> str:
    return date_text(on) if on else ""


def paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _logo(version: SellerVersion) -> Any:
    """By its digest: `printing` puts the picture in."""
    return {"type": version.logo.kind, "sha256": version.logo.sha256} if version.logo else None
