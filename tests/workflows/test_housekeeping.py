from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken

from core.models import CreditEntry, IdempotentResponse, RateLimitBucket, Session
from engine import perform, run_once_per, schedule
from engine.models import Effect, ScheduledRun, Transition
from engine.purge import PURGED, purge
from tests.factories import PaymentFactory, StaffFactory, UserFactory
from tests.toy.effects import greet
from workflows.actions.people import ask_for_password_reset
from workflows.periods import database_now
from workflows.reporting.invariants import findings
from workflows.retention import delete_expired, run_hourly_cleanup

pytestmark = pytest.mark.django_db

SOON = timedelta(minutes=1)  # everything so far is older


def settle(run_effects, **fields):
    payment = PaymentFactory(**fields)
    perform(payment.approve, by=StaffFactory())
    run_effects()
    return payment


def what_is_wrong():
    with connection.cursor() as cursor:
        return list(findings(cursor))


def test_answers_are_kept_for_a_week(clock):
    IdempotentResponse.objects.create(scope="s", key="k", fingerprint="f", status=201, content_type="", body=b"")

    clock.advance(days=6)
    assert run_hourly_cleanup()
    assert IdempotentResponse.objects.exists()
    clock.advance(days=2)
    assert run_hourly_cleanup()
    assert not IdempotentResponse.objects.exists()


def test_of_two_schedulers_one_does_the_work(clock):
    assert run_hourly_cleanup()
    assert not run_hourly_cleanup()
    clock.advance(hours=1)
    assert run_hourly_cleanup()
    assert ScheduledRun.objects.filter(schedule="tidy").count() == 2


def test_a_slot_longer_than_ticks_are_kept_is_not_done_again():
    """H18: the last tick of each schedule stays."""
    century = timedelta(days=36_500)
    with run_once_per("century", century) as is_ours:
        assert is_ours
    ScheduledRun.objects.create(schedule="monthly", slot=database_now() - timedelta(days=90))
    ScheduledRun.objects.create(schedule="monthly", slot=database_now() - timedelta(days=60))

    assert delete_expired()["ticks"] == 1

    with run_once_per("century", century) as is_ours:
        assert not is_ours
    assert ScheduledRun.objects.filter(schedule="monthly").count() == 1


def test_tokens_sessions_and_tries_go_when_they_are_over(clock):
    AuthToken.objects.create(UserFactory())
    Session.objects.create(session_key="x", expire_date=clock.now() + timedelta(hours=1))
    RateLimitBucket.objects.create(key="login:pair:x", until=clock.now() + timedelta(hours=1))

    assert not any(delete_expired().values())
    clock.advance(days=1)

    assert {name for name, count in delete_expired().items() if count} == {"tokens", "sessions", "tries"}
    assert not AuthToken.objects.exists()


def test_purge_of_old_effects_breaks_no_invariant(run_effects, mailoutbox):
    settle(run_effects)
    before = Transition.objects.count(), CreditEntry.objects.count()
    kept = set(Effect.objects.exclude(state="done").values_list("key", flat=True))

    purged = purge(database_now() + SOON)

    assert purged > 3
    left = Effect.objects.all()
    assert kept <= {effect.key for effect in left}
    assert {effect.state for effect in left if effect.transition_id and str(effect.object_id) in effect.key[:60]} <= {
        "waiting",
        "done",
    }
    assert not left.filter(kind__in=["payment.settle", "mail.payment_approved"]).exists()
    assert (Transition.objects.count(), CreditEntry.objects.count()) == before
    assert what_is_wrong() == []


def test_purged_effect_does_not_run_again(run_effects, mailoutbox):
    payment = settle(run_effects)
    purge(database_now() + SOON)
    sent = len(mailoutbox)

    run_effects()
    payment.refresh_from_db()

    assert len(mailoutbox) == sent
    assert payment.status == "succeeded"
    assert CreditEntry.objects.filter(account=payment.account).count() == 1


def test_a_key_of_ones_own_is_remembered_for_all_time(run_effects):
    assert schedule(greet, key="bell:once")
    run_effects()
    assert Effect.objects.get(key="bell:once").state == "done"

    purge(database_now() + SOON)

    assert schedule(greet, key="bell:once") is None


def test_a_link_that_was_mailed_leaves_no_address_behind(run_effects, mailoutbox):
    user = UserFactory()
    ask_for_password_reset(user.email)
    run_effects()
    assert Effect.objects.filter(payload__email=user.email).exists()

    purge(database_now() + SOON)

    assert not Effect.objects.filter(payload__email=user.email).exists()


def test_effect_that_failed_is_kept_with_its_history(run_effects, monkeypatch, advance):
    def broken(*_):
        raise ValueError("no")

    with monkeypatch.context() as patch:
        patch.setattr("workflows.mail.sending.EmailMultiAlternatives.send", broken)
        PaymentFactory()
        run_effects()
    advance(hours=1)
    run_effects()
    troubled = Effect.objects.get(kind="mail.payment_submitted")
    assert troubled.state == "done"

    purge(database_now() + SOON)

    assert Effect.objects.get(kind="mail.payment_submitted").events.count() == 1


def test_unfinished_effects_are_kept_at_any_age(mailoutbox, run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())

    assert purge(database_now() + SOON) == 0
    run_effects()
    payment.refresh_from_db()
    assert payment.status == "succeeded"


def test_a_lost_effect_is_still_found_after_a_purge(run_effects, mailoutbox):
    settle(run_effects)
    until = database_now() - timedelta(days=400)
    ScheduledRun.objects.create(schedule=PURGED, slot=until)
    settle(run_effects)
    assert what_is_wrong() == []

    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM engine_effect
               WHERE key = (SELECT key FROM engine_effect WHERE kind = 'payment.settle' ORDER BY id DESC LIMIT 1)"""
        )

    assert [line for line in what_is_wrong() if "payment.settle" in line]


def test_a_purge_that_is_cut_short_is_finished_by_the_next(run_effects, mailoutbox, monkeypatch):
    monkeypatch.setattr("engine.purge.ROWS_AT_ONCE", 1)
    settle(run_effects)
    before = database_now() + SOON

    first = purge(before, seconds=0)
    rest = purge(before)

    assert first == 1
    assert rest > 3
    assert purge(before) == 0
    assert what_is_wrong() == []


def test_recent_effects_are_kept(run_effects, mailoutbox, clock):
    settle(run_effects)

    assert delete_expired()["effects"] == 0
    clock.advance(days=399)
    assert delete_expired()["effects"] == 0
    clock.advance(days=2)
    assert delete_expired()["effects"] > 3


def test_settling_costs_what_it_cost_before_a_purge(run_effects, mailoutbox):
    settle(run_effects)
    settle(run_effects)  # from here on a mail to reviewers waits for those that follow
    with CaptureQueriesContext(connection) as before:
        settle(run_effects)
    purge(database_now() + SOON)
    with CaptureQueriesContext(connection) as after:
        settle(run_effects)

    assert len(after) == len(before)


def test_an_operator_may_purge_by_hand_but_not_what_is_young(run_effects, mailoutbox, capsys):
    settle(run_effects)

    with pytest.raises(CommandError, match="30 days at least"):
        call_command("purge", older_than=29)
    call_command("purge", older_than=30)

    assert "effects 0" in capsys.readouterr().out
