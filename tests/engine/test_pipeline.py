from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from core.models import Account, Allocation, Payment, PaymentMethod
from engine.deadline import deadline
from engine.errors import TimedOut
from engine.ids import uuid7
from engine.models import Effect
from engine.pipeline import AFTER, ask, pipeline, session_pid
from engine.raw_queries import CompiledQuery
from engine.registry import kinds
from engine.subjects import Subjects
from engine.worker import tasks
from tests.factories import AccountFactory, PaymentFactory, PaymentMethodFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[True, False], ids=["here", "behind a pooler"])
def session(request, monkeypatch):
    session_pid()
    monkeypatch.setattr(connection.connection, "has_own_session", request.param, raising=False)


def test_answers_are_there_after_the_block(session):
    with pipeline():
        answers = [ask("SELECT %s::int", [number]) for number in range(3)]
        with pipeline():
            answers.append(ask("SELECT %s::int", [3]))

    assert [answer.fetchone() for answer in answers] == [(0,), (1,), (2,), (3,)]


def test_reading_inside_a_pipeline_waits_for_earlier_statements(session):
    account = AccountFactory(credits=1)

    with pipeline():
        Account.objects.filter(pk=account.pk).update(credits=2)
        seen = Account.objects.get(pk=account.pk).credits
        Account.objects.filter(pk=account.pk).update(credits=3)

    assert (seen, Account.objects.get(pk=account.pk).credits) == (2, 3)


def test_an_error_is_django_s_and_leaves_nothing_behind(session):
    account = AccountFactory(credits=1)

    def twice() -> None:
        with atomic(), pipeline():
            Account.objects.filter(pk=account.pk).update(credits=2)
            ask("INSERT INTO core_account SELECT * FROM core_account")
            ask("SELECT 1")

    with pytest.raises(IntegrityError):
        twice()

    assert Account.objects.get(pk=account.pk).credits == 1
    with pipeline():
        assert ask("SELECT 1").fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_a_migration_of_a_column_s_type_costs_no_statement():
    """H21: outside a transaction it is asked once more, with a new plan."""
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE changed (words varchar(20))")
        cursor.execute("INSERT INTO changed VALUES ('first')")
    try:
        asked = [ask("SELECT words FROM changed").fetchone() for _ in range(6)]
        migrate = connection.copy()
        try:
            migrate.cursor().execute("ALTER TABLE changed ALTER COLUMN words TYPE varchar(30)")
        finally:
            migrate.close()
        asked += [ask("SELECT words FROM changed").fetchone() for _ in range(6)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE changed")

    assert asked == [("first",)] * 12


@pytest.mark.django_db(transaction=True)
def test_statements_larger_than_a_socket_holds_travel_together():
    """H4: psycopg waited for answers to what it had not sent, and the server for the rest of that."""
    with deadline(timedelta(seconds=20)), pipeline():
        ask("SELECT pg_sleep(%s::float)", [0.5])
        length = ask("SELECT length(%s::text)", ["x" * 10_000_000])

    assert length.fetchone() == (10_000_000,)


@pytest.mark.django_db(transaction=True)
def test_interrupted_pipeline_does_not_wait_for_the_answer(session):
    started = time.monotonic()

    def sleep() -> None:
        with atomic(), deadline(timedelta(seconds=0.2)), pipeline():
            ask("SELECT pg_sleep(%s::float)", [20])
            ask("SELECT 1")

    with pytest.raises(TimedOut):
        sleep()

    assert time.monotonic() - started < 10
    assert ask("SELECT 1").fetchone() == (1,)  # a new session, if the old one is lost


def test_the_log_of_queries_sees_them(session):
    with CaptureQueriesContext(connection) as captured, pipeline():
        ask("SELECT %s::int", [1])

    assert len(captured) == 1


def test_a_plan_for_a_list_of_keys_is_made_once():
    for number in range(10):
        ask("SELECT id AS planned_once FROM core_account WHERE id = ANY(%s::uuid[])", [[uuid7()] * number])

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%planned_once%"]
        )
        generic, custom = cursor.fetchone()
    assert generic > 1
    assert custom == 0


@pytest.fixture
def plan():
    """How rows of a table of nothing are found by their keys: the plan that the session keeps."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE flooded (id int PRIMARY KEY, words text)")
        cursor.execute("INSERT INTO flooded SELECT 0, repeat('x', 400)")
        cursor.execute("ANALYZE flooded")

    def plan() -> str:
        for _ in range(AFTER + 2):
            ask("SELECT words AS kept_plan FROM flooded WHERE id = ANY(%s::int[])", [[0]])
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE %s", ["%kept_plan%"])
            cursor.execute(f'EXPLAIN EXECUTE "{cursor.fetchone()[0]}" (%s)', [[0]])
            return "\n".join(row[0] for row in cursor.fetchall())

    return plan


def test_a_worker_in_a_flood_forgets_the_plans_of_small_tables(plan, monkeypatch):
    monkeypatch.setattr(tasks, "MAX_RUNTIME", 0.0)  # when it is over, more is due
    monkeypatch.setattr(tasks, "notify", lambda *_, **__: True)
    assert "Seq Scan" in plan()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO flooded SELECT n, repeat('x', 400) FROM generate_series(1, 20000) AS n")
    assert "Seq Scan" in plan()

    tasks.run_due_effects([str(uuid7())])

    assert "Seq Scan" not in plan()


def test_a_reader_reads_what_its_queryset_would():
    payments = [PaymentFactory() for _ in range(3)]
    queryset = Payment.objects.select_related("account", "invoice__subscription__plan")
    keys = [payment.pk for payment in payments[1:]]
    reader = CompiledQuery(queryset)

    for _ in range(2):
        found = reader.ask(keys).by_key()
        assert set(found) == set(keys)
        for key, row in queryset.in_bulk(keys).items():
            assert _values(found[key]) == _values(row)
            assert _values(found[key].invoice) == _values(row.invoice)
            assert found[key].account == row.account
            with CaptureQueriesContext(connection) as captured:
                assert found[key].invoice.subscription == row.invoice.subscription
            assert len(captured) == 0


def test_a_reader_leaves_out_what_its_queryset_does():
    PaymentMethodFactory()
    reader = CompiledQuery(PaymentMethod.objects.only("name"), "TRUE")

    assert [row.get_deferred_fields() for row in reader.ask().objects] == [
        row.get_deferred_fields() for row in PaymentMethod.objects.only("name").order_by("pk")
    ]


def test_a_lock_is_asked_for_in_a_transaction_only(monkeypatch):
    account = AccountFactory()
    reader = CompiledQuery(Account._base_manager.all(), lock=True)

    assert [row.pk for row in reader.ask([account.pk]).objects] == [account.pk]
    monkeypatch.setattr(connection, "in_atomic_block", False)
    with pytest.raises(AssertionError):
        reader.ask([account.pk])


def test_related_objects_need_no_second_query():
    payments = [PaymentFactory(), PaymentFactory()]
    given, *_ = payments
    mine = Allocation.objects.create(
        account_id=given.account_id, payment=given, invoice=given.invoice, amount=given.amount
    )
    about = [Effect(machine="payment", object_id=payment.pk) for payment in payments]
    subjects = Subjects(kinds["mail.payment_approved"], about)

    subjects.send()
    found = subjects.in_order()

    with CaptureQueriesContext(connection) as captured:
        assert [list(payment.allocations.all()) for payment in found] == [[mine], []]
    assert len(captured) == 0


def _values(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
