from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """A browser session, stored under a digest of its key; `user` is null before the log-in."""

    # Repeats what `session_data` holds, so that a user's sessions can be found.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions")
    browser = models.CharField(max_length=100)
    began_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.browser or 'A browser'} of {self.user or 'nobody'}"

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_module(settings.SESSION_ENGINE).SessionStore
