from __future__ import annotations

import smtplib
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

GO_AHEAD = 354  # RFC 5321 4.2.3: from here on the server may take it


class _Noted(smtplib.SMTP):
    """awaits_answer: the content was sent, and not yet accepted or refused."""

    awaits_answer = False

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        self.awaits_answer = code == GO_AHEAD
        return code, text


class _NotedTLS(_Noted, smtplib.SMTP_SSL):
    """Over TLS from the first byte."""


class Backend(EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _NotedTLS if self.use_ssl else _Noted

    @property
    def awaits_answer(self) -> bool:
        connection: Any = self.connection
        return bool(getattr(connection, "awaits_answer", False))
