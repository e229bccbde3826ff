"""Every error that a caller can act on. Rooms below raise them; the doors translate, once (RFC 9457)."""

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


class MalformedRequest(Problem):
    """The request cannot be read."""

    slug, status = "malformed-request", 400


class AuthenticationRequired(Problem):
    """You need to sign in for this."""

    slug, status = "authentication-required", 401


class InvalidCredentials(Problem):
    """The e-mail address or the password is wrong."""

    slug, status = "invalid-credentials", 401


class InsufficientCredits(Problem):
    """There are not enough credits."""

    slug, status = "insufficient-credits", 402


class PermissionDenied(Problem):
    """You are not allowed to do this."""

    slug, status = "permission-denied", 403


class NotFound(Problem):
    """There is nothing here for you."""

    slug, status = "not-found", 404


class MethodNotAllowed(Problem):
    """This address does not take that method."""

    slug, status = "method-not-allowed", 405


class NotAcceptable(Problem):
    """There is nothing here in a form that you accept."""

    slug, status = "not-acceptable", 406


class WrongState(Problem):
    """The object is not in a state that allows this."""

    slug, status = "wrong-state", 409

    def __init__(self, detail: str, *, object_status: str, available: list[str], unmet: list[str]) -> None:
        super().__init__(detail, object_status=object_status, available=available, unmet=unmet)


class DuplicateClaim(Problem):
    """This payment has been claimed already."""

    slug, status = "duplicate-claim", 409


class Conflict(Problem):
    """This collides with something that exists already."""

    slug, status = "conflict", 409


class IdempotencyKeyInUse(Problem):
    """A request with this Idempotency-Key is still under way."""

    slug, status = "idempotency-key-in-use", 409


class IdempotencyKeyReused(Problem):
    """This Idempotency-Key belongs to another request."""

    slug, status = "idempotency-key-reused", 422


class PayloadTooLarge(Problem):
    """The request is too large."""

    slug, status = "payload-too-large", 413


class UnsupportedMediaType(Problem):
    """Only application/json is read here."""

    slug, status = "unsupported-media-type", 415


class TooManyRequests(Problem):
    """Too many requests, please wait."""

    slug, status = "too-many-requests", 429


class InternalError(Problem):
    """Something went wrong on our side."""

    slug, status = "internal-error", 500


class Unavailable(Problem):
    """We cannot do this right now, please try again."""

    slug, status = "unavailable", 503
