from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from prometheus_client.parser import text_string_to_metric_families

from core.models import BankAccount, StatementLine
from engine import perform, run_due
from engine.models import CircuitBreaker, Effect
from tests.api.caller import staff
from tests.factories import PaymentFactory, scheduled_mail
from tests.workflows.bank.statement_files import IBAN, OTHER_IBAN, Row, camt
from workflows.bank import import_statement

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-the-test"


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def figures(client):
    def read():
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        return {
            (sample.name.removeprefix("countersign_"), *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.content.decode())
            for sample in family.samples
        }

    return read


def test_metrics_page_is_404_without_a_token(client, settings):
    settings.METRICS_TOKEN = ""

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \u00e9"]
)
def test_a_wrong_token_sees_nothing(client, given):
    answer = client.get("/metrics", headers={"Authorization": given})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"countersign" not in answer.content


def test_empty_installation_has_no_effects(figures):
    now = figures()

    states = {key[1]: value for key, value in now.items() if key[0] == "effects"}
    assert states == {"ready": 0, "waiting": 0, "leased": 0, "dead": 0, "uncertain": 0}
    assert now["sweep_lag_seconds",] == 0


def test_effects_are_counted_by_state(figures):
    for n, state in enumerate(["dead", "dead", "uncertain", "waiting", "leased"]):
        scheduled_mail(name=str(n))
        Effect.objects.filter(state="ready").update(state=state, lease_until=Now() + timedelta(seconds=30))
    scheduled_mail()

    now = figures()

    assert [now["effects", state] for state in ("ready", "waiting", "leased", "dead", "uncertain")] == [1, 1, 1, 2, 1]


def test_the_oldest_due_effect_of_a_lane_is_found_among_all_tenants(figures):
    for age in (10, 500, 20):
        scheduled_mail()
        newest = Effect.objects.order_by("-id").first()
        Effect.objects.filter(pk=newest.pk).update(run_at=Now() - timedelta(seconds=age))

    oldest = {key[1]: value for key, value in figures().items() if key[0] == "oldest_due_seconds"}

    assert list(oldest) == ["outward"]
    assert 500 <= oldest["outward"] < 530


def test_the_sweep_lags_when_timers_or_leases_run_out_unseen(figures):
    scheduled_mail()
    Effect.objects.update(state="waiting", run_at=Now() + timedelta(days=1))
    assert figures()["sweep_lag_seconds",] == 0

    Effect.objects.update(run_at=Now() - timedelta(seconds=40))
    assert 40 <= figures()["sweep_lag_seconds",] < 70

    Effect.objects.update(state="leased", lease_until=Now() - timedelta(seconds=90))
    assert 90 <= figures()["sweep_lag_seconds",] < 120


def test_an_open_breaker_shows(figures):
    CircuitBreaker.objects.create(kind="mail.shut", failures=6, paused_until=Now() + timedelta(minutes=1))
    CircuitBreaker.objects.create(kind="mail.open_again", failures=6, paused_until=Now() - timedelta(minutes=1))
    CircuitBreaker.objects.create(kind="mail.shaky", failures=1)

    now = figures()

    assert [now["breaker_open", f"mail.{name}"] for name in ("shut", "open_again", "shaky")] == [1, 0, 0]


def test_undecided_bank_lines_and_the_oldest_credit_are_shown_by_account(figures, run_effects):
    for name, iban in (("Main", IBAN), ("Empty", OTHER_IBAN)):
        BankAccount.objects.create(name=name, iban=iban, currency="EUR")
    bookkeeper = staff("import_statements", "match_lines").user
    today = datetime.now(UTC).date()
    days = [(today - timedelta(days=age)).isoformat() for age in (40, 30, 20)]
    rows = [Row("-1.00", "fee", day=days[0]), Row("2.00", "decided", day=days[1]), Row("3.00", "open", day=days[2])]
    import_statement(camt(*rows), name="statement.xml", by=bookkeeper)
    run_effects()
    perform(StatementLine.objects.get(amount=2).ignore, by=bookkeeper, because="not ours")

    now = figures()

    assert (now["bank_lines_undecided", "Main"], now["bank_lines_undecided", "Empty"]) == (2, 0)
    assert 20 <= now["bank_oldest_credit_seconds", "Main"] / 86_400 < 21
    assert ("bank_oldest_credit_seconds", "Empty") not in now


def test_how_long_effects_take_is_measured(figures, run_effects):
    PaymentFactory()
    run_effects()
    assert set(Effect.objects.values_list("state", flat=True)) == {"done", "waiting"}  # what has its day to come
    assert all(took is not None for took in Effect.objects.filter(state="done").values_list("took", flat=True))
    Effect.objects.filter(kind="mail.invoice_issued").update(took=1500)

    now = figures()

    assert now["effect_recent_count", "mail.invoice_issued"] == 1
    names = ("effect_recent_seconds_sum", "effect_recent_seconds_max")
    assert [now[name, "mail.invoice_issued"] for name in names] == [1.5, 1.5]
    assert now["effect_recent_seconds", "mail.invoice_issued", "0.95"] == 1.5


def test_effects_of_long_ago_are_not_looked_at(figures):
    scheduled_mail()
    Effect.objects.update(id="01900000-0000-7000-8000-000000000000", state="done", took=5)

    assert not [key for key in figures() if key[0].startswith("effect_recent")]


def test_the_cost_does_not_grow_with_the_history(figures, django_assert_num_queries):
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO engine_effect (id, account_id, machine, object_id, seq, key, kind, revision, payload, lane,
                   ordered, state, fence, attempts, crashes, solo, last_error, took)
               SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, gen_random_uuid(), '', NULL, 0,
                   n::text, 'old.kind', 1, '{}', 'inward', false, 'done', 1, 1, 0, false, '', 5
               FROM generate_series(1, 20000) AS n"""
        )
        cursor.execute("ANALYZE engine_effect")
        cursor.execute("SET LOCAL enable_seqscan = off")

    with django_assert_num_queries(9) as queries:
        figures()

    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT TEXT) {query['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Rows Removed by Filter" not in plan, plan


def test_run_due_leaves_the_time_it_took(run_effects):
    scheduled_mail()

    run_due()

    assert Effect.objects.get().took >= 0
