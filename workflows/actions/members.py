from __future__ import annotations

from uuid import UUID

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Account, Invitation, Membership, User
from core.problems import Conflict, NotFound, PermissionDenied
from engine import schedule
from workflows.actions.accounts import check_is_open
from workflows.actions.sites import remove_member as show_out
from workflows.mail.operator_warnings import mail_no_owner
from workflows.periods import database_now
from workflows.settlement.locking import lock_account

Role = Membership.Role
MemberOrInvitation = Membership | Invitation


def people_of(account: Account) -> list[MemberOrInvitation]:
    """Members, then invitations, the oldest first."""
    members = account.memberships.select_related("user").order_by("pk")
    return [*members, *account.invitations.order_by("pk")]


def member_or_invitation(account: Account, key: UUID) -> MemberOrInvitation:
    """Raises NotFound."""
    place = account.memberships.select_related("user").filter(pk=key).first()
    found = place or account.invitations.filter(pk=key).first()
    if found is None:
        raise NotFound(_("Nobody of this account has this key."))
    found.account = account
    return found


def change_role(place: MemberOrInvitation, role: str, *, by: User) -> MemberOrInvitation:
    """Raises Conflict for the last owner or a closed account, NotFound if they have just left."""
    with atomic():
        place = _locked(place)
        _check(place, role, by)
        place.role = role
        place.save(update_fields=["role"])
    return place


def remove_or_leave(place: MemberOrInvitation, *, by: User) -> None:
    """Remove a member, leave oneself, or withdraw an invitation. Raises as change_role() does."""
    with atomic():
        place = _locked(place)
        if place.user_id == by.pk:
            _check_owner_stays(place, "")
        else:
            _check(place, "", by)
        if isinstance(place, Invitation):
            place.delete()
        else:
            show_out(place)


def remove_by_staff(member: Membership) -> None:
    """Raises Conflict for the last owner of an account that is not closed."""
    with atomic():
        lock_account(member.account)
        if Membership.objects.filter(pk=member.pk).last_owners().exists():
            raise Conflict(_("An account keeps at least one owner."))
        show_out(member)


def warn_of_missing_owner(person: User) -> bool:
    """Mails operators, once a day, if no owner may sign in any more; returns whether it is so."""
    # Not refused: a stolen log-in must be shut out at once.
    place = Membership.objects.filter(user=person, role=Role.OWNER).select_related("account").first()
    if place is None or place.account.status == Account.Status.CLOSED:
        return False
    if place.account.memberships.filter(role=Role.OWNER, user__is_active=True).exists():
        return False
    schedule(mail_no_owner, key=f"no_owner:{place.account_id}:{database_now():%Y-%m-%d}", about=place.account)
    return True


def _locked(place: MemberOrInvitation) -> MemberOrInvitation:
    # Under the lock of the account: two owners may step down at the same moment.
    check_is_open(lock_account(place.account))
    return member_or_invitation(place.account, place.pk)


def _check(place: MemberOrInvitation, role: str, by: User) -> None:
    mine = by.role_in(place.account_id)
    if mine not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may do this."))
    if Role.OWNER in (place.role, role) and mine != Role.OWNER:
        raise PermissionDenied(_("Only an owner makes or unmakes owners."))
    _check_owner_stays(place, role)


def _check_owner_stays(place: MemberOrInvitation, role: str) -> None:
    """role: the new one; empty: they leave. Raises Conflict for the last owner."""
    if isinstance(place, Invitation) or place.role != Role.OWNER or role == Role.OWNER:
        return
    others = Membership.objects.filter(account=place.account_id, role=Role.OWNER).exclude(pk=place.pk)
    if not others.exists():
        raise Conflict(
            _("An account keeps at least one owner. Make somebody else an owner first, or close the account.")
        )
