from __future__ import annotations

from datetime import UTC, datetime

from django.core.management.base import CommandError

from core.models import User


def person(address: str) -> User:
    """Raises CommandError."""
    try:
        return User.objects.get_by_natural_key(address)
    except User.DoesNotExist as error:
        raise CommandError(f"Nobody has the address {address}.") from error


def moment(text: str) -> datetime:
    """In UTC, if no time zone is given. Raises CommandError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no moment such as 2026-05-03T10:00Z.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
