"""The logger `countersign.security`, a table of acts, and a counter of refusals. No address is readable in them."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.db.transaction import on_commit
from django.utils.crypto import salted_hmac

from core.db.autocommit import autocommit_cursor
from core.http.client_ip import client_ip, network_of
from core.http.middleware import current_request
from core.models.security import SecurityEvent
from core.models.user import User
from core.validation.email import canonical_email
from engine.context import request_id

log = logging.getLogger("countersign.security")

_COUNT = """
    INSERT INTO core_refusalcount AS count (event, total) VALUES (%s, 1)
    ON CONFLICT (event) DO UPDATE SET total = count.total + 1"""


def log_event(name: str, *, actor: User | None = None, account: str = "", **facts: Any) -> None:
    log.info(name, extra={"facts": _facts(name, actor.pk if actor else None, account, facts)})


def record_refusal(name: str, *, actor: User | None = None, account: str = "", **facts: Any) -> None:
    """Counted even if the request's transaction is rolled back. account: the address that was tried."""
    log.warning(name, extra={"facts": _facts(name, actor.pk if actor else None, account, facts)})
    with autocommit_cursor() as cursor:
        cursor.execute(_COUNT, [name])


def record_event(name: str, *, actor: User | None = None, person: User | None = None, **facts: Any) -> None:
    """Kept for ever in the caller's transaction; logged on commit. facts: JSON without names of people."""
    keys = {"actor": actor.pk if actor else None, "person": person.pk if person else None}
    SecurityEvent.objects.create(name=name, facts=facts, request_id=request_id.get(), **keys)
    said = _facts(name, keys["actor"], "", {**({"person": str(person.pk)} if person else {}), **facts})
    on_commit(lambda: log.info(name, extra={"facts": said}))


def account_digest(email: str) -> str:
    words = canonical_email(email).encode(errors="backslashreplace")
    return salted_hmac("core.security.account", words, algorithm="sha256").hexdigest()[:32]


def _facts(name: str, actor: UUID | None, account: str, facts: dict[str, Any]) -> dict[str, Any]:
    request = current_request.get()
    return {
        "event": name,
        **({"actor": str(actor)} if actor else {}),
        **({"account": account_digest(account)} if account else {}),
        **({"network": network_of(client_ip(request))} if request is not None else {}),
        **facts,
    }
