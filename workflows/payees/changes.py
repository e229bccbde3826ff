from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from core.models import Invoice, PayeeVersion, PaymentMethod, User
from core.money import money_text
from core.payees.fields import payee_lines
from engine.models import Transition

PERMISSION = "core.change_paymentmethod"
PAYEE_IS_NEW_FOR = timedelta(days=60)  # so long reviewers are told that a payee changed
# An invoice is stored within seconds of its issue.
STORED_WITHIN = timedelta(hours=1)


def as_issued(methods: Sequence[PaymentMethod], invoice: Invoice) -> list[PaymentMethod]:
    """With the payee that the invoice was issued with; of a later method, its first."""
    changed = [method.pk for method in methods if method.payee_since and not _is_later(invoice, method.payee_since)]
    if not changed:
        # The usual case, without a query.
        return list(methods)
    known = PayeeVersion.objects.filter(method__in=changed).known_at(_issued_at(invoice))
    versions = {version.method_id: version for version in known.order_by("number")}  # the last of each stays
    return [_with(method, versions.get(method.pk)) for method in methods]


def version_of(invoice: Invoice, method: PaymentMethod) -> PayeeVersion | None:
    known = PayeeVersion.objects.filter(method=method).known_at(_issued_at(invoice))
    return known.order_by("-number").first()


def changed_lately(method: PaymentMethod, now: datetime) -> bool:
    return method.payee_since is not None and now - method.payee_since < PAYEE_IS_NEW_FOR


def is_shown(method: PaymentMethod) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(countersign_payee_is_shown(%s), false)", [method.pk])
        return bool(cursor.fetchone()[0])


def payee_editors() -> QuerySet[User]:
    given = User.objects.staff_with(PERMISSION)
    which = Q(is_superuser=True) | Q(pk__in=given.values("pk"))
    return User.objects.filter(which, is_staff=True, is_active=True)


def may_change(user: User) -> bool:
    return user.is_active and user.is_staff and user.has_perm(PERMISSION)


def version_in_force_before(version: PayeeVersion) -> PayeeVersion | None:
    """The one in force when it was asked for."""
    earlier = PayeeVersion.objects.in_force().filter(method=version.method_id, number__lt=version.number)
    return earlier.order_by("-number").first()


@dataclass(frozen=True)
class Change:
    """label: in the active language."""

    label: str
    old: str
    new: str


def changes(method: PaymentMethod, old: PayeeVersion | None, new: PayeeVersion) -> list[Change]:
    """In the order of a bank's form; then instructions and tolerance."""
    found = [*_of_fields(method, old, new), *_of_instructions(old, new), *_of_tolerance(method, old, new)]
    return [change for change in found if change.old != change.new]


def _of_fields(method: PaymentMethod, old: PayeeVersion | None, new: PayeeVersion) -> Iterator[Change]:
    was, will = _texts(old, "fields"), _texts(new, "fields")
    for line in payee_lines(method.kind, dict.fromkeys({*was, *will}, "-")):
        yield Change(line.label, was.get(line.key, ""), will.get(line.key, ""))


def _of_instructions(old: PayeeVersion | None, new: PayeeVersion) -> Iterator[Change]:
    was, will = _texts(old, "instructions"), _texts(new, "instructions")
    for language in sorted({*was, *will}):
        yield Change(f"Instructions ({language})", was.get(language, ""), will.get(language, ""))


def _of_tolerance(method: PaymentMethod, old: PayeeVersion | None, new: PayeeVersion) -> Iterator[Change]:
    yield Change("May be missing", _tolerance(method, old), _tolerance(method, new))


def _tolerance(method: PaymentMethod, version: PayeeVersion | None) -> str:
    if version is None or not version.tolerance_max or not version.tolerance_percent:
        return ""
    most = money_text(version.tolerance_max, method.currency) if method.currency else f"{version.tolerance_max:f}"
    return f"{version.tolerance_percent.normalize():f} %, at most {most} {method.currency}".rstrip()


def _texts(version: PayeeVersion | None, name: str) -> dict[str, str]:
    # What was saved past the forms may have another shape.
    texts: Any = getattr(version, name, {})
    return {key: str(text) for key, text in texts.items() if text} if isinstance(texts, dict) else {}


def _with(method: PaymentMethod, version: PayeeVersion | None) -> PaymentMethod:
    if version is None:
        return method
    other = copy(method)
    version.apply_to(other)
    return other


def _is_later(invoice: Invoice, moment: datetime) -> bool:
    return invoice.created_at is not None and invoice.created_at > moment + STORED_WITHIN


def _issued_at(invoice: Invoice) -> datetime:
    moments = Transition.objects.filter(machine="invoice", object_id=invoice.pk, name="issue").values_list("at")
    found = moments.first()
    return found[0] if found else invoice.created_at
