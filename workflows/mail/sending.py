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

from core.models import Account, Invoice
from core.models.user import SERVICE_DOMAIN
from core.validation.email import canonical_email
from engine import effect_handler, schedule
from engine.errors import PermanentFailure
from engine.models import Effect
from engine.registry import kinds
from workflows.mail import context
from workflows.mail.attachments import Attachment, attachments_of
from workflows.mail.brand import current_brand
from workflows.mail.delivery import Refused, deliver, one_connection
from workflows.mail.invoice_links import address_in_mail
from workflows.mail.rendering import Email, build_email
from workflows.mail.verification import Unproved, postpone_or_drop, readers_of


class NoRecipient(PermanentFailure):
    """No address is known."""


# A provider counts mails of any kind.
BY_MAIL: Any = {"external": True, "throttle": "mail", "rate": settings.MAIL_RATE or None, "run_context": one_connection}


@dataclass(frozen=True)
class EmailContext:
    """answers: about money, so also to an unproved address. to_log_in: to owners. to: staff; else found at sending.

    document: the key of the one that is attached, never to an unproved address: it holds the customer's words.
    attaches_always: also if the account wants no files with its mails, since this one was asked for.
    to_pay: an open invoice, to whose hosted page a proved billing address gets a link.
    """

    values: context.Values
    answers: bool = False
    to_log_in: bool = False
    to: Sequence[str] = ()
    document: str = ""
    attaches_always: bool = False
    to_pay: Invoice | None = None


Composer = Callable[[Any, Effect], EmailContext | None]
Handler = Callable[[Any, Effect], dict[str, Any] | None]
composers: dict[str, tuple[Composer, bool]] = {}  # by kind of effect; True: to staff


def mail(
    kind: str,
    *,
    to_staff: bool = False,
    related: Sequence[str] = (),
    prefetch: Sequence[str] = (),
    revision: int = 1,
    purgeable: bool = False,
) -> Callable[[Composer], Handler]:
    """Make a function that composes a mail the effect `mail.<kind>`; None from it: nothing to say any more.

    revision: of its payload's shape. Operators can have such a mail shown again, so one with a secret calls `send`
    itself.
    """

    def register(composer: Composer) -> Handler:
        composers[f"mail.{kind}"] = composer, to_staff

        @effect_handler(
            f"mail.{kind}",
            related=tuple(related),
            prefetch=tuple(prefetch),
            revision=revision,
            purgeable=purgeable,
            **BY_MAIL,
        )
        @wraps(composer)
        def send_mail(subject: Any, effect: Effect) -> dict[str, Any] | None:
            told, language = build_context(subject, effect)
            if told is None:
                return None
            if to_staff:
                return send(effect, told.to, build_email(kind, told.values, language=language, brand=current_brand()))
            return _send_to_customer(effect, kind, _account_of(subject), told, language)

        return send_mail

    return register


def build_context(subject: Any, effect: Effect) -> tuple[EmailContext | None, str]:
    """What that effect would send now, and its language. KeyError for a mail that is not to be shown."""
    composer, to_staff = composers[effect.kind]
    language = "en" if to_staff else language_of(subject)
    with translation.override(language):
        return composer(subject, effect), language


def _send_to_customer(
    effect: Effect, kind: str, account: Account, told: EmailContext, language: str
) -> dict[str, Any] | None:
    """If the billing address refuses for good, to the owners. Raises NotYet while the address is not proved."""
    try:
        readers = readers_of(account, effect, answers=told.answers, to_log_in=told.to_log_in)
    except Unproved as reason:
        return postpone_or_drop(effect, kind, reason)
    if not readers.to and account.status == Account.Status.CLOSED:
        return None  # the last person of a closed account may have been erased
    with translation.override(language):
        values = context.without_customer_text(told.values) if readers.is_bare else told.values
    attached: Sequence[Attachment] = []
    if told.document and not readers.is_bare and (told.attaches_always or account.attaches_documents):
        attached = attachments_of(account, told.document)
    # Not in a bare mail: the page shows what the sender typed. Not to owners: they sign in.
    if told.to_pay is not None and not readers.is_bare and list(readers.to) == [account.billing_email]:
        values = {**values, "hosted_link": address_in_mail(told.to_pay, account.billing_email)}
    try:
        return send(effect, readers.to, build_email(kind, values, language=language, brand=current_brand()), attached)
    except Refused as refusal:
        if list(readers.to) != [account.billing_email] or not refusal.is_of_the_address:
            raise
        _remember_refusal(account, refusal)
        try:
            return _send_to_customer(effect, kind, account, told, language)
        except NoRecipient:
            raise refusal from None


def _remember_refusal(account: Account, refusal: Refused) -> None:
    """Nothing more is sent to it until it is changed or proved."""
    account.refused_email = canonical_email(account.billing_email)
    with atomic():
        Account.objects.filter(pk=account.pk, billing_email=account.billing_email).update(
            refused_email=account.refused_email
        )
        digest = salted_hmac("workflows.mail.refused", account.refused_email, algorithm="sha256").hexdigest()[:32]
        payload = {"email": account.billing_email, "answer": str(refusal)[:500]}
        tell_operators = kinds["mail.address_refused"].run  # importing it would be circular
        schedule(tell_operators, key=f"address_refused:{digest}", about=account, payload=payload)


def language_of(subject: Any) -> str:
    return _account_of(subject).language


def _account_of(subject: Any) -> Account:
    account: Account = subject if isinstance(subject, Account) else subject.account
    return account


def send(effect: Effect, to: Sequence[str], email: Email, attached: Sequence[Attachment] = ()) -> dict[str, Any]:
    """The Message-ID is the effect's, so that a mail sent twice is recognised. Returns the effect's outcome.

    Raises PermanentFailure, RemoteUnavailable if no mail can be sent now.
    """
    if not to:
        raise NoRecipient("there is nobody to send it to")
    to = [address for address in to if not canonical_email(address).endswith(SERVICE_DOMAIN)]
    if not to:
        return {"kind": email.kind, "recipients": [], "dropped": "a service reads no mail"}
    message_id = f"<{effect.pk}@{_domain()}>"
    message = EmailMultiAlternatives(
        subject=email.subject,
        body=email.text,
        from_email=email.brand.sender,
        to=list(to),
        headers={
            "Message-ID": message_id,
            "X-Countersign-Kind": email.kind,
            "Content-Language": email.language,
            "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday notices, please
            **({"Reply-To": email.brand.reply_to} if email.brand.reply_to else {}),
        },
    )
    message.attach_alternative(email.html, "text/html")
    for each in attached:
        message.attach(each.name, each.content, each.mime_type)
    deliver(message)
    outcome = {"kind": email.kind, "recipients": list(to), "message_id": message_id}
    return {**outcome, "attached": [each.name for each in attached]} if attached else outcome


def _domain() -> str:
    return parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2] or "localhost"
