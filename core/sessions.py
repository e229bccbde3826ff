"""Sessions of the pages as Django keeps them in rows, each under a digest of its key.

The key in the cookie opens an account; whoever reads the table, or a copy of it, holds none. A digest without salt is
enough for keys of 32 random characters, and 40 digits of it fit the column.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as InRows
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone

DIGITS = 40  # of Session.session_key


class SessionStore(InRows):
    """Django's own, but for the three places where a key meets a row. Nothing here is asynchronous."""

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest(key))

    def _get_session_from_db(self) -> Session | None:
        key = digest(self.session_key or "")
        row = Session.objects.filter(session_key=key, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
        return row


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:DIGITS]
