"""No user exists before acceptance, so that an invitation does not block the address for an account of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db.transaction import atomic
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import Account, Invitation, Membership, User
from core.problems import Conflict, PermissionDenied, ValidationError
from core.security import rate_limits
from core.validation.email import canonical_email
from engine import schedule
from workflows.actions.accounts import check_is_open
from workflows.actions.people import check_new_password, get_or_reactivate_user, is_of_closed_account, remember_password
from workflows.actions.service_rules import Act, check_may
from workflows.actions.sites import plan_of, usage_of
from workflows.mail.account_emails import mail_invitation
from workflows.mail.signed_links import invitation_of
from workflows.mail.verification import prove_by_link, remember_declined
from workflows.security.rights import is_trusted
from workflows.settlement.locking import lock_account

Role = Membership.Role


@dataclass(frozen=True)
class Offer:
    """needs_password: they have no log-in yet."""

    invitation: Invitation
    needs_password: bool


def invite(account: Account, *, email: str, role: str, by: User) -> Invitation:
    """Does not tell whether a user exists.

    Raises Conflict at the plan's limit, for a member or somebody invited already, TooManyRequests, and what check_may()
    raises.
    """
    if by.role_in(account.pk) not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may invite."))
    if role == Role.OWNER and by.role_in(account.pk) != Role.OWNER:
        raise PermissionDenied(_("Only an owner makes owners."))
    canonical = canonical_email(email)
    with atomic():
        account = lock_account(account)
        check_may(account, Act.INVITE)
        if account.memberships.filter(user__email_canonical=canonical).exists():
            raise Conflict(_("This person belongs to the account already."))
        if account.invitations.filter(email_canonical=canonical).exists():
            raise Conflict(_("This person is invited already."))
        _check_room(account, usage_of(account)["users"])
        rate_limits.enforce_account_limit("invitation", account.pk)
        invitation = Invitation.objects.create(account=account, email=email, role=role, invited_by=by)
        schedule(
            mail_invitation,
            key=f"member_invited:{invitation.pk}",
            about=account,
            payload={"invitation": str(invitation.pk)},
        )
    return invitation


def offer_of(token: str) -> Offer | None:
    """None if the link is no longer valid."""
    invitation = invitation_of(token)
    if invitation is None:
        return None
    user = User.objects.filter(email_canonical=invitation.email_canonical).first()
    return Offer(invitation, needs_password=user is None or not _can_sign_in(user) or is_of_closed_account(user))


def accept(token: str, *, password: str | None = None) -> User:
    """password: None: they have one.

    Raises Conflict for members of another account, or if this one has no room or is closed.
    """
    with _locked(token) as invitation:
        account = invitation.account
        check_is_open(account)
        _check_room(account, account.memberships.count())
        user = _person_of(invitation, password)
        user.email_verified_at = user.email_verified_at or timezone.now()  # they do read that mailbox
        user.save()
        Membership.objects.create(account=account, user=user, role=invitation.role)
        invitation.delete()
        prove_by_link(user)
    return user


def decline(token: str) -> None:
    """The account cannot invite this address again for a month."""
    with _locked(token) as invitation:
        remember_declined(invitation)
        invitation.delete()


@contextmanager
def _locked(token: str) -> Iterator[Invitation]:
    """A transaction that locks the offer and its account."""
    stale = ValidationError({"token": [_("This link is not valid any more. Ask for a new one.")]})
    found = invitation_of(token)
    if found is None:
        raise stale
    with atomic():
        account = lock_account(found.account)
        invitation = Invitation.objects.select_for_update().filter(pk=found.pk).first()
        if invitation is None:
            raise stale
        invitation.account = account
        yield invitation


def _person_of(invitation: Invitation, password: str | None) -> User:
    people = User.objects.select_for_update(no_key=True, of=("self",)).select_related("membership__account")
    user = people.filter(email_canonical=invitation.email_canonical).first()
    if user is not None:
        _check_is_free(user, invitation)
    if user is not None and _can_sign_in(user) and not hasattr(user, "membership"):
        if password is not None:
            check_new_password(password, user)
            user.set_password(password)
            remember_password(user, by_link=True)
        return user
    if password is None:
        raise ValidationError({"password": [_("Choose a password.")]})
    check_new_password(password, User(email=invitation.email))
    person = get_or_reactivate_user(invitation.email, password, account=invitation.account)
    if person is None:
        raise Conflict(_("This address cannot be used here. Ask to be invited under another one."))
    return person


def _check_is_free(user: User, invitation: Invitation) -> None:
    place = getattr(user, "membership", None)
    if place is not None and place.account_id == invitation.account_id:
        raise Conflict(_("You belong to this account already."))
    if place is not None and user.is_active and place.account.status != Account.Status.CLOSED:
        raise Conflict(_("You belong to another account. Leave it first, then accept."))
    if is_trusted(user):
        raise Conflict(_("This address cannot be used here. Ask to be invited under another one."))


def _can_sign_in(user: User) -> bool:
    return user.is_active and user.has_usable_password()


def _check_room(account: Account, used: int) -> None:
    limit = plan_of(account).max_users
    if limit is None or used < limit:
        return
    words = ngettext("Your plan has room for %(limit)d person.", "Your plan has room for %(limit)d people.", limit)
    raise Conflict(words % {"limit": limit}, limit=limit)
