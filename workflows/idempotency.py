"""One response per key, stored in the transaction of the work: a crash leaves neither."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from core.models import IdempotentResponse
from core.problems import IdempotencyKeyInUse


def first_answer(scope: str, key: str, *spellings: str, wait: bool) -> IdempotentResponse | None:
    """Lock the key until the transaction ends; returns the response stored under any of its spellings.

    wait: for another transaction that holds the key; else raises IdempotencyKeyInUse.
    """
    assert connection.in_atomic_block, "the lock ends with the transaction"
    lock = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(hashtextextended(%s, 0))", [f"{scope} {key}"])
        (is_ours,) = cursor.fetchone()
    if is_ours is False:
        raise IdempotencyKeyInUse(_("A request with this key is under way."), retry_after=1)
    return IdempotentResponse.objects.filter(scope=scope, key__in={key, *spellings}).first()


def keep_answer(
    scope: str, key: str, *, status: int, body: bytes, content_type: str = "", fingerprint: str = ""
) -> None:
    IdempotentResponse.objects.create(
        scope=scope, key=key, fingerprint=fingerprint, status=status, content_type=content_type, body=body
    )
