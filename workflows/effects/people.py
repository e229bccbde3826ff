"""Mails with a link that signs somebody in or proves an address. The link is made here and kept nowhere."""

from __future__ import annotations

from core.models import Account, Effect, User
from workflows import links, tokens
from workflows.effects.notices import Outcome
from workflows.engine import effect
from workflows.mail import send


@effect("mail.password_reset", outward=True)
def mail_password_reset(_: None, debt: Effect) -> Outcome | None:
    """To where nobody lives nothing is sent."""
    user = User.objects.reading(debt.payload["email"])
    if user is None:
        return None
    link = links.password_reset(tokens.RESET.token_of(user))
    return send(debt, "password_reset", [user.email], user=user, link=link)


@effect("mail.verify_email", outward=True)
def mail_verification(_: Account | None, debt: Effect) -> Outcome | None:
    """Nothing to ask of somebody who has shown it already."""
    user = User.objects.reading(debt.payload["email"])
    if user is None or user.email_verified_at is not None:
        return None
    link = links.verify_email(tokens.VERIFICATION.token_of(user))
    return send(debt, "verify_email", [user.email], user=user, link=link)


@effect("mail.member_invited", outward=True)
def mail_invitation(account: Account, debt: Effect) -> Outcome | None:
    """Nothing for somebody who was removed meanwhile, or has set a password already."""
    user = User.objects.filter(pk=debt.payload["user"], membership__account=account, is_active=True).first()
    if user is None or user.has_usable_password():
        return None
    inviter = User.objects.get(pk=debt.payload["by"])
    link = links.password_reset(tokens.INVITATION.token_of(user))
    return send(debt, "member_invited", [user.email], user=user, account=account, inviter=inviter, link=link)
