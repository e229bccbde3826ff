from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

# The mails contain links that set a password. An existing folder keeps its mode.
FOLDER_MODE, FILE_MODE = 0o700, 0o600


class EmlBackend(BaseEmailBackend):
    """Named by its Message-ID: sent again, a mail replaces itself."""

    def __init__(self, fail_silently: bool = False, **_: Any) -> None:
        super().__init__(fail_silently)
        self.folder = Path(getattr(settings, "EMAIL_FILE_PATH", "var/mail"))

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        if not self.folder.exists():
            self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for message in email_messages:
            wire = message.message()
            name = wire["Message-ID"].strip("<>").partition("@")[0]
            draft = self.folder / f".{name}.{os.getpid()}"
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb") as file:
                file.write(wire.as_bytes())
            draft.replace(self.folder / f"{name}.eml")  # so that a watcher of the folder sees complete mails only
        return len(email_messages)
