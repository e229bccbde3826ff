"""Write the mail that an effect owes, and hand it to a mail server."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import translation

from core.models import Account, Effect
from workflows import form_letters, links
from workflows.engine import effect
from workflows.engine.errors import Permanent, Unreachable
from workflows.plaintext import plain
from workflows.wire import KeyedMail
from workflows.words import Bare, Exact

GOODBYE = 1  # second
SUBJECT = 78  # characters
PREHEADER = re.compile(r'<div class="preheader"[^>]*>(.*?)</div>', re.DOTALL)


@dataclass(frozen=True)
class Letter:
    """A mail that is not written out yet: to whom, and what its template is told."""

    to: Sequence[str]
    words: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mail:
    subject: str
    preheader: str  # what a list of mails shows beside the subject
    text: str
    html: str


Composer = Callable[[Any, Effect], Letter | None]
Handler = Callable[[Any, Effect], dict[str, Any] | None]
composers: dict[str, tuple[Composer, bool]] = {}  # per kind of effect: the function, and whether staff are written to


def mail(
    kind: str, *, to_staff: bool = False, related: Sequence[str] = (), prefetch: Sequence[str] = ()
) -> Callable[[Composer], Handler]:
    """Make a function that composes a mail the effect `mail.<kind>`: to a customer in their language, else English.

    related, prefetch: what the mail tells about, read for many mails at once.

    None from the function: there is nothing to say any more. A mail made this way can be shown again to operators,
    so one that holds a secret is none of these: it calls `send` itself.
    """

    def register(composer: Composer) -> Handler:
        composers[f"mail.{kind}"] = composer, to_staff

        @effect(f"mail.{kind}", outward=True, related=tuple(related), prefetch=tuple(prefetch))
        @wraps(composer)
        def pay(subject: Any, debt: Effect) -> dict[str, Any] | None:
            letter, language = compose(subject, debt)
            if letter is None or (not (letter.to or to_staff) and _is_closed(subject)):
                return None  # the last person of a closed account may have been erased
            return send(debt, kind, letter.to, language=language, **letter.words)

        return pay

    return register


def compose(subject: Any, debt: Effect) -> tuple[Letter | None, str]:
    """What that effect would send now, and in which language. KeyError for a mail that is not to be shown."""
    composer, to_staff = composers[debt.kind]
    language = "en" if to_staff else language_of(subject)
    with translation.override(language):
        return composer(subject, debt), language


def language_of(subject: Any) -> str:
    """Of an account, or of whatever has one."""
    return _account_of(subject).language


def _account_of(subject: Any) -> Account:
    account: Account = subject if isinstance(subject, Account) else subject.account
    return account


def _is_closed(subject: Any) -> bool:
    return str(_account_of(subject).status) == Account.Status.CLOSED


def write(kind: str, words: dict[str, Any], *, language: str = "en") -> Mail:
    """Of templates/emails/<kind>-{subject.txt,body.html}; the text is that of the HTML."""
    context = {"public_url": settings.PUBLIC_URL, "home": links.home(), "sender": _sender(), "support": _support(), **words}
    with translation.override(language):
        html, text, preheader, subject = form_letters.write(_render, kind, context, language)
        if len(subject) > SUBJECT:  # whatever a customer called their account
            html, text, preheader, subject = _render(kind, context, subject[: SUBJECT - 1] + "…")
    return Mail(subject, preheader, text, html)


def _render(kind: str, context: dict[str, Any], subject: str = "") -> tuple[str, str, str, str]:
    """HTML, text, preheader and subject."""
    subject = subject or _line(render_to_string(f"emails/{kind}-subject.txt", context))
    html = render_to_string(f"emails/{kind}-body.html", {**context, "subject": Bare(subject)})
    preheader = PREHEADER.search(html)
    return html, plain(html) + "\n", _line(plain(preheader[1])) if preheader else "", subject


def send(debt: Effect, kind: str, to: Sequence[str], /, *, language: str = "en", **words: Any) -> dict[str, Any]:
    """Write and send; return what was sent, for the effect's outcome.

    The Message-ID is the effect's, so that a mail sent twice is known as one. Raises Permanent when it can never be
    delivered, Unreachable when no mail can be just now.
    """
    if not to:
        raise Permanent("there is nobody to send it to")
    written = write(kind, words, language=language)
    message_id = f"<{debt.pk}@{_domain()}>"
    server = get_connection()
    message = KeyedMail(
        key=debt.pk.hex,
        subject=written.subject,
        body=written.text,
        from_email=settings.MAIL_FROM,
        to=list(to),
        headers={
            "Message-ID": message_id,
            "X-Countersign-Kind": kind,
            "Content-Language": language,
            "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday notices, please
            **({"Reply-To": settings.MAIL_REPLY_TO} if settings.MAIL_REPLY_TO else {}),
        },
        connection=server,
    )
    message.attach_alternative(written.html, "text/html")
    _deliver(message, server)
    return {"kind": kind, "recipients": list(to), "message_id": message_id}


def _deliver(message: EmailMultiAlternatives, server: Any) -> None:
    """Hand a mail over, and say what a refusal means: for all mails, for this one for good, or for now.

    What is none of these, such as a connection that breaks in the middle, is tried again: the Message-ID tells.
    """
    try:
        _open(server)
        message.send()
    except (smtplib.SMTPSenderRefused, smtplib.SMTPHeloError) as error:
        raise Unreachable(f"the mail server takes nothing from {settings.MAIL_FROM}: {error}") from error
    except smtplib.SMTPRecipientsRefused as error:  # all of them: with one accepted the mail would be on its way
        if all(_is_for_good(code) for code, _ in error.recipients.values()):
            raise Permanent(f"refused for good: {error}") from error
        raise
    except smtplib.SMTPDataError as error:
        if _is_for_good(error.smtp_code):
            raise Permanent(f"refused for good: {error}") from error
        raise
    finally:
        _hang_up(server)


def _open(server: Any) -> None:
    try:
        server.open()
    except OSError as error:  # smtplib's own are among them: no greeting, no TLS, a wrong password
        raise Unreachable(f"the mail server does not take us: {error}") from error


def _hang_up(server: Any) -> None:
    """Whatever a server makes of our goodbye, and however slowly: what it has accepted is not sent again."""
    for name in ("connection", "_partial_connection"):
        socket = getattr(getattr(server, name, None), "sock", None)
        if socket is not None:
            socket.settimeout(GOODBYE)
    with suppress(OSError):
        server.close()


def _is_for_good(code: int) -> bool:
    """RFC 5321 4.2.1: 5yz is a permanent refusal, 4yz invites another attempt, such as greylisting."""
    return 500 <= code < 600


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _sender() -> str:
    """Who writes: the name in MAIL_FROM."""
    return parseaddr(settings.MAIL_FROM)[0] or "Countersign"


def _support() -> str:
    return Exact(settings.SUPPORT_CONTACT) if settings.SUPPORT_CONTACT else ""


def _domain() -> str:
    return parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2] or "localhost"
