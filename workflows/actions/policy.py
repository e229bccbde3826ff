from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db.transaction import atomic

from core.models import Policy, User
from core.problems import ValidationError
from workflows.security.rights import check_may_set

CHANGE_POLICY = "core.change_policy"


def save_policy(*, by: User, **fields: Any) -> Policy:
    """fields: columns of Policy; the others stay. Raises PermissionDenied, ValidationError."""
    check_may_set(by, CHANGE_POLICY)
    Policy.current()
    with atomic():
        policy = Policy.objects.select_for_update(no_key=True).get()
        for name, value in fields.items():
            setattr(policy, name, value)
        check_policy(policy)
        policy.save()
    return policy


def check_policy(policy: Policy) -> None:
    """Raises ValidationError."""
    try:
        policy.full_clean()
    except Invalid as error:
        raise ValidationError(error.message_dict) from error
