"""Every error that a caller can act on. Rooms below raise them; the doors translate, once (RFC 9457)."""

from __future__ import annotations

from engine.problems import IdempotencyKeyReused as IdempotencyKeyReused
from engine.problems import PermissionDenied as PermissionDenied
from engine.problems import Problem as Problem
from engine.problems import Unavailable as Unavailable
from engine.problems import ValidationError as ValidationError
from engine.problems import WrongState as WrongState


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


class NotFound(Problem):
    """There is nothing here for you."""

    slug, status = "not-found", 404


class MethodNotAllowed(Problem):
    """This address does not take that method."""

    slug, status = "method-not-allowed", 405


class NotAcceptable(Problem):
    """There is nothing here in a form that you accept."""

    slug, status = "not-acceptable", 406


class DuplicateClaim(Problem):
    """This payment has been claimed already."""

    slug, status = "duplicate-claim", 409


class Conflict(Problem):
    """This collides with something that exists already."""

    slug, status = "conflict", 409


class IdempotencyKeyInUse(Problem):
    """A request with this Idempotency-Key is still under way."""

    slug, status = "idempotency-key-in-use", 409


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
