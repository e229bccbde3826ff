"""Mails are built to their last byte and thrown away, the same for every peer."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class NullBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        with open(os.devnull, "wb") as nowhere:
            for message in email_messages:
                nowhere.write(message.message().as_bytes())
        return len(email_messages)
