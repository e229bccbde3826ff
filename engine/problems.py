from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext, gettext_noop


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Something the caller can do something about."""

    slug: ClassVar[str]
    status: ClassVar[int]
    TITLE: ClassVar[str]  # in English, marked for `make messages`

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members

    @property
    def title(self) -> str:
        return gettext(self.TITLE)


class ValidationError(Problem):
    slug, status = "validation-error", 400
    TITLE = gettext_noop("Some fields cannot be accepted.")

    def __init__(self, errors: dict[str, Any], detail: str = "Please correct the fields named in errors.") -> None:
        super().__init__(detail, errors=errors)


class PermissionDenied(Problem):
    slug, status = "permission-denied", 403
    TITLE = gettext_noop("You are not allowed to do this.")


class WrongState(Problem):
    slug, status = "wrong-state", 409
    TITLE = gettext_noop("The object is not in a state that allows this.")

    def __init__(self, detail: str, *, object_status: str, available: list[str], unmet: list[str]) -> None:
        super().__init__(detail, object_status=object_status, available=available, unmet=unmet)


class IdempotencyKeyReused(Problem):
    slug, status = "idempotency-key-reused", 422
    TITLE = gettext_noop("This Idempotency-Key belongs to another request.")


class Unavailable(Problem):
    slug, status = "unavailable", 503
    TITLE = gettext_noop("We cannot do this right now, please try again.")
