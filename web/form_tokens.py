"""A rendered form creates at most one row: its token is stored like an Idempotency-Key, with the work."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID, uuid4

from django.db.transaction import atomic

from core.models import User
from workflows.idempotency import first_answer, keep_answer

TOKEN = re.compile(r"[0-9a-f]{32}")


def new_token() -> str:
    return uuid4().hex


def once_per_form_token(user: User, token: str, make: Callable[[], UUID]) -> UUID:
    """Id of the row that this form created. Without a valid token `make` runs every time."""
    if not TOKEN.fullmatch(token):
        return make()
    scope = f"web:{user.pk}"
    with atomic():
        first = first_answer(scope, token, wait=True)
        if first is not None:
            return UUID(bytes=bytes(first.body))
        made = make()
        keep_answer(scope, token, status=201, body=made.bytes)
    return made
