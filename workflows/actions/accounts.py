"""What customers change about their account."""

from __future__ import annotations

from typing import Any

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.billing_details import check_billing_change
from core.models import Account, User
from core.models.account import BILLING_FIELDS
from core.problems import PermissionDenied
from workflows.books import lock_account
from workflows.timers import move_timers


def change_account(account: Account, *, by: User, **changes: Any) -> Account:
    """Change some of its fields. What is issued already keeps the details that it was issued with.

    Raises PermissionDenied for anybody but owners and admins, ValidationError when the billing details do not go
    together. The row is locked meanwhile: two changes at once cannot leave a set that nobody checked.
    """
    if not account.may_be_changed_by(by):
        raise PermissionDenied(_("Only owners and admins of the account may change it."))
    with atomic():
        row = lock_account(account)
        billing = {name: value for name, value in changes.items() if name in BILLING_FIELDS}
        check_billing_change(row.billing_snapshot(), billing)
        before = row.time_zone
        for name, value in changes.items():
            setattr(row, name, value)
        if changes:
            row.save(update_fields=list(changes))
        if row.time_zone != before:
            move_timers(row, before=before)
    return row
