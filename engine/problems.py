"""What the engine refuses, in the form of RFC 9457: who asked can do something about it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Something the caller can do something about."""

    slug: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    @classmethod
    def words(cls) -> str:
        """The first line of what stands here: the title, in English. `make messages` collects them from here."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @property
    def title(self) -> str:
        """In the reader's language."""
        return gettext(self.words())


class ValidationError(Problem):
    """Some fields cannot be accepted."""

    slug, status = "validation-error", 400

    def __init__(self, errors: dict[str, Any], detail: str = "Please correct the fields named in errors.") -> None:
        super().__init__(detail, errors=errors)


class PermissionDenied(Problem):
    """You are not allowed to do this."""

    slug, status = "permission-denied", 403


class WrongState(Problem):
    """The object is not in a state that allows this."""

    slug, status = "wrong-state", 409

    def __init__(self, detail: str, *, object_status: str, available: list[str], unmet: list[str]) -> None:
        super().__init__(detail, object_status=object_status, available=available, unmet=unmet)


class IdempotencyKeyReused(Problem):
    """This Idempotency-Key belongs to another request."""

    slug, status = "idempotency-key-reused", 422


class Unavailable(Problem):
    """We cannot do this right now, please try again."""

    slug, status = "unavailable", 503
