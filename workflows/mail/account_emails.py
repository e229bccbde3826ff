"""Mails with a secret link, made when the mail is sent, so that no row or log holds it; they call `send` themselves."""

from __future__ import annotations

from typing import Any

from core.models import Account, Invitation, User
from core.validation.email import canonical_email
from engine import effect_handler
from engine.models import Effect
from workflows.mail import context, signed_links, urls
from workflows.mail.brand import current_brand
from workflows.mail.rendering import build_email
from workflows.mail.sending import BY_MAIL, EmailContext, language_of, mail, send
from workflows.mail.verification import (
    NOT_PROVED,
    Unproved,
    count_unproved_mail,
    has_declined,
    is_known,
    needs_proof,
    postpone_or_drop,
)

Outcome = dict[str, Any]


@effect_handler("mail.password_reset", purgeable=True, **BY_MAIL)
def mail_password_reset(_: None, effect: Effect) -> Outcome | None:
    user = User.objects.active_by_email(effect.payload["email"])
    if user is None:
        return None
    link = urls.password_reset(signed_links.RESET.token_of(user))
    return _send(effect, "password_reset", user, context.password_reset(user, link))


@effect_handler("mail.verify_email", purgeable=True, **BY_MAIL)
def mail_verification(_: Account | None, effect: Effect) -> Outcome | None:
    user = User.objects.active_by_email(effect.payload["email"])
    if user is None or user.email_verified_at is not None:
        return None
    link = urls.verify_email(signed_links.VERIFICATION.token_of(user))
    return _send(effect, "verify_email", user, context.verify_email(user, link))


@effect_handler("mail.verify_billing_email", **BY_MAIL)
def mail_billing_verification(account: Account, effect: Effect) -> Outcome | None:
    """Counts as one of the few mails to an unproved address."""
    if canonical_email(account.billing_email or "@") != effect.payload["email"] or not needs_proof(account):
        return None
    try:
        count_unproved_mail(account.billing_email, effect)
    except Unproved as reason:
        return postpone_or_drop(effect, "verify_billing_email", reason)
    words = context.verify_billing_email(account, urls.verify_billing_email(signed_links.billing_token_of(account)))
    email = build_email("verify_billing_email", words, language=account.language, brand=current_brand())
    return send(effect, [account.billing_email], email)


@effect_handler("mail.member_invited", purgeable=True, **BY_MAIL)
def mail_invitation(account: Account, effect: Effect) -> Outcome | None:
    # Waits until who invites is known: their words go to somebody who never asked.
    invitation = Invitation.objects.filter(pk=effect.payload.get("invitation"), account=account).first()
    if invitation is None or invitation.invited_by is None or account.status == Account.Status.CLOSED:
        return None
    if has_declined(invitation):
        return {"kind": "member_invited", "recipients": [], "dropped": "an earlier invitation was declined"}
    if not is_known(invitation.invited_by, account):
        return postpone_or_drop(effect, "member_invited", NOT_PROVED)
    try:
        count_unproved_mail(invitation.email, effect)
    except Unproved as reason:
        return postpone_or_drop(effect, "member_invited", reason)
    words = context.member_invited(invitation, urls.invitation(signed_links.invitation_token_of(invitation)))
    return send(
        effect,
        [invitation.email],
        build_email("member_invited", words, language=account.language, brand=current_brand()),
    )


@mail("members_let_go")
def mail_members_let_go(account: Account, effect: Effect) -> EmailContext:
    return EmailContext(context.members_let_go(account), to_log_in=True)


@mail("security_notice", to_staff=True)
def mail_security_notice(_: None, effect: Effect) -> EmailContext | None:
    user = User.objects.get(pk=effect.payload["user"])
    if not user.is_active:
        return None
    words = context.security_notice(user, is_password=effect.payload["what"] == "password", at=effect.created_at)
    return EmailContext(words, to=[user.email])


def _send(effect: Effect, kind: str, user: User, words: context.Values) -> Outcome:
    # Staff have no account: in English.
    membership = getattr(user, "membership", None)
    language = language_of(membership.account) if membership else "en"
    return send(effect, [user.email], build_email(kind, words, language=language, brand=current_brand()))
