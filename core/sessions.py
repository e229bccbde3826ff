"""Sessions of the pages as Django keeps them in rows, each under a digest of its key and with whose it is.

The key in the cookie opens an account; whoever reads the table, or a copy of it, holds none. A digest without salt is
enough for keys of 32 random characters, and 40 digits of it fit the column.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as InRows
from django.utils import timezone

from core.models.session import Session

DIGITS = 40  # of Session.session_key
BROWSER, BEGAN_AT = "_browser", "_began_at"  # of whoever signed in


class SessionStore(InRows):
    """Django's own, but for the three places where a key meets a row. Nothing here is asynchronous."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast("Session", super().create_model_instance(data))
        row.session_key = digest(row.session_key)
        row.user_id = data.get(SESSION_KEY)
        row.browser = data.get(BROWSER, "")
        row.began_at = datetime.fromisoformat(data[BEGAN_AT]) if BEGAN_AT in data else None
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


def remember(session: SessionBase, browser: str) -> None:
    """Of somebody who has just signed in: when, and with what."""
    session[BROWSER] = browser
    session[BEGAN_AT] = timezone.now().isoformat()


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:DIGITS]
