"""People in an account: who may change their role or let them go."""

from __future__ import annotations

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Membership, User
from core.problems import Conflict, PermissionDenied
from workflows.actions.accounts import check_is_open
from workflows.actions.sites import remove_member as show_out
from workflows.books import lock_account

Role = Membership.Role


def change_role(member: Membership, role: str, *, by: User) -> Membership:
    """Raises PermissionDenied, Conflict when nobody would own the account any more, or it is closed."""
    with atomic():
        check_is_open(lock_account(member.account))  # two owners may step down at the same moment
        _check(member, role, by)
        member.role = role
        member.save(update_fields=["role"])
    return member


def let_go(member: Membership, *, by: User) -> None:
    """Let somebody go; they cannot sign in any more. Raises what change_role() raises."""
    with atomic():
        check_is_open(lock_account(member.account))
        _check(member, "", by)
        show_out(member)


def _check(member: Membership, role: str, by: User) -> None:
    """Owners and admins run the account, only owners touch owners, and one owner always stays."""
    mine = by.role_in(member.account_id)
    if mine not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may do this."))
    if Role.OWNER in (member.role, role) and mine != Role.OWNER:
        raise PermissionDenied(_("Only an owner makes or unmakes owners."))
    now = Membership.objects.get(pk=member.pk).role
    others = Membership.objects.filter(account=member.account_id, role=Role.OWNER).exclude(pk=member.pk)
    if now == Role.OWNER and role != Role.OWNER and not others.exists():
        raise Conflict(_("An account keeps at least one owner."))
