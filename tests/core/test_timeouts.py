from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.core.signals import request_started
from django.db import OperationalError, connection

from core.db import timeouts
from core.db.postgres.base import DatabaseWrapper
from core.db.timeouts import WEB, WORKER, Timeouts, request_deadline, silence
from core.http import health

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(monkeypatch) -> Iterator[list[DatabaseWrapper]]:
    """Copies of the connection, closed at the end; what the process knows of the server is forgotten."""
    monkeypatch.setattr(timeouts, "AT_LEAST", 0.2)
    made: list[DatabaseWrapper] = []
    yield made
    for each in made:
        each.close()
    silence.until = silence.heard_at = 0.0
    request_deadline.begin()


@pytest.fixture
def connect(opened, monkeypatch):
    def connect(to: Timeouts) -> DatabaseWrapper:
        monkeypatch.setattr(timeouts, "in_force", to)
        opened.append(connection.copy())
        opened[-1].ensure_connection()
        return opened[-1]

    return connect


def ask(of: DatabaseWrapper, sql: str) -> object:
    with of.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.mark.parametrize(("to", "statement", "lock"), [(WEB, "7s", "5s"), (WORKER, "30s", "0"), (Timeouts(), "0", "0")])
@pytest.mark.guards("S23", "core.db.postgres.base.DatabaseWrapper.get_connection_params")
def test_the_server_is_told_how_long_a_statement_may_take(connect, to, statement, lock):
    """S23: none had an end, so that a few slow ones kept all threads. What an operator runs still has none."""
    fresh = connect(to)

    assert ask(fresh, "SHOW statement_timeout") == statement
    assert ask(fresh, "SHOW lock_timeout") == lock
    assert ask(fresh, "SHOW plan_cache_mode") == "force_generic_plan"


def test_options_of_the_database_url_hold(connect, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", "-c statement_timeout=3s")

    assert ask(connect(WEB), "SHOW statement_timeout") == "3s"


def test_a_silent_server_is_given_up_and_not_asked_again_by_that_request(connect):
    fresh = connect(Timeouts(answer=0.3))
    request_deadline.begin()
    started = time.monotonic()

    with pytest.raises(OperationalError, match="did not answer"):
        ask(fresh, "SELECT pg_sleep(10)")
    fresh.close()
    with pytest.raises(OperationalError, match="not asked again"):
        ask(fresh, "SELECT 1")
    assert time.monotonic() - started < 2

    silence.until = 0.0
    request_started.send(None)
    assert ask(fresh, "SELECT 1") == 1


def test_others_do_not_ask_a_server_that_is_silent_to_all(connect):
    fresh = connect(Timeouts(answer=0.3))
    silence.heard_at = time.monotonic() - 60
    request_deadline.begin()
    with pytest.raises(OperationalError):
        ask(fresh, "SELECT pg_sleep(10)")
    fresh.close()

    request_started.send(None)
    started = time.monotonic()
    with pytest.raises(OperationalError, match="not asked again"):
        ask(fresh, "SELECT 1")
    assert time.monotonic() - started < 0.2


def test_a_long_request_may_ask_as_often_as_it_is_answered(connect):
    fresh = connect(Timeouts(answer=0.5))
    request_deadline.begin()

    for _ in range(4):
        assert ask(fresh, "SELECT 1 FROM pg_sleep(0.2)") == 1


def test_the_time_in_the_queue_counts_as_waiting(connect):
    fresh = connect(Timeouts(answer=5.0))
    request_deadline.came_at = time.monotonic() - 4.8
    request_started.send(None)
    started = time.monotonic()

    with pytest.raises(OperationalError, match="did not answer"):
        ask(fresh, "SELECT pg_sleep(10)")
    assert time.monotonic() - started < 1


@pytest.mark.guards("S24", "core.http.health.ReadinessProbe.newest")
def test_one_look_a_second_answers_everybody_who_asks_whether_we_are_ready(client, monkeypatch):
    """S24: each question under any Host was a new session of the database and a call to the broker."""
    looked = []
    monkeypatch.setattr(health, "readiness", readiness := health.ReadinessProbe())
    monkeypatch.setattr(readiness, "_look", lambda: looked.append(1) or (503, {"database": "unreachable"}))

    for _ in range(20):
        assert client.get("/readyz").status_code == 503
    assert len(looked) == 1

    readiness._at -= health.CHECK_INTERVAL
    client.get("/readyz")
    assert len(looked) == 2


def test_a_migration_that_is_taken_back_is_seen(monkeypatch):
    readiness = health.ReadinessProbe()
    assert readiness._look()[0] == 200

    monkeypatch.setattr(readiness, "_migrated_by", (1, 1))  # another list than what is applied now
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["0001"])

    assert readiness._look() == (503, {"database": "not migrated"})


@pytest.mark.parametrize("path", ["/", "/api/v1/plans/"])
def test_a_database_that_is_away_is_a_503_to_everybody(client, monkeypatch, settings, path):
    """F1: to people it was an error of ours."""
    settings.DEBUG = True

    def away(*_: object) -> None:
        raise OperationalError("the database did not answer within 8 s")

    monkeypatch.setattr("core.models.plan.PlanQuerySet.public", away)

    answer = client.get(path)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
