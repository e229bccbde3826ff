"""The key in the cookie opens an account, so the table holds a digest of it: unsalted, for 32 random characters."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as InRows
from django.utils import timezone

from core.models.session import Session

DIGITS = 40  # of Session.session_key
BROWSER, BEGAN_AT = "_browser", "_began_at"
SEEN_AT, CONFIRMED_AT, DECIDED_AT = "_seen_at", "_confirmed_at", "_decided_at"

# Staff decide about other people's money; customers have Django's two weeks.
STAFF_SESSION = timedelta(hours=12)
STAFF_IDLE = timedelta(minutes=30)
SEEN_EVERY = timedelta(minutes=1)  # not with each page
CONFIRMED_FOR = timedelta(minutes=15)
CONFIRMED_AT_MOST = timedelta(hours=4)


class SessionStore(InRows):
    """Has no asynchronous methods."""

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


def record_session_start(session: SessionBase, browser: str) -> None:
    session[BROWSER] = browser
    for name in (BEGAN_AT, SEEN_AT, CONFIRMED_AT):
        _stamp(session, name)
    session.pop(DECIDED_AT, None)


def is_staff_session_over(session: SessionBase) -> bool:
    return _age(session, BEGAN_AT) > STAFF_SESSION or _age(session, SEEN_AT) > STAFF_IDLE


def record_activity(session: SessionBase) -> None:
    if _age(session, SEEN_AT) > SEEN_EVERY:
        _stamp(session, SEEN_AT)


def record_confirmation(session: SessionBase) -> None:
    """Gives the session another key, as a log-in does."""
    session.cycle_key()
    _stamp(session, CONFIRMED_AT)


def is_confirmed(session: SessionBase) -> bool:
    """For rights, and for where money is sent."""
    return _age(session, CONFIRMED_AT) <= CONFIRMED_FOR


def is_confirmed_for_money(session: SessionBase) -> bool:
    """For decisions about money: each of them prolongs it."""
    age = _age(session, CONFIRMED_AT)
    return age <= CONFIRMED_AT_MOST and min(age, _age(session, DECIDED_AT)) <= CONFIRMED_FOR


def record_decision(session: SessionBase) -> None:
    """Written once a minute."""
    if _age(session, DECIDED_AT) > SEEN_EVERY:
        _stamp(session, DECIDED_AT)


def _stamp(session: SessionBase, name: str) -> None:
    session[name] = timezone.now().isoformat()


def _age(session: SessionBase, name: str) -> timedelta:
    return timezone.now() - datetime.fromisoformat(session[name]) if name in session else timedelta.max


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:DIGITS]
