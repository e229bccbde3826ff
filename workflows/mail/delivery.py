from __future__ import annotations

import re
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from engine.errors import PermanentFailure, RemoteUnavailable, Unanswered

QUIT_TIMEOUT = 1  # second
GONE_AWAY = 421  # RFC 5321 4.2.3: the server closes the connection
POLICY = re.compile(rb"5\.7\.")  # RFC 3463 3.8: security or policy


class Refused(PermanentFailure):
    """is_of_the_address: not because of the sender or the content."""

    def __init__(self, words: str, *, is_of_the_address: bool) -> None:
        super().__init__(words)
        self.is_of_the_address = is_of_the_address


_run = threading.local()  # is_on: inside one_connection(); server: the kept connection


@contextmanager
def one_connection() -> Iterator[None]:
    """The mails of a run share one connection, while the server accepts it."""
    _run.is_on, _run.server = True, None
    try:
        yield
    finally:
        kept, _run.is_on, _run.server = _run.server, False, None
        if kept is not None:
            _close(kept)


def deliver(message: EmailMultiAlternatives) -> None:
    """Raises RemoteUnavailable, PermanentFailure, and Unanswered if it is not known whether the mail was taken."""
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
        raise RemoteUnavailable(f"the mail server takes nothing from {settings.MAIL_FROM}: {error}") from error
    except smtplib.SMTPRecipientsRefused as error:  # all of them: with one accepted the mail would be on its way
        answers = error.recipients.values()
        if all(_is_for_good(code) for code, _ in answers):
            of_the_address = not any(POLICY.match(text) for _, text in answers)
            raise Refused(f"refused for good: {error}", is_of_the_address=of_the_address) from error
        raise
    except smtplib.SMTPDataError as error:
        if _is_for_good(error.smtp_code):
            raise PermanentFailure(f"refused for good: {error}") from error
        raise
    except Exception as error:  # also what interrupts us
        if getattr(server, "awaits_answer", False):
            raise Unanswered(f"the mail server did not say whether it took it: {error}") from error
        raise
    finally:
        if is_taken and getattr(_run, "is_on", False):
            _run.server = server
        elif server is not None:
            _close(server)


def _goes_over(server: Any, message: EmailMultiAlternatives) -> bool:
    """False if the server ended the kept connection before this mail's content went."""
    message.connection = server
    try:
        message.send()
    except smtplib.SMTPException as error:
        if not _has_ended(error) or getattr(server, "awaits_answer", False):
            raise
        _close(server)
        return False
    return True


def _has_ended(error: smtplib.SMTPException) -> bool:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return not isinstance(error.__context__, TimeoutError)  # a server that hangs is not asked twice
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code == GONE_AWAY for code, _ in error.recipients.values())
    # Servers end connections after so many mails or so long (RFC 5321 3.8).
    return isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == GONE_AWAY


def _open(server: Any) -> None:
    try:
        server.open()
    except OSError as error:  # smtplib's own are among them: no greeting, no TLS, a wrong password
        raise RemoteUnavailable(f"the mail server does not take us: {error}") from error


def _close(server: Any) -> None:
    # Errors and delays at QUIT do not matter: what was accepted is not sent again.
    for name in ("connection", "_partial_connection"):
        socket = getattr(getattr(server, name, None), "sock", None)
        if socket is not None:
            socket.settimeout(QUIT_TIMEOUT)
    with suppress(OSError):
        server.close()


def _is_for_good(code: int) -> bool:
    # RFC 5321 4.2.1: 5yz is permanent, 4yz invites another attempt.
    return 500 <= code < 600
