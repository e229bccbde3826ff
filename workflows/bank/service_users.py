"""Users that are no people: no password, no account, and the rights that somebody gave them."""

from __future__ import annotations

from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import User
from core.models.user import MATCHING_USER, STATEMENT_USER
from workflows.periods import database_now


def statement_user() -> User:
    """Submits payments that nobody claimed, so that a person who approves them is another."""
    return _user(STATEMENT_USER)


def matching_user() -> User:
    """Decides where a bank account is automatic, once it was given the rights to match, record and approve."""
    return _user(MATCHING_USER)


def _user(email: str) -> User:
    user = User.objects.filter(email_canonical=email).first()
    if user is not None:
        return user
    try:
        with atomic():  # proved, so that no sign-up takes the address over
            return User.objects.create_user(email=email, email_verified_at=database_now())
    except IntegrityError:  # somebody else made it at the same moment
        return User.objects.get(email_canonical=email)
