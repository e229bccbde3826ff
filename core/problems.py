"""Verbs raise them; API and pages turn them into RFC 9457 problems or messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_noop

from engine.problems import IdempotencyKeyReused as IdempotencyKeyReused
from engine.problems import PermissionDenied as PermissionDenied
from engine.problems import Problem as Problem
from engine.problems import Unavailable as Unavailable
from engine.problems import ValidationError as ValidationError
from engine.problems import WrongState as WrongState


class MalformedRequest(Problem):
    slug, status = "malformed-request", 400
    TITLE = gettext_noop("The request cannot be read.")


class AuthenticationRequired(Problem):
    slug, status = "authentication-required", 401
    TITLE = gettext_noop("You need to sign in for this.")


class InvalidCredentials(Problem):
    slug, status = "invalid-credentials", 401
    TITLE = gettext_noop("The e-mail address or the password is wrong.")


class InsufficientCredits(Problem):
    slug, status = "insufficient-credits", 402
    TITLE = gettext_noop("There are not enough credits.")


class NotFound(Problem):
    slug, status = "not-found", 404
    TITLE = gettext_noop("There is nothing here for you.")


class MethodNotAllowed(Problem):
    slug, status = "method-not-allowed", 405
    TITLE = gettext_noop("This address does not take that method.")


class NotAcceptable(Problem):
    slug, status = "not-acceptable", 406
    TITLE = gettext_noop("There is nothing here in a form that you accept.")


class DuplicateClaim(Problem):
    slug, status = "duplicate-claim", 409
    TITLE = gettext_noop("This payment has been claimed already.")


class Conflict(Problem):
    slug, status = "conflict", 409
    TITLE = gettext_noop("This collides with something that exists already.")


class IdempotencyKeyInUse(Problem):
    slug, status = "idempotency-key-in-use", 409
    TITLE = gettext_noop("A request with this Idempotency-Key is still under way.")


class PayloadTooLarge(Problem):
    slug, status = "payload-too-large", 413
    TITLE = gettext_noop("The request is too large.")


class UnsupportedMediaType(Problem):
    slug, status = "unsupported-media-type", 415
    TITLE = gettext_noop("Only application/json is read here.")


class TooManyRequests(Problem):
    slug, status = "too-many-requests", 429
    TITLE = gettext_noop("Too many requests, please wait.")


class InternalError(Problem):
    slug, status = "internal-error", 500
    TITLE = gettext_noop("Something went wrong on our side.")


def check_all(*checks: Callable[[], object]) -> None:
    """One ValidationError with the first error of each field."""
    errors: dict[str, Any] = {}
    for check in checks:
        try:
            check()
        except ValidationError as problem:
            errors = problem.members["errors"] | errors
    if errors:
        raise ValidationError(errors)
