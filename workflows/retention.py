from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from engine import run_once_per
from engine.purge import ROWS_AT_ONCE, purge
from workflows.periods import database_now

MAX_SECONDS = 10.0  # of one cleanup: a task has 20

# Each schedule keeps its last slot for ever: a yearly job is not repeated, and a purge resumes there.
LAST_TICK = "SELECT max(slot) FROM engine_scheduledrun AS later WHERE later.schedule = engine_scheduledrun.schedule"
# name: (table, key, condition).
EXPIRED = {
    "answers": ("core_idempotentresponse", "id", "created_at < now() - interval '7 days'"),
    "ticks": ("engine_scheduledrun", "id", f"slot < now() - interval '30 days' AND slot < ({LAST_TICK})"),
    "tries": ("core_ratelimitbucket", "key", "until < now()"),
    "tokens": ("knox_authtoken", "digest", "expiry < now()"),
    "drafts": ("core_statementdraft", "id", "created_at < now() - interval '1 day'"),
    "sessions": ("core_session", "session_key", "expire_date < now()"),
}

# What a bank wrote about somebody whose money was none of ours. Amount, day and content key stay, by which a later file
# is known to bring the line again. The last transition of an ignored line is that decision.
BLANK_IGNORED_LINES = """
    UPDATE core_statementline SET text = '', payer_name = '', payer_account = '', "references" = '{}', details = '[]'
    WHERE id = ANY(ARRAY(
        SELECT line.id FROM core_statementline AS line JOIN engine_transition AS decision
            ON decision.machine = 'statementline' AND decision.object_id = line.id AND decision.seq = line.version
        WHERE line.status = 'ignored' AND decision.at < now() - make_interval(days => %s)
            AND (line.text <> '' OR line.payer_name <> '' OR line.payer_account <> '')
        LIMIT %s FOR UPDATE OF line SKIP LOCKED))"""


def run_hourly_cleanup() -> bool:
    """At most once an hour; the next run continues. Returns whether this call ran it."""
    with run_once_per("tidy", timedelta(hours=1)) as is_ours:
        pass
    if is_ours:
        delete_expired(seconds=MAX_SECONDS)
    return is_ours


def delete_expired(*, effects_before: datetime | None = None, seconds: float = float("inf")) -> dict[str, int]:
    """Returns the counts by name. effects_before: default: EFFECT_RETENTION_DAYS ago.

    In small commits that skip locked rows.
    """
    ends = time.monotonic() + seconds
    forgotten = {name: _delete_expired(name, ends) for name in EXPIRED}
    if settings.STATEMENT_RETENTION_DAYS:
        forgotten["lines"] = _blank_ignored_lines(settings.STATEMENT_RETENTION_DAYS, ends)
    if effects_before is None and settings.EFFECT_RETENTION_DAYS:
        effects_before = database_now() - timedelta(days=settings.EFFECT_RETENTION_DAYS)
    if effects_before is not None and time.monotonic() < ends:
        forgotten["effects"] = purge(effects_before, seconds=ends - time.monotonic())
    return forgotten


def _delete_expired(name: str, ends: float) -> int:
    table, key, is_over = EXPIRED[name]
    forgotten = 0
    with connection.cursor() as cursor:
        while time.monotonic() < ends:
            cursor.execute(
                f"""DELETE FROM {table} WHERE {key} = ANY(ARRAY(
                    SELECT {key} FROM {table} WHERE {is_over} LIMIT {ROWS_AT_ONCE} FOR UPDATE SKIP LOCKED))"""  # noqa: S608
            )
            forgotten += cursor.rowcount
            if cursor.rowcount < ROWS_AT_ONCE:
                break
    return forgotten


def _blank_ignored_lines(days: int, ends: float) -> int:
    blanked = 0
    with connection.cursor() as cursor:
        while time.monotonic() < ends:
            cursor.execute(BLANK_IGNORED_LINES, [days, ROWS_AT_ONCE])
            blanked += cursor.rowcount
            if cursor.rowcount < ROWS_AT_ONCE:
                break
    return blanked
