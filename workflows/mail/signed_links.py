"""Links that only the reader of a mailbox has: good once and for a while, and stored nowhere.

A token is `<key of the user>.<time>-<signature>`; a change of the user's state ends it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.signing import BadSignature, TimestampSigner
from django.utils.http import base36_to_int

from core.models import Account, Invitation, User
from core.validation.email import canonical_email

KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Link(PasswordResetTokenGenerator):
    """One purpose of links. lasts: at most settings.PASSWORD_RESET_TIMEOUT."""

    def __init__(self, purpose: str, lasts: timedelta) -> None:
        super().__init__()
        self.key_salt = f"countersign.{purpose}"
        self.lasts = lasts

    def token_of(self, user: User) -> str:
        return f"{user.pk.hex}.{self.make_token(user)}"

    def check_token(self, user: User | None, token: str | None) -> bool:
        if user is None or token is None or not super().check_token(user, token):
            return False
        age = self._num_seconds(self._now()) - base36_to_int(token.partition("-")[0])
        return bool(age <= self.lasts.total_seconds())


class VerificationLink(Link):
    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{user.pk}{user.email}{user.email_verified_at}{timestamp}"


RESET = Link("password_reset", timedelta(hours=1))
_BILLING = TimestampSigner(salt="countersign.verify_billing_email")
_OFFER = TimestampSigner(salt="countersign.member_invited", sep=".")
INVITATION = Link("invitation", timedelta(days=7))  # from before invitations were offers
VERIFICATION = VerificationLink("verify_email", timedelta(days=3))


def billing_token_of(account: Account) -> str:
    return str(_BILLING.sign_object({"account": account.pk.hex, "email": canonical_email(account.billing_email)}))


def billing_address_of(token: str) -> tuple[Account, str] | None:
    """None for a link that is no longer valid."""
    try:
        found = _BILLING.unsign_object(token, max_age=VERIFICATION.lasts)
    except BadSignature:
        return None
    account = Account.objects.filter(pk=UUID(found["account"])).first()
    return (account, str(found["email"])) if account is not None else None


def invitation_token_of(invitation: Invitation) -> str:
    return _OFFER.sign(invitation.pk.hex)


def invitation_of(token: str) -> Invitation | None:
    """With account and inviter; None if it is no longer valid."""
    try:
        key = _OFFER.unsign(token, max_age=INVITATION.lasts)
    except BadSignature:
        return None
    return Invitation.objects.select_related("account", "invited_by").filter(pk=UUID(key)).first()


def key_of(token: str) -> UUID | None:
    """The person that the token names, unchecked."""
    key = token.partition(".")[0]
    return UUID(key) if KEY.fullmatch(key) else None


def owner_of(token: str, *links: Link) -> User | None:
    """Locked until the transaction ends; None if the token is not valid for any of these."""
    key = key_of(token)
    if key is None:
        return None
    user = User.objects.select_for_update(no_key=True).filter(pk=key, is_active=True).first()
    part = token.partition(".")[2]
    return user if user and any(link.check_token(user, part) for link in links) else None
