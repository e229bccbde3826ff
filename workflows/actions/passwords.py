"""A password that is set by the link of a mail, and what follows from who reads that mail."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.transaction import atomic
from django.utils import timezone

from core.models import Account, Membership, User
from engine import schedule
from workflows.actions.invitations import accept
from workflows.actions.people import check_new_password, remember_password
from workflows.actions.sites import remove_member
from workflows.mail.account_emails import mail_members_let_go
from workflows.mail.signed_links import INVITATION, RESET, key_of, owner_of
from workflows.mail.verification import prove_by_link
from workflows.settlement.locking import lock_account


@dataclass(frozen=True)
class Reset:
    """Whose password was set. has_let_go: others were let into their account before it was known to be theirs."""

    user: User
    has_let_go: bool = False


def reset_password(token: str, password: str) -> Reset:
    """Set a new password by the link of a mail, or accept an invitation by its; sign out everywhere.

    Raises ValidationError naming `token` or `password`, and what accept() raises.
    """
    with atomic():
        account = _lock_account_of(token)
        user = owner_of(token, RESET, INVITATION)
        if user is None:
            return Reset(accept(token, password=password))
        check_new_password(password, user)
        user.set_password(password)
        is_first_proof = user.email_verified_at is None
        user.email_verified_at = user.email_verified_at or timezone.now()  # they do read that mailbox
        user.save()
        has_let_go = is_first_proof and account is not None and _start_over(account, user)
        prove_by_link(user)
        remember_password(user, by_link=True)
    return Reset(user, has_let_go)


def _lock_account_of(token: str) -> Account | None:
    """Before the person: in that order everybody locks them."""
    account = Account.objects.filter(memberships__user=key_of(token)).first()
    return lock_account(account) if account is not None else None


def _start_over(account: Account, owner: User) -> bool:
    """Nobody knew whose account it is: somebody may have signed up with the owner's address and let others in.

    They are let go and offers end; whether there were any. An account that has paid is known, and keeps its people.
    """
    if account.proved_at is not None or account.status == Account.Status.CLOSED:
        return False
    if owner.role_in(account.pk) != Membership.Role.OWNER:
        return False
    others = list(account.memberships.exclude(user=owner).select_related("user").order_by("pk"))
    for member in others:
        remove_member(member)
    offers, _by_model = account.invitations.all().delete()
    if not others and not offers:
        return False
    schedule(mail_members_let_go, key=f"members_let_go:{account.pk}:{owner.pk}", about=account)
    return True
