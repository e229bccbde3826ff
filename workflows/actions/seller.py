from __future__ import annotations

import hashlib
from typing import Any

from django.db.transaction import atomic, on_commit

from core.models import Invoice, Logo, Seller, SellerVersion, User
from core.problems import PermissionDenied, ValidationError
from core.security.events import record_event
from core.validation.number_templates import NUMBER_TEMPLATES, check_template, number_pattern, prefix_of
from engine import schedule
from workflows.documents.numbers import next_count_of, series_of
from workflows.documents.waiting import write_waiting_documents
from workflows.mail.brand import forget_brand
from workflows.periods import database_now

PERMISSION = "core.change_seller"
DETAILS = tuple(
    field.name
    for field in SellerVersion._meta.concrete_fields
    if field.name not in {"id", "seller", "number", "logo", "saved_by", "saved_at"}
)


def may_change_seller(user: User) -> bool:
    return user.is_active and user.is_staff and user.has_perm(PERMISSION)


def save_seller(values: dict[str, Any], *, by: User | None, logo: bytes | None = None) -> SellerVersion:
    """A new version, or the present one if nothing changes. Documents that waited for a seller are made.

    values: of `DETAILS`; what is not named stays. logo: None: as it is; empty: none. by: None: the operator.
    Raises PermissionDenied, ValidationError and Django's.
    """
    if by is not None and not may_change_seller(by):
        raise PermissionDenied("You may not change what documents say of the business.")
    if unknown := set(values) - set(DETAILS):
        raise ValidationError({name: ["There is no such field."] for name in unknown})
    with atomic():
        seller = Seller.objects.select_for_update(no_key=True).get(pk=Seller.current().pk)
        held = SellerVersion.current()
        before = {name: getattr(held, name) for name in DETAILS} if held else {}
        version = SellerVersion(
            **{**before, **values},
            seller=seller,
            number=held.number + 1 if held else 1,
            logo=_logo(logo) if logo is not None else held.logo if held else None,
            saved_by=by,
        )
        version.full_clean()
        if held is not None and held.logo_id == version.logo_id and _same(held, version):
            return held
        version.save(force_insert=True)
        on_commit(forget_brand)
        record_event("seller_changed", actor=by, version=version.number)
        if held is None:
            schedule(write_waiting_documents, key=f"documents.write_waiting:{version.pk}")
    return version


def save_number_templates(templates: dict[str, str], *, by: User | None) -> Seller:
    """For what is issued from then on. Raises PermissionDenied; ValidationError for a number that is taken already."""
    if by is not None and not may_change_seller(by):
        raise PermissionDenied("You may not change how documents are numbered.")
    with atomic():
        seller = Seller.objects.select_for_update(no_key=True).get(pk=Seller.current().pk)
        seller.number_templates = checked_templates(seller, templates)
        seller.save(update_fields=["number_templates"])
        record_event("number_templates_changed", actor=by, templates=templates)
    return seller


def checked_templates(seller: Seller, templates: dict[str, str]) -> dict[str, str]:
    """All of them, with these changed. Raises ValidationError."""
    for kind, template in templates.items():
        if kind not in NUMBER_TEMPLATES:
            raise ValidationError({kind: ["There is no such kind."]})
        if wrong := check_template(template):
            raise ValidationError({kind: [wrong]})
    changed = {**seller.number_templates, **templates}
    for kind in sorted(templates, key=lambda kind: templates[kind] == seller.template_for(kind)):  # first what differs
        if any(prefix_of(changed[other]) == prefix_of(templates[kind]) for other in changed if other != kind):
            raise ValidationError({kind: ["Two kinds of documents cannot begin with the same letters."]})
    _check_free(seller, changed.get("invoice", NUMBER_TEMPLATES["invoice"]))
    return changed


def _check_free(seller: Seller, template: str) -> None:
    """The series of invoices must not come to a number that is given already."""
    today = database_now().date()
    series = series_of(seller, "invoice", template, today)
    next_count = next_count_of(series)
    alike = Invoice.objects.filter(number__regex=number_pattern(template, year=today.year))
    for number in map(str, alike.exclude(series=series).values_list("number", flat=True)):
        if int(number[len(number.rstrip("0123456789")) :]) >= next_count:
            raise ValidationError({"invoice": [f"{number} is given already: begin with other letters."]})


def _same(one: SellerVersion, other: SellerVersion) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in DETAILS)


def _logo(content: bytes) -> Logo | None:
    from workflows.documents.rendering.logos import LogoError, check_logo  # with typst: of who changes a logo alone

    if not content:
        return None
    try:
        kind = check_logo(content)
    except LogoError as error:
        raise ValidationError({"logo": [str(error)]}) from error
    digest = hashlib.sha256(content).hexdigest()
    return Logo.objects.get_or_create(sha256=digest, defaults={"kind": kind, "content": content})[0]
