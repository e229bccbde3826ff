"""Each day of the history is closed by a head, a digest of all that happened until then, which is exported.

Who changes a transition later can make digests that fit, but not a head that was exported before.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.transaction import atomic

from core.db.thaw import thaw
from core.models import HistoryHead
from engine import run_once_per

security = logging.getLogger("countersign.security")

TRANSITIONS_AT_ONCE = 5_000  # transitions in one commit
SLICE_SECONDS = 10.0  # seconds; a task has 20
EXPORTED_AGAIN = 30  # days whose heads are written again where their files are missing

# `at` is when a transaction began: a day is closed when all that began in it have ended.
CLOSABLE = """
    SELECT least(now() - interval '1 hour', (SELECT min(xact_start) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()))
        >= (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'"""

# The salt is erased with the texts; the digest stays.
_SAYS = "sha256(convert_to(coalesce({salt}::text, '') || '|' || fact.inputs::text || '|' || fact.reason, 'UTF8'))"
_TEXTS = f"encode({_SAYS}, 'hex')"
_WHOLE = """encode(sha256(convert_to(jsonb_build_array(fact.id, fact.account_id, fact.machine, fact.object_id, fact.seq,
    fact.name, fact.source, fact.target, fact.actor_id, fact.cause_id,
    to_char(fact.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), {texts})::text, 'UTF8')), 'hex')"""
_OF_DAY = (
    "fact.at >= %(day)s::timestamp AT TIME ZONE 'UTC' AND fact.at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'"
)

_DIGEST = f"""
    WITH salted AS (
        SELECT fact.id, gen_random_uuid() AS salt FROM engine_transition AS fact
        WHERE {_OF_DAY} AND NOT EXISTS (SELECT FROM core_transitiondigest WHERE transition_id = fact.id)
        LIMIT {TRANSITIONS_AT_ONCE}
    ), said AS (
        SELECT fact.id, salted.salt, {_TEXTS.format(salt="salted.salt")} AS texts
        FROM salted JOIN engine_transition AS fact ON fact.id = salted.id
    )
    INSERT INTO core_transitiondigest (transition_id, day, salt, texts, whole)
    SELECT fact.id, %(day)s, said.salt, said.texts, {_WHOLE.format(texts="said.texts")}
    FROM said JOIN engine_transition AS fact ON fact.id = said.id
    ON CONFLICT DO NOTHING"""  # noqa: S608 - of our own words
# From the stored digests; `_ROWS` finds those that do not fit the rows.
_HEAD = """
    SELECT count(*), encode(sha256(convert_to(%(previous)s || '|' || %(day)s || '|' || count(*) || '|', 'UTF8')
        || coalesce(string_agg(decode(whole, 'hex'), ''::bytea ORDER BY transition_id), ''::bytea)), 'hex')
    FROM core_transitiondigest WHERE day = %(day)s"""
_LEFT = f"""
    SELECT EXISTS (SELECT FROM engine_transition AS fact
        WHERE {_OF_DAY} AND NOT EXISTS (SELECT FROM core_transitiondigest WHERE transition_id = fact.id))"""  # noqa: S608 - as above
_ROWS = f"""
    SELECT coalesce(fact.id, kept.transition_id), fact.id IS NULL, kept.transition_id IS NULL,
        kept.salt IS NULL AND kept.transition_id IS NOT NULL,
        kept.salt IS NULL AND (fact.inputs <> '{{}}' OR fact.reason <> ''),
        kept.salt IS NOT NULL AND kept.texts <> {_TEXTS.format(salt="kept.salt")},
        kept.whole <> {_WHOLE.format(texts="kept.texts")} OR kept.day <> (fact.at AT TIME ZONE 'UTC')::date
    FROM (SELECT * FROM engine_transition AS fact WHERE {_OF_DAY}) AS fact
    FULL JOIN (SELECT * FROM core_transitiondigest WHERE day = %(day)s) AS kept ON kept.transition_id = fact.id
    ORDER BY 1"""  # noqa: S608 - of our own words
_BEFORE = "SELECT id FROM engine_transition WHERE at < %s::timestamp AT TIME ZONE 'UTC' ORDER BY id"


@dataclass
class Check:
    days: int
    transitions: int
    erased: int
    findings: list[str]


def close_days(*, seconds: float = SLICE_SECONDS) -> int:
    """The oldest first, once an hour at most; returns how many. The next call continues."""
    with run_once_per("history", timedelta(hours=1)) as is_ours:
        pass
    closed = _close(time.monotonic() + seconds) if is_ours else 0
    if is_ours:
        export_missing()
    return closed


def export_missing() -> None:
    # What was written once is never touched.
    for head in HistoryHead.objects.order_by("-day")[:EXPORTED_AGAIN]:
        if not _write(head):
            break


def verify(exported: Sequence[tuple[date | None, str]] = ()) -> Check:
    """exported: (day, head); day None: of any day."""
    found = Check(0, 0, 0, [])
    previous: HistoryHead | None = None
    for head in HistoryHead.objects.order_by("day").iterator():
        found.days += 1
        found.findings += _breaks(head, previous)
        _verify_rows(head.day, found)
        previous = head
    found.findings += _before_the_first()
    found.findings += _not_as_exported(exported)
    return found


def erase_texts(keys: Sequence[UUID], *, reason: str) -> int:
    """The history stays whole. For the owner of the tables alone."""
    with thaw("engine_transition", reason=reason), connection.cursor() as cursor:
        cursor.execute("UPDATE engine_transition SET inputs = '{}', reason = '' WHERE id = ANY(%s)", [list(keys)])
        changed = cursor.rowcount
        cursor.execute("UPDATE core_transitiondigest SET salt = NULL WHERE transition_id = ANY(%s)", [list(keys)])
    return int(changed)


def read_exported(name: str) -> list[tuple[date | None, str]]:
    """name: a file, a folder, or a head as it is written. Raises ValueError, OSError."""
    if len(digits := name.replace("-", "")) == 64 and set(digits) <= set("0123456789abcdef"):
        return [(None, digits)]
    path = Path(name)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    return [_read(file) for file in files]


def in_groups(head: str) -> str:
    # Logs hide 64 letters in a row: they could be a token.
    return "-".join(head[start : start + 8] for start in range(0, len(head), 8))


def _close(ends: float) -> int:
    closed = 0
    while time.monotonic() < ends and (day := _next_day()) is not None and _is_closable(day):
        if not (_digest(day, ends) and _close_day(day)):
            break
        closed += 1
    return closed


def _digest(day: date, ends: float) -> bool:
    """Returns whether every transition of the day has its digest. Safe to run concurrently."""
    while _asks(_LEFT, {"day": day}):
        if time.monotonic() > ends:
            return False
        with connection.cursor() as cursor:
            cursor.execute(_DIGEST, {"day": day})
    return True


def _close_day(day: date) -> bool:
    """Returns whether it was this call that closed it."""
    previous = HistoryHead.objects.order_by("-day").values_list("head", flat=True).first() or ""
    with atomic(), connection.cursor() as cursor:
        cursor.execute(_HEAD, {"day": str(day), "previous": previous})
        count, text = cursor.fetchone()
        head, is_ours = HistoryHead.objects.get_or_create(
            day=day, defaults={"transitions": count, "previous": previous, "head": text}
        )
    if is_ours:
        words = in_groups(text)
        facts = {"event": "history_head", "day": str(day), "transitions": count, "head": words}
        security.info("The history of %s is closed: %d transitions, head %s", day, count, words, extra={"facts": facts})
        _write(head)
    return is_ours


def _next_day() -> date | None:
    last = HistoryHead.objects.order_by("-day").values_list("day", flat=True).first()
    if last is not None:
        return last + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT (min(at) AT TIME ZONE 'UTC')::date FROM engine_transition")
        first: date | None = cursor.fetchone()[0]
    return first


def _is_closable(day: date) -> bool:
    return _asks(CLOSABLE, {"day": day})


def _asks(sql: str, values: dict[str, Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return bool(cursor.fetchone()[0])


def _write(head: HistoryHead) -> bool:
    # Never written again. The log has the head all the same.
    if not settings.HISTORY_HEADS_DIR:
        return False
    folder = Path(settings.HISTORY_HEADS_DIR)
    fields = {"day": str(head.day), "transitions": head.transitions, "head": head.head, "previous": head.previous}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{head.day}.json").open("x") as file:
            file.write(json.dumps(fields) + "\n")
    except FileExistsError:
        return True
    except OSError as error:
        security.warning("The head of %s cannot be written to %s: %s", head.day, folder, error)
        return False
    return True


def _read(file: Path) -> tuple[date, str]:
    try:
        fields = json.loads(file.read_text())
        return date.fromisoformat(fields["day"]), str(fields["head"])
    except (KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{file} is not the head of a day") from error


def _breaks(head: HistoryHead, previous: HistoryHead | None) -> Iterator[str]:
    if previous is not None and head.day != previous.day + timedelta(days=1):
        yield f"day {previous.day + timedelta(days=1)}: it has no head"
    if head.previous != (previous.head if previous else ""):
        yield f"day {head.day}: its head does not follow the one before it"
    with connection.cursor() as cursor:
        cursor.execute(_HEAD, {"day": str(head.day), "previous": head.previous})
        count, text = cursor.fetchone()
    if count != head.transitions:
        yield f"day {head.day}: {head.transitions} transitions were closed, {count} digests are there"
    elif text != head.head:
        yield f"day {head.day}: its digests do not lead to its head"


def _verify_rows(day: date, found: Check) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"day": day})
        for key, is_missing, is_added, is_erased, has_texts, has_others, is_changed in cursor:
            found.transitions += not is_missing
            found.erased += is_erased
            if is_missing:
                found.findings.append(f"transition {key}: it is missing, or not of {day} any more")
            elif is_added:
                found.findings.append(f"transition {key}: it was added after {day} was closed")
            elif has_texts:
                found.findings.append(f"transition {key}: its texts are said to be erased, and are there")
            elif has_others or is_changed:
                found.findings.append(f"transition {key}: it was changed after {day} was closed")


def _before_the_first() -> Iterator[str]:
    first = HistoryHead.objects.order_by("day").first()
    if first is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, [first.day])
        for (key,) in cursor:
            yield f"transition {key}: it was added before the first day, {first.day}"


def _not_as_exported(exported: Sequence[tuple[date | None, str]]) -> Iterator[str]:
    days = dict(HistoryHead.objects.values_list("day", "head"))
    for day, text in exported:
        if day is None and text not in days.values():
            yield f"the exported head {in_groups(text)}: no day leads to it any more"
        elif day is not None and days.get(day) != text:
            yield f"day {day}: its head is not the one that was exported, {in_groups(text)}"
