"""The rows' side of paying debts: claim, hold, give back, finish. Database time decides everything.

A lease names the database session of its holder. When that session is gone its process is dead, and the
sweeper takes the effect back at once; `lease_until` is for a holder that hangs or a machine that vanished.
Behind a pooler a session belongs to nobody for long, so there the lease names none and only time counts.
"""

from __future__ import annotations

import json
import random
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from core.logs import hide
from core.models.history import Breaker, Effect, EffectEvent
from core.models.stateful import NOBODY
from core.reader import Reader
from core.statements import ask, told_pid
from workflows.engine.alert import raise_alert
from workflows.engine.errors import Fenced
from workflows.engine.registry import kinds

LEASE = timedelta(seconds=30)
TENANTS = 50  # that one claim serves, in turn
SHARE = 25  # of one tenant in one claim: who comes meanwhile waits for no more than that
MAX_ATTEMPTS = 12
GIVE_UP = timedelta(hours=24)  # after its first failure
FIRST_WAIT, LONGEST_WAIT = 2.0, 900.0  # seconds
TRIPS_AFTER = 5  # failures in a row to reach the far side
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds

# A row this process may take now: of a kind and revision it knows, and in its turn.
_TAKABLE = """
    effect.state = 'ready'
    AND EXISTS (
        SELECT FROM unnest(%(kinds)s::text[], %(revisions)s::int[]) AS known(kind, revision)
        WHERE known.kind = effect.kind AND known.revision >= effect.revision)
    AND NOT (effect.ordered AND EXISTS (
        SELECT FROM core_effect AS earlier
        WHERE earlier.ordered AND earlier.object_id = effect.object_id AND earlier.machine = effect.machine
            AND earlier.seq < effect.seq AND earlier.state NOT IN ('done', 'skipped')))"""
_EFFECTS = Reader(Effect._base_manager.all())
_COLUMNS = ", ".join(f"effect.{field.column}" for field in Effect._meta.concrete_fields)
_LEASE = f"""
    UPDATE core_effect AS effect
    SET state = 'leased', fence = fence + 1, lease_until = now() + %(lease)s::interval,
        lease_pid = CASE pg_backend_pid() WHEN %(told_pid)s::int THEN %(told_pid)s::int END
    FROM taken WHERE effect.id = taken.id RETURNING {_COLUMNS}"""

# Those that were rung for, by their keys. One that must run alone is taken only when it was rung for alone.
_CLAIM_NAMED = f"""
    WITH taken AS (
        SELECT id FROM core_effect AS effect
        WHERE id = ANY(%(ids)s::uuid[]) AND {_TAKABLE} AND (NOT solo OR %(alone)s::bool)
            AND (%(lanes)s::text[] IS NULL OR lane = ANY(%(lanes)s::text[]))
        ORDER BY id FOR UPDATE SKIP LOCKED
    ) {_LEASE}"""

# A share for each of the next tenants with something to do: those are found by a walk along the index, one step for
# each, whatever they have waiting. How many were served, and who was the last, is said also where nothing was free.
_CLAIM_SHARES = f"""
    WITH RECURSIVE tenant(account_id) AS (
        (SELECT account_id FROM core_effect
         WHERE state = 'ready' AND lane = %(lane)s::text AND account_id >= %(first)s::uuid
         ORDER BY account_id LIMIT 1)
        UNION ALL
        SELECT (SELECT next.account_id FROM core_effect AS next
                WHERE next.state = 'ready' AND next.lane = %(lane)s::text AND next.account_id > tenant.account_id
                ORDER BY next.account_id LIMIT 1)
        FROM tenant WHERE tenant.account_id IS NOT NULL
    ),
    served AS (SELECT account_id FROM tenant WHERE account_id IS NOT NULL LIMIT %(tenants)s::int),
    taken AS (
        SELECT share.id FROM served, LATERAL (
            SELECT id FROM core_effect AS effect
            WHERE lane = %(lane)s::text AND effect.account_id = served.account_id AND NOT solo AND {_TAKABLE}
            ORDER BY id LIMIT least({SHARE}, greatest(1, %(limit)s::int / (SELECT count(*) FROM served)))
            FOR UPDATE SKIP LOCKED
        ) AS share
    ),
    effect AS ({_LEASE})
    SELECT {_COLUMNS}, (SELECT count(*) FROM served), (SELECT account_id FROM served ORDER BY account_id DESC LIMIT 1)
    FROM (SELECT) AS always LEFT JOIN effect ON true"""

_serve_next: dict[str, UUID] = {}  # per lane, so that the next claim goes on where this one ended


def claim_named(ids: Sequence[UUID], lanes: Sequence[str] = ()) -> list[Effect]:
    """Lease these effects, those that are ready and that this process can do; of these lanes, where any are named."""
    return _claimed(_claim(_CLAIM_NAMED, ids=list(ids), alone=len(ids) == 1, lanes=list(lanes) or None))


def claim_fairly(lane: str, limit: int) -> list[Effect]:
    """Lease about `limit` effects of a lane, a share of every tenant's; a tenant with many waits for the others."""
    rounds = 2 if lane in _serve_next else 1  # from there to the end, and once more from the beginning
    while rounds:
        if effects := _claim_shares(lane, limit):
            return effects
        if lane not in _serve_next:
            rounds -= 1
    return []


def _claim_shares(lane: str, limit: int) -> list[Effect]:
    tenants = min(TENANTS, limit)
    rows = _claim(_CLAIM_SHARES, lane=lane, first=_serve_next.pop(lane, NOBODY), tenants=tenants, limit=limit)
    *_, served, last = rows[0]
    if served == tenants:  # there may be more behind them
        _serve_next[lane] = UUID(int=last.int + 1)
    return _claimed(row[:-2] for row in rows if row[0] is not None)


def _claim(sql: str, **values: Any) -> list[Any]:
    payable = [kind for kind in kinds.values() if not (kind.outward and getattr(settings, "HOLD_OUTWARD", False))]
    values |= {
        "kinds": [kind.name for kind in payable],
        "revisions": [kind.revision for kind in payable],
        "lease": LEASE,
        "told_pid": told_pid(),
    }
    rows: list[Any] = ask(sql, values).fetchall()
    return rows


def _claimed(rows: Iterable[Any]) -> list[Effect]:
    return sorted(_EFFECTS.objects(rows), key=lambda effect: effect.id)


def extend(effects: Sequence[Effect]) -> None:
    """Hold these for another lease from now."""
    _update_held(effects, "lease_until = now() + %(lease)s::interval", lease=LEASE)


def give_back(effects: Sequence[Effect], *, solo: bool = False) -> None:
    """Let others have them: nothing was done, nothing is charged. `solo`: each is to run alone."""
    _update_held(effects, "state = 'ready', lease_until = NULL, solo = solo OR %(solo)s::bool", solo=solo)


def hold(effects: Sequence[Effect]) -> Callable[[], None]:
    """Lock the rows to the end of the transaction. What comes back raises Fenced unless each of them is still ours."""
    cursor = ask(
        """SELECT FROM core_effect AS effect
           JOIN unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
               ON effect.id = held.id AND effect.fence = held.fence
           WHERE effect.state = 'leased' ORDER BY effect.id FOR NO KEY UPDATE OF effect""",
        {"ids": [effect.id for effect in effects], "fences": [effect.fence for effect in effects]},
    )

    def check() -> None:
        if cursor.rowcount != len(effects):
            raise Fenced

    return check


def finish(effects: Sequence[Effect], *, took: float) -> None:
    """Mark effects inside the house done after `took` seconds, if each is still ours. Raises Fenced when one is not."""
    finished = _update_held(
        effects,
        """state = 'done', done_at = now(), lease_until = NULL, attempts = attempts + 1, last_error = '',
           outcome = NULL, took = %(took)s::int""",
        took=round(took * 1000),
    )
    if finished != len(effects):
        raise Fenced


@dataclass(frozen=True)
class Sent:
    """What left the house, and what the far side answered; `at` is when it left, by time.monotonic()."""

    effect: Effect
    outcome: Any
    took: float
    at: float


def finish_sent(sent: Sequence[Sent]) -> list[Effect]:
    """Mark these done, each with its outcome; those that are not ours any more are left alone, and returned."""
    if not sent:
        return []
    cursor = ask(
        """UPDATE core_effect AS effect
           SET state = 'done', done_at = now(), lease_until = NULL, attempts = attempts + 1, last_error = '',
               outcome = sent.outcome::jsonb, took = sent.took
           FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(outcomes)s::text[], %(took)s::int[])
               AS sent(id, fence, outcome, took)
           WHERE effect.id = sent.id AND effect.fence = sent.fence AND effect.state IN ('leased', 'uncertain')
           RETURNING effect.id""",
        {
            "ids": [each.effect.id for each in sent],
            "fences": [each.effect.fence for each in sent],
            "outcomes": [None if each.outcome is None else json.dumps(each.outcome) for each in sent],
            "took": [round(each.took * 1000) for each in sent],
        },
    )
    done = {row[0] for row in cursor.fetchall()}
    return [each.effect for each in sent if each.effect.id not in done]


def park(effect: Effect) -> None:
    """Before a call whose repetition nobody would notice: if we never come back, its outcome is unknown."""
    if not _update_held([effect], "state = 'uncertain', lease_until = NULL"):
        raise Fenced


def fail(effect: Effect, error: BaseException, *, is_final: bool) -> bool:
    """Charge an attempt: try later, each time after a longer and randomly shortened wait, or never. True when dead."""
    wait = random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**effect.attempts))  # noqa: S311 - full jitter
    text = one_line(error)
    state = _update_held(
        [effect],
        f"""state = CASE WHEN %(is_final)s::bool OR attempts + 1 >= {MAX_ATTEMPTS}
                         OR now() > failing_since + %(give_up)s::interval
                    THEN 'dead' ELSE 'waiting' END,
            attempts = attempts + 1, lease_until = NULL, last_error = %(error)s::text,
            run_at = now() + %(wait)s::interval, failing_since = coalesce(failing_since, now())""",
        is_final=is_final,
        give_up=GIVE_UP,
        error=text,
        wait=timedelta(seconds=wait),
        returning="state",
    )
    if not state:
        return False
    EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.FAILED, detail=text)
    is_dead: bool = state == [("dead",)]
    if is_dead:
        raise_alert(effect.kind)
    return is_dead


def doubt(effect: Effect, error: BaseException) -> None:
    """The call of a parked effect ended badly: it stays parked, and a person finds out."""
    text = one_line(error)
    if _update_held([effect], "attempts = attempts + 1, last_error = %(error)s::text", error=text):
        EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.UNCERTAIN, detail=text)
        raise_alert(effect.kind)


def postpone(effects: Sequence[Effect], error: BaseException | None, *, until: datetime | None = None) -> None:
    """The far side cannot be reached: they wait, until then or a moment, and nothing is charged to them."""
    rows = _update_held(
        effects,
        """state = CASE WHEN now() > failing_since + %(give_up)s::interval THEN 'dead' ELSE 'waiting' END,
           lease_until = NULL, failing_since = coalesce(failing_since, now()),
           last_error = coalesce(%(error)s::text, nullif(last_error, ''), 'paused: its far side was not reached'),
           run_at = coalesce(%(until)s::timestamptz, now()) + random() * interval '2 seconds'""",
        give_up=GIVE_UP,
        error=error and one_line(error),
        until=until,
        returning="id, effect.fence, effect.state",
    )
    dead = [(key, fence) for key, fence, state in rows if state == "dead"]
    if dead:
        EffectEvent.objects.bulk_create(
            EffectEvent(effect_id=key, fence=fence, what=EffectEvent.What.DIED, detail="not reached for a day")
            for key, fence in dead
        )
        raise_alert(effects[0].kind)


def trip(kind: str) -> None:
    """Count one more failure to reach the far side of a kind; after some in a row it is paused, longer each time."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO core_breaker (kind, failures) VALUES (%(kind)s, 1)
                ON CONFLICT (kind) DO UPDATE SET
                    failures = core_breaker.failures + 1,
                    paused_until = CASE WHEN core_breaker.failures + 1 >= {TRIPS_AFTER} THEN
                        now() + make_interval(secs => least({LONGEST_PAUSE},
                            {FIRST_PAUSE} * 2 ^ least(core_breaker.failures + 1 - {TRIPS_AFTER}, 20))) END""",
            {"kind": kind},
        )


def breaker_of(kind: str) -> Breaker | None:
    """The kind's breaker with `is_open` by the database's clock; None while all is well."""
    return Breaker.objects.filter(kind=kind).annotate(is_open=Q(paused_until__gt=Now())).first()


def reset(kind: str) -> None:
    """The far side answered: forget its failures."""
    Breaker.objects.filter(kind=kind).delete()


def one_line(error: BaseException) -> str:
    text = hide("".join(traceback.format_exception_only(error)).strip())
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:2000]


def _update_held(effects: Sequence[Effect], changes: str, *, returning: str = "", **values: Any) -> Any:
    """Update rows whose fence is still the one we hold; how many that were, or their values."""
    cursor = ask(
        f"""UPDATE core_effect AS effect SET {changes}
            FROM unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
            WHERE effect.id = held.id AND effect.fence = held.fence AND effect.state IN ('leased', 'uncertain')
            {f"RETURNING effect.{returning}" if returning else ""}""",
        {"ids": [effect.id for effect in effects], "fences": [effect.fence for effect in effects], **values},
    )
    return cursor.fetchall() if returning else cursor.rowcount
