"""The effects that send e-mail: each is one mail, to a customer or to staff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.transaction import atomic
from django.utils import translation
from django.utils.crypto import salted_hmac

from core.models import Account
from core.validation.email import canonical_email
from engine import effect_handler, schedule
from engine.errors import PermanentFailure
from engine.models import Effect
from engine.registry import kinds
from workflows.mail import context
from workflows.mail.delivery import Refused, deliver, one_connection
from workflows.mail.rendering import Email, build_email
from workflows.mail.verification import Unproved, readers_of, wait


class NoRecipient(PermanentFailure):
    """No address is known."""


# A provider counts mails of any kind.
BY_MAIL: Any = {"external": True, "throttle": "mail", "rate": settings.MAIL_RATE or None, "within": one_connection}


@dataclass(frozen=True)
class EmailContext:
    """What the templates of a mail are given, and who is to read it.

    answers: an act about money, so that it goes to an address that nobody has proved, too. to_log_in: to owners, not
    to where the bills go. to: staff; a customer's readers are found when it is sent.
    """

    values: context.Values
    answers: bool = False
    to_log_in: bool = False
    to: Sequence[str] = ()


Composer = Callable[[Any, Effect], EmailContext | None]
Handler = Callable[[Any, Effect], dict[str, Any] | None]
composers: dict[str, tuple[Composer, bool]] = {}  # per kind of effect: the function, and whether staff are written to


def mail(
    kind: str,
    *,
    to_staff: bool = False,
    related: Sequence[str] = (),
    prefetch: Sequence[str] = (),
    revision: int = 1,
) -> Callable[[Composer], Handler]:
    """Make a function that composes a mail the effect `mail.<kind>`: to a customer in their language, else English.

    related, prefetch: what the mail tells about, read for many mails at once. revision: of its payload's shape.

    None from the function: there is nothing to say any more. A mail made this way can be shown again to operators,
    so one that holds a secret is none of these: it calls `send` itself.
    """

    def register(composer: Composer) -> Handler:
        composers[f"mail.{kind}"] = composer, to_staff

        @effect_handler(
            f"mail.{kind}",
            related=tuple(related),
            prefetch=tuple(prefetch),
            revision=revision,
            **BY_MAIL,
        )
        @wraps(composer)
        def pay(subject: Any, effect: Effect) -> dict[str, Any] | None:
            told, language = build_context(subject, effect)
            if told is None:
                return None
            if to_staff:
                return send(effect, told.to, build_email(kind, told.values, language=language))
            return _send_to_customer(effect, kind, _account_of(subject), told, language)

        return pay

    return register


def build_context(subject: Any, effect: Effect) -> tuple[EmailContext | None, str]:
    """What that effect would send now, and in which language. KeyError for a mail that is not to be shown."""
    composer, to_staff = composers[effect.kind]
    language = "en" if to_staff else language_of(subject)
    with translation.override(language):
        return composer(subject, effect), language


def _send_to_customer(
    effect: Effect, kind: str, account: Account, told: EmailContext, language: str
) -> dict[str, Any] | None:
    """To the readers that the account has now; where its billing address refuses for good, to its owners.

    Raises NotYet while the address is not proved.
    """
    try:
        readers = readers_of(account, effect, answers=told.answers, to_log_in=told.to_log_in)
    except Unproved as reason:
        return wait(effect, kind, reason)
    if not readers.to and account.status == Account.Status.CLOSED:
        return None  # the last person of a closed account may have been erased
    with translation.override(language):
        values = context.bare(told.values) if readers.is_bare else told.values
    try:
        return send(effect, readers.to, build_email(kind, values, language=language))
    except Refused as refusal:
        if list(readers.to) != [account.billing_email] or not refusal.is_of_the_address:
            raise
        _remember_refusal(account, refusal)
        try:
            return _send_to_customer(effect, kind, account, told, language)
        except NoRecipient:
            raise refusal from None


def _remember_refusal(account: Account, refusal: Refused) -> None:
    """Until the address is changed or proved nothing more is sent to it; operators hear of it once."""
    account.refused_email = canonical_email(account.billing_email)
    with atomic():
        Account.objects.filter(pk=account.pk, billing_email=account.billing_email).update(
            refused_email=account.refused_email
        )
        digest = salted_hmac("workflows.mail.refused", account.refused_email, algorithm="sha256").hexdigest()[:32]
        payload = {"email": account.billing_email, "answer": str(refusal)[:500]}
        tell_operators = kinds["mail.address_refused"].run  # a mail of its own: workflows.mail.notifications
        schedule(tell_operators, key=f"address_refused:{digest}", about=account, payload=payload)


def language_of(subject: Any) -> str:
    """Of an account, or of whatever has one."""
    return _account_of(subject).language


def _account_of(subject: Any) -> Account:
    account: Account = subject if isinstance(subject, Account) else subject.account
    return account


def send(effect: Effect, to: Sequence[str], email: Email) -> dict[str, Any]:
    """Send it under the effect's id, so that a mail sent twice is known as one; return the effect's outcome.

    Raises Permanent when it can never be delivered, Unreachable when no mail can be just now.
    """
    if not to:
        raise NoRecipient("there is nobody to send it to")
    message_id = f"<{effect.pk}@{_domain()}>"
    message = EmailMultiAlternatives(
        subject=email.subject,
        body=email.text,
        from_email=settings.MAIL_FROM,
        to=list(to),
        headers={
            "Message-ID": message_id,
            "X-Countersign-Kind": email.kind,
            "Content-Language": email.language,
            "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday notices, please
            **({"Reply-To": settings.MAIL_REPLY_TO} if settings.MAIL_REPLY_TO else {}),
        },
    )
    message.attach_alternative(email.html, "text/html")
    deliver(message)
    return {"kind": email.kind, "recipients": list(to), "message_id": message_id}


def _domain() -> str:
    return parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2] or "localhost"
