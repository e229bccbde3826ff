"""Who performs a transition: a row of AUTH_USER_MODEL, of which the engine asks no more than this."""

from __future__ import annotations

from typing import Any, Protocol


class User(Protocol):
    """Who may be named as `by`."""

    @property
    def pk(self) -> Any: ...

    def has_perm(self, perm: str) -> bool: ...
