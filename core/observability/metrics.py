"""Read from the rows, so that one web process reports for all; each figure stops at a limit."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from engine.ids import first_id_at

COUNT_LIMIT = 10_000  # rows of one state; more show as one more
RECENT = 300  # seconds
SAMPLE = 10_000  # effects
QUANTILES = (0.5, 0.95)

_COUNTS = " UNION ALL ".join(
    f"SELECT '{state}', count(*) FROM (SELECT FROM engine_effect WHERE state = '{state}' "  # noqa: S608 - words of ours
    f"ORDER BY {order} LIMIT {COUNT_LIMIT + 1}) AS counted"
    for state, order in {
        "ready": "lane, account_id, id",
        "waiting": "run_at",
        "leased": "lease_until",
        "dead": "id DESC",
        "uncertain": "id DESC",
    }.items()
)
# From tenant to tenant along the index that claims use.
_OLDEST_DUE = """
    WITH RECURSIVE queue(lane, account_id) AS (
        (SELECT lane, account_id FROM engine_effect WHERE state = 'ready' ORDER BY lane, account_id LIMIT 1)
        UNION ALL
        SELECT next.lane, next.account_id FROM queue, LATERAL (
            SELECT lane, account_id FROM engine_effect
            WHERE state = 'ready' AND (lane, account_id) > (queue.lane, queue.account_id)
            ORDER BY lane, account_id LIMIT 1) AS next
    )
    SELECT queue.lane, extract(epoch FROM clock_timestamp() - min(first.run_at))::float
    FROM (SELECT * FROM queue LIMIT 2000) AS queue, LATERAL (
        SELECT run_at FROM engine_effect AS effect
        WHERE state = 'ready' AND effect.lane = queue.lane AND effect.account_id = queue.account_id
        ORDER BY id LIMIT 10) AS first
    GROUP BY queue.lane ORDER BY queue.lane"""
# Only a sweep moves these rows.
_SWEEP_LAG = """
    SELECT greatest(0, extract(epoch FROM clock_timestamp() - least(
        (SELECT run_at FROM engine_effect WHERE state = 'waiting' ORDER BY run_at LIMIT 1),
        (SELECT lease_until FROM engine_effect WHERE state = 'leased' ORDER BY lease_until LIMIT 1))))::float"""
_BREAKERS = "SELECT kind, coalesce(paused_until > now(), false)::int FROM engine_circuitbreaker ORDER BY kind LIMIT 100"
_PAUSES = """
    SELECT scope, name, 1 FROM engine_effectpause
    WHERE ended_at IS NULL AND (until IS NULL OR until > now()) ORDER BY id LIMIT 100"""
_REFUSALS = "SELECT event, total FROM core_refusalcount ORDER BY event LIMIT 100"
# Along the index of what is undecided, which begins with the account.
_BANK_LINES = f"""
    SELECT account.name, (SELECT count(*) FROM (
        SELECT FROM core_statementline WHERE bank_account_id = account.id AND status IN ('open', 'suggested')
        LIMIT {COUNT_LIMIT + 1}) AS counted)
    FROM core_bankaccount AS account ORDER BY account.name LIMIT 100"""  # noqa: S608
_OLDEST_CREDIT = """
    SELECT account.name, extract(epoch FROM now() - oldest.booked_on::timestamptz)::float
    FROM core_bankaccount AS account, LATERAL (
        SELECT booked_on FROM core_statementline
        WHERE bank_account_id = account.id AND status IN ('open', 'suggested') AND amount > 0
        ORDER BY booked_on, id LIMIT 1) AS oldest
    ORDER BY account.name LIMIT 100"""
_DURATIONS = f"""
    SELECT kind, count(*), sum(took) / 1000.0, max(took) / 1000.0,
        percentile_disc(%(quantiles)s::float[]) WITHIN GROUP (ORDER BY took)
    FROM (SELECT kind, took FROM engine_effect WHERE id >= %(since)s AND state = 'done' AND took IS NOT NULL
          ORDER BY id DESC LIMIT {SAMPLE}) AS recent
    GROUP BY kind ORDER BY kind"""  # noqa: S608


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Requires METRICS_TOKEN as bearer token; 404 where none is set."""
    token: str = settings.METRICS_TOKEN
    if not token:
        return _plain(404, "METRICS_TOKEN is not set")
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return _plain(401, "Send Authorization: Bearer METRICS_TOKEN")
    registry = CollectorRegistry()
    try:
        registry.register(Figures())
        page = generate_latest(registry)
    except DatabaseError:
        return _plain(503, "The database does not answer")
    return HttpResponse(page, content_type=CONTENT_TYPE_PLAIN_0_0_4)


class Figures(Collector):
    def describe(self) -> list[Metric]:
        return []  # registering would query the database

    def collect(self) -> Iterator[Metric]:
        yield _gauge(
            "effects", f"Effects in a state that is not over; counted to {COUNT_LIMIT}.", ["state"], _rows(_COUNTS)
        )
        yield _gauge("oldest_due_seconds", "How long the oldest ready effect is due.", ["lane"], _rows(_OLDEST_DUE))
        yield _gauge(
            "sweep_lag_seconds",
            "For how long a timer or a lease has run out and no sweep saw it.",
            [],
            _rows(_SWEEP_LAG),
        )
        yield _gauge(
            "breaker_open", "1 while a kind is paused because its far side is down.", ["kind"], _rows(_BREAKERS)
        )
        yield _gauge("effects_paused", "1 for what staff have paused.", ["scope", "name"], _rows(_PAUSES))
        yield _gauge(
            "bank_lines_undecided",
            f"Bank lines that nobody decided on; counted to {COUNT_LIMIT}.",
            ["bank_account"],
            _rows(_BANK_LINES),
        )
        yield _gauge(
            "bank_oldest_credit_seconds",
            "How long ago the oldest credit without a decision was booked.",
            ["bank_account"],
            _rows(_OLDEST_CREDIT),
        )
        yield from self._durations()
        refusals = CounterMetricFamily(
            "countersign_security_refusals_total", "What was refused for security's sake.", labels=["event"]
        )
        for event, total in _rows(_REFUSALS):
            refusals.add_metric([event], float(total))
        yield refusals

    def _durations(self) -> Iterator[Metric]:
        rows = _rows(
            _DURATIONS, quantiles=list(QUANTILES), since=first_id_at(timezone.now() - timedelta(seconds=RECENT))
        )
        window = f"effects recorded in the last {RECENT} s and done (at most {SAMPLE})"
        yield _gauge("effect_recent_count", f"How many {window}.", ["kind"], [(row[0], row[1]) for row in rows])
        yield _gauge("effect_recent_seconds_sum", f"Duration of all {window}.", ["kind"], [(r[0], r[2]) for r in rows])
        yield _gauge("effect_recent_seconds_max", f"The longest of {window}.", ["kind"], [(r[0], r[3]) for r in rows])
        yield _gauge(
            "effect_recent_seconds",
            f"Quantiles of the duration of {window}.",
            ["kind", "quantile"],
            [
                (row[0], str(quantile), took / 1000)
                for row in rows
                for quantile, took in zip(QUANTILES, row[4], strict=True)
            ],
        )


def _gauge(name: str, what: str, labels: list[str], rows: list[tuple[Any, ...]]) -> Metric:
    gauge = GaugeMetricFamily(f"countersign_{name}", what, labels=labels)
    for *values, figure in rows:
        gauge.add_metric(values, float(figure))
    return gauge


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def _plain(status: int, words: str) -> HttpResponse:
    answer = HttpResponse(words + "\n", status=status, content_type="text/plain; charset=utf-8")
    if status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    return answer
