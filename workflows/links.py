"""Addresses that mails point at: one function for each page."""

from __future__ import annotations

from django.conf import settings


def password_reset(token: str) -> str:
    return f"{settings.PUBLIC_URL}/password/reset/{token}/"


def verify_email(token: str) -> str:
    return f"{settings.PUBLIC_URL}/verify/{token}/"


def log_in() -> str:
    return f"{settings.PUBLIC_URL}/login/"
