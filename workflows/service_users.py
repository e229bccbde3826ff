"""Users that are no people: no password, no account, and the rights that somebody gave them."""

from __future__ import annotations

from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import User
from core.models.user import HOSTED_PAGE_USER
from workflows.periods import database_now


def hosted_page_user() -> User:
    """Submits what the reader of an invoice's link claims, and decides nothing: it is given no right."""
    return service_user(HOSTED_PAGE_USER)


def service_user(email: str) -> User:
    user = User.objects.filter(email_canonical=email).first()
    if user is not None:
        return user
    try:
        with atomic():  # proved, so that no sign-up takes the address over
            return User.objects.create_user(email=email, email_verified_at=database_now())
    except IntegrityError:  # somebody else made it at the same moment
        return User.objects.get(email_canonical=email)
