from __future__ import annotations

from typing import Any, Protocol


class User(Protocol):
    """What the engine needs of a row of AUTH_USER_MODEL: the type of `by`."""

    @property
    def pk(self) -> Any: ...

    def has_perm(self, perm: str) -> bool: ...
