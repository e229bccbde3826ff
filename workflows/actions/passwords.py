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
    """has_removed_others: others were removed, because the account was not known to be this person's."""

    user: User
    has_removed_others: bool = False


def reset_password(token: str, password: str) -> Reset:
    """By the link of a mail, also of an invitation; signs out everywhere."""
    with atomic():
        account = _lock_account_of(token)
        user = owner_of(token, RESET, INVITATION)
        if user is None:
            return Reset(accept(token, password=password))
        check_new_password(password, user)
        user.set_password(password)
        is_first_proof = user.email_verified_at is None
        user.email_verified_at = user.email_verified_at or timezone.now()
        user.save()
        has_removed_others = is_first_proof and account is not None and _start_over(account, user)
        prove_by_link(user)
        remember_password(user, by_link=True)
    return Reset(user, has_removed_others)


def _lock_account_of(token: str) -> Account | None:
    # Before the person: the order of all locks.
    account = Account.objects.filter(memberships__user=key_of(token)).first()
    return lock_account(account) if account is not None else None


def _start_over(account: Account, owner: User) -> bool:
    # Somebody may have signed up with the owner's address and let others in.
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
