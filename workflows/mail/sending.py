"""Write the mail that an effect owes, and hand it to a mail server."""

from __future__ import annotations

import re
import smtplib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db.transaction import atomic
from django.utils import translation
from django.utils.crypto import salted_hmac

from core.models import Account
from core.models.user import canonical_email
from engine import effect, owe
from engine.errors import Permanent, Unanswered, Unreachable
from engine.models import Effect
from engine.registry import kinds
from workflows.mail import context
from workflows.mail.rendering import build_email
from workflows.mail.verification import Unproved, readers_of, wait

GOODBYE = 1  # second
GONE_AWAY = 421  # RFC 5321 4.2.3: the server closes the connection
POLICY = re.compile(rb"5\.7\.")  # RFC 3463 3.8: security or policy, such as a server that does not relay for us


class NoRecipient(Permanent):
    """No address is known."""


class Refused(Permanent):
    """All recipients were refused for good. is_of_the_address: not because of who sends, or what."""

    def __init__(self, words: str, *, is_of_the_address: bool) -> None:
        super().__init__(words)
        self.is_of_the_address = is_of_the_address


_run = threading.local()  # is_on: whether mails of a run are sent; server: the connection that it keeps


@contextmanager
def one_connection() -> Iterator[None]:
    """The mails of a run go over one connection, which the first of them opens, as long as the server takes them."""
    _run.is_on, _run.server = True, None
    try:
        yield
    finally:
        kept, _run.is_on, _run.server = _run.server, False, None
        if kept is not None:
            _hang_up(kept)


# A provider counts mails of any kind.
BY_MAIL: Any = {"outward": True, "throttle": "mail", "rate": settings.MAIL_RATE or None, "within": one_connection}


@dataclass(frozen=True)
class Letter:
    """A mail that is not written out yet: what its template is told, and what it is to a customer.

    answers: an act about money, so that it goes to an address that nobody has proved, too. to_log_in: to owners, not
    to where the bills go. to: staff; a customer's readers are found when it is sent.
    """

    words: dict[str, Any] = field(default_factory=dict)
    answers: bool = False
    to_log_in: bool = False
    to: Sequence[str] = ()


Composer = Callable[[Any, Effect], Letter | None]
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

        @effect(
            f"mail.{kind}",
            related=tuple(related),
            prefetch=tuple(prefetch),
            revision=revision,
            **BY_MAIL,
        )
        @wraps(composer)
        def pay(subject: Any, debt: Effect) -> dict[str, Any] | None:
            letter, language = compose(subject, debt)
            if letter is None:
                return None
            if to_staff:
                return send(debt, kind, letter.to, language=language, **letter.words)
            return _send_to_customer(debt, kind, _account_of(subject), letter, language)

        return pay

    return register


def compose(subject: Any, debt: Effect) -> tuple[Letter | None, str]:
    """What that effect would send now, and in which language. KeyError for a mail that is not to be shown."""
    composer, to_staff = composers[debt.kind]
    language = "en" if to_staff else language_of(subject)
    with translation.override(language):
        return composer(subject, debt), language


def _send_to_customer(
    debt: Effect, kind: str, account: Account, letter: Letter, language: str
) -> dict[str, Any] | None:
    """To the readers that the account has now; where its billing address refuses for good, to its owners.

    Raises NotYet while the address is not proved.
    """
    try:
        readers = readers_of(account, debt, answers=letter.answers, to_log_in=letter.to_log_in)
    except Unproved as reason:
        return wait(debt, kind, reason)
    if not readers.to and account.status == Account.Status.CLOSED:
        return None  # the last person of a closed account may have been erased
    with translation.override(language):
        words = context.bare(letter.words) if readers.is_bare else letter.words
    try:
        return send(debt, kind, readers.to, language=language, **words)
    except Refused as refusal:
        if list(readers.to) != [account.billing_email] or not refusal.is_of_the_address:
            raise
        _remember_refusal(account, refusal)
        try:
            return _send_to_customer(debt, kind, account, letter, language)
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
        tell_operators = kinds["mail.address_refused"].run  # a mail of its own: workflows.effects.notices
        owe(tell_operators, key=f"address_refused:{digest}", about=account, payload=payload)


def language_of(subject: Any) -> str:
    """Of an account, or of whatever has one."""
    return _account_of(subject).language


def _account_of(subject: Any) -> Account:
    account: Account = subject if isinstance(subject, Account) else subject.account
    return account


def send(debt: Effect, kind: str, to: Sequence[str], /, *, language: str = "en", **words: Any) -> dict[str, Any]:
    """Write and send; return what was sent, for the effect's outcome.

    The Message-ID is the effect's, so that a mail sent twice is known as one. Raises Permanent when it can never be
    delivered, Unreachable when no mail can be just now.
    """
    if not to:
        raise NoRecipient("there is nobody to send it to")
    written = build_email(kind, words, language=language)
    message_id = f"<{debt.pk}@{_domain()}>"
    message = EmailMultiAlternatives(
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
    )
    message.attach_alternative(written.html, "text/html")
    _deliver(message)
    return {"kind": kind, "recipients": list(to), "message_id": message_id}


def _deliver(message: EmailMultiAlternatives) -> None:
    """Hand a mail over, and say what a refusal means: for all mails, for this one for good, or for now.

    A connection that breaks after the content was sent leaves open whether it was taken: Unanswered. What is none of
    these is tried again. After anything but a mail that was taken the connection is not used again.
    """
    server, is_taken = getattr(_run, "server", None), False
    _run.server = None
    try:
        if server is None or not _goes_over(server, message):
            server = get_connection()
            _open(server)
            message.connection = server
            message.send()
        is_taken = True
    except (smtplib.SMTPSenderRefused, smtplib.SMTPHeloError) as error:
        raise Unreachable(f"the mail server takes nothing from {settings.MAIL_FROM}: {error}") from error
    except smtplib.SMTPRecipientsRefused as error:  # all of them: with one accepted the mail would be on its way
        answers = error.recipients.values()
        if all(_is_for_good(code) for code, _ in answers):
            of_the_address = not any(POLICY.match(text) for _, text in answers)
            raise Refused(f"refused for good: {error}", is_of_the_address=of_the_address) from error
        raise
    except smtplib.SMTPDataError as error:
        if _is_for_good(error.smtp_code):
            raise Permanent(f"refused for good: {error}") from error
        raise
    except Exception as error:  # also what interrupts us
        if getattr(server, "awaits_answer", False):
            raise Unanswered(f"the mail server did not say whether it took it: {error}") from error
        raise
    finally:
        if is_taken and getattr(_run, "is_on", False):
            _run.server = server
        elif server is not None:
            _hang_up(server)


def _goes_over(server: Any, message: EmailMultiAlternatives) -> bool:
    """Over a connection that has carried mails; False where the server had ended it before this one's content went.

    Servers do, after so many mails or so long (RFC 5321 3.8, reply 421), and then nothing is wrong with this one.
    """
    message.connection = server
    try:
        message.send()
    except smtplib.SMTPException as error:
        if not _has_ended(error) or getattr(server, "awaits_answer", False):
            raise
        _hang_up(server)
        return False
    return True


def _has_ended(error: smtplib.SMTPException) -> bool:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return not isinstance(error.__context__, TimeoutError)  # a server that hangs is not asked twice
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code == GONE_AWAY for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == GONE_AWAY


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


def _domain() -> str:
    return parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2] or "localhost"
