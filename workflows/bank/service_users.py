from __future__ import annotations

from core.models import User
from core.models.user import MATCHING_USER, STATEMENT_USER
from workflows.service_users import service_user


def statement_user() -> User:
    """Submits payments that nobody claimed, so that a person who approves them is another."""
    return service_user(STATEMENT_USER)


def matching_user() -> User:
    """Decides where a bank account is automatic, once it was given the rights to match, record and approve."""
    return service_user(MATCHING_USER)
