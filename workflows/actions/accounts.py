from __future__ import annotations

import unicodedata
from typing import Any

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Account, Membership, User
from core.models.account import BILLING_FIELDS, LONGEST_NAME
from core.models.billing_details import check_billing_change
from core.problems import PermissionDenied, ValidationError
from core.security import rate_limits
from core.time_zones import check_time_zone
from core.validation.account_names import looks_like_a_link
from core.validation.text import check_name, composed
from engine import look_again, perform
from workflows.actions.service_rules import Act, check_may
from workflows.lifecycle.timers import move_timers
from workflows.settlement.locking import lock_account


def check_account_name(name: str, *, field: str) -> None:
    check_name(name, field=field, longest=LONGEST_NAME)
    # Mail programs would show it as a link.
    if looks_like_a_link(name):
        raise ValidationError({field: [_("Write the name alone, without the address of a page.")]})


def change_account(account: Account, *, by: User, **changes: Any) -> Account:
    """Issued invoices keep their details. Raises Conflict if it is closed, TooManyRequests."""
    if not account.may_be_changed_by(by):
        raise PermissionDenied(_("Only owners and admins of the account may change it."))
    if "time_zone" in changes:
        changes["time_zone"] = check_time_zone(changes["time_zone"])
    if changes.get("consume_by", Account.ConsumeBy.ALL) not in Account.ConsumeBy.values:
        raise ValidationError({"consume_by": [_("There is no such choice.")]})
    if not isinstance(changes.get("attaches_documents", True), bool):
        raise ValidationError({"attaches_documents": [_("There is no such choice.")]})
    with atomic():
        row = lock_account(account)
        check_is_open(row)
        if "name" in changes:
            changes["name"] = composed(changes["name"])
            if changes["name"] != row.name:
                check_account_name(changes["name"], field="name")
        # Under the lock, so that two concurrent changes cannot combine to unchecked details.
        billing = {name: value for name, value in changes.items() if name in BILLING_FIELDS}
        check_billing_change(row.billing_snapshot(), billing)
        before = row.time_zone
        _count_changes(row, changes)
        for name, value in changes.items():
            setattr(row, name, value)
        if changes:
            row.save(update_fields=list(changes))
        if row.time_zone != before:
            move_timers(row, before=before)
        if "billing_email" in changes:
            look_again(row.pk)  # at mails that wait for a proof of the old address
    return row


def _count_changes(row: Account, changes: dict[str, Any]) -> None:
    # A new billing address gets mails, a new time zone moves every timer.
    for name in ("billing_email", "time_zone"):
        if name in changes and changes[name] != getattr(row, name):
            rate_limits.enforce_account_limit(name, row.pk)


def close_account(account: Account, *, by: User, reason: str = "", typed_name: str | None = None) -> Account:
    """Also ends the subscription, cancels open invoices, moves money paid ahead to the balance.

    typed_name: None if the caller has confirmed otherwise. Raises WrongState if it is closed already.
    """
    if not account.may_be_closed_by(by):
        raise PermissionDenied(_("Only an owner of the account may close it."))
    if by.role_in(account.pk) != Membership.Role.OWNER and not reason.strip():
        raise ValidationError({"reason": [_("Say why.")]})
    with atomic():
        row = lock_account(account)
        if typed_name is not None and _as_compared(typed_name) != _as_compared(row.name):
            raise ValidationError({"account_name": [_("This is not the name of the account.")]})
        perform(row.close, by=by, reason=reason.strip())
    return row


def check_is_open(account: Account) -> None:
    """Raises Conflict. The caller has locked the row."""
    check_may(account, Act.CHANGE)


def _as_compared(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
