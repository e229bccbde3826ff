"""People in an account: who may change their role or let them go."""

from __future__ import annotations

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Account, Membership, User
from core.problems import Conflict, PermissionDenied
from workflows.actions.accounts import check_is_open
from workflows.actions.sites import remove_member as show_out
from workflows.books import lock_account
from workflows.effects.warnings import mail_no_owner
from workflows.engine import owe
from workflows.periods import database_now

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


def remove_by_staff(member: Membership) -> None:
    """The same for staff, who need no place in the account. Raises Conflict for the last owner of one not closed."""
    with atomic():
        lock_account(member.account)
        if Membership.objects.filter(pk=member.pk).last_owners().exists():
            raise Conflict(_("An account keeps at least one owner."))
        show_out(member)


def warn_of_missing_owner(person: User) -> bool:
    """Whether an account that is not closed has no owner who may sign in, now that this person may not.

    It is not refused: whoever took over a log-in must be kept out at once. Operators get one mail a day about it.
    """
    place = Membership.objects.filter(user=person, role=Role.OWNER).select_related("account").first()
    if place is None or place.account.status == Account.Status.CLOSED:
        return False
    if place.account.memberships.filter(role=Role.OWNER, user__is_active=True).exists():
        return False
    owe(mail_no_owner, key=f"no_owner:{place.account_id}:{database_now():%Y-%m-%d}", about=place.account)
    return True


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
