"""A run ends in time and gives back, uncharged, what it did not begin."""

from __future__ import annotations

import dataclasses
import os
import time
from datetime import timedelta

import psycopg
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings as django_settings
from django.db import connection
from django.db.models.functions import Now

from core.models import Account
from engine import (
    NewEffect,
    RemoteUnavailable,
    call_durations,
    claim,
    errors,
    executor,
    external_slots,
    registry,
    run_due,
    schedule_many,
    sweep,
)
from engine.models import Effect, EffectEvent, ScheduledRun
from engine.sweeper import sweep_in_turn
from engine.worker import tasks as tasks_effects
from tests.factories import AccountFactory, scheduled_mail
from workflows.mail.notifications import mail_trial_start

KIND = "mail.trial_started"


@pytest.fixture
def stand_in(monkeypatch):
    def change(kind=KIND, **changes):
        monkeypatch.setitem(registry.kinds, kind, dataclasses.replace(registry.kinds[kind], **changes))

    return change


@pytest.fixture
def interruptible(monkeypatch):
    monkeypatch.setattr(errors, "INTERRUPTIONS", [SoftTimeLimitExceeded])
    monkeypatch.setattr(executor, "INTERRUPTIONS", [SoftTimeLimitExceeded])


def schedule_mails(count):
    account = AccountFactory()
    schedule_many([NewEffect(mail_trial_start, f"scheduled:{number}", about=account) for number in range(count)])
    return Effect.objects.filter(kind=KIND)


def rows(effects):
    return sorted(effects.values_list("state", "solo", "attempts", "crashes"))


def seconds(length):
    def work(*_):
        time.sleep(length)
        return {}

    return work


@pytest.mark.django_db
def test_run_outside_ends_within_its_budget_and_gives_the_rest_back(stand_in, monkeypatch):
    """H1: a hundred calls were claimed and made in one go, however long that took."""
    monkeypatch.setattr(executor, "BUDGET", 0.3)
    stand_in(run=seconds(0.1))
    mails = schedule_mails(10)

    run_due()

    assert 1 <= mails.filter(state="done").count() <= 3
    assert {(state, *rest) for state, *rest in rows(mails)} == {("done", False, 1, 0), ("ready", False, 0, 0)}


@pytest.mark.django_db
def test_claim_is_no_larger_than_what_one_run_has_time_for(stand_in, monkeypatch):
    """H1: what could not be sent in time was leased all the same."""
    monkeypatch.setattr(call_durations, "BUDGET", 0.4)
    monkeypatch.setattr(executor, "BUDGET", 0.4)
    stand_in(run=seconds(0.1))
    schedule_mails(20)
    run_due()

    assert 1 <= len(claim.claim_fair_share("outward", 100)) <= 4
    claim._seen_all.clear()
    assert 1 <= len(claim.claim_recent(["outward"], 100)) <= 4


@pytest.mark.django_db
def test_claim_grows_again_when_calls_are_quick_again():
    for length in (1.0, *[0.001] * 25):
        call_durations.note("outward", length)

    assert call_durations.claim_limit("outward", 100) == 100


@pytest.mark.django_db
def test_run_inside_ends_within_its_budget_and_gives_the_rest_back(stand_in, monkeypatch):
    """H1, H2: what comes meanwhile waits for no more than that."""
    monkeypatch.setattr(executor, "BUDGET", 0.1)
    stand_in(run=seconds(0.06), external=False)
    mails = schedule_mails(10)

    run_due()

    done = mails.filter(state="done").count()
    assert 1 <= done <= 2
    assert mails.filter(state="ready", attempts=0, solo=False).count() == 10 - done


@pytest.mark.django_db
def test_halves_that_are_not_begun_in_time_are_given_back(stand_in, monkeypatch):
    """H1: a batch that fails is repeated in halves within the same run, as far as there is time."""
    monkeypatch.setattr(executor, "BUDGET", 0.1)

    def fail_late(*_):
        time.sleep(0.15)
        raise RuntimeError("no")

    stand_in(run=fail_late, external=False, batch=10)
    mails = schedule_mails(4)

    run_due()

    assert rows(mails) == [("ready", True, 0, 0)] * 4


@pytest.mark.django_db
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("is_external", [True, False])
def test_soft_time_limit_charges_no_effect_of_a_batch(stand_in, is_external):
    """H1: Celery's soft limit hit the mail that was being sent, and counted as its failure."""

    def interrupted(*_):
        raise SoftTimeLimitExceeded

    stand_in(run=interrupted, external=is_external)
    mails = schedule_mails(3)

    run_due()

    assert {row[0] for row in rows(mails)} == {"ready"}
    assert {row[2:] for row in rows(mails)} == {(0, 0)}
    assert not EffectEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("interruptible")
def test_limit_of_the_worker_is_the_failure_of_one_that_ran_alone(stand_in):
    """H1: else one that hears no deadline would take a worker's time for ever."""

    def interrupted(*_):
        raise SoftTimeLimitExceeded

    stand_in(run=interrupted)
    mails = schedule_mails(1)

    run_due()
    run_due(alone=True)

    assert rows(mails) == [("waiting", True, 1, 0)]


@pytest.mark.django_db
def test_one_of_many_that_must_run_alone_is_claimed_at_a_time():
    """H6: each had a message of its own, again at every sweep."""
    mails = schedule_mails(3000)
    mails.update(solo=True, run_at=Now() - timedelta(hours=1))

    batches = sweep()

    assert len(batches) <= 25
    assert len(claim.claim_alone(["inward", "outward"])) == 1
    assert run_due(alone=True) == 1


@pytest.mark.django_db
def test_sweep_in_turn_runs_once_a_second_when_the_clock_jumps():
    """H6, and a clock that was set back."""
    schedule_mails(1).update(state="waiting", run_at=Now() - timedelta(minutes=1))
    assert len(sweep_in_turn()) == 1

    Effect.objects.filter(kind=KIND).update(state="waiting")
    assert sweep_in_turn() == []

    for moment in (Now() - timedelta(minutes=5), Now() + timedelta(hours=1)):
        ScheduledRun.objects.filter(schedule="swept").update(slot=moment)
        Effect.objects.filter(kind=KIND).update(state="waiting")
        assert len(sweep_in_turn()) == 1


@pytest.mark.django_db
def test_worker_sweeps_before_it_looks_and_does_what_must_run_alone_in_turn(monkeypatch, stand_in):
    """H6: sweeps were messages behind those that they should help."""
    done = []
    stand_in(run=lambda _, effect: done.append(effect.solo) or {})
    mails = schedule_mails(6)
    mails.update(state="waiting", run_at=Now() - timedelta(minutes=1))
    alone = list(mails.order_by("key").values_list("pk", flat=True)[:2])
    Effect.objects.filter(pk__in=alone).update(solo=True)
    monkeypatch.setattr(tasks_effects, "_sweep_at", 0.0)
    monkeypatch.setattr(tasks_effects, "notify", lambda *_, **__: None)
    claim._seen_all.clear()

    while tasks_effects._look():
        pass

    assert sorted(done) == [False] * 4 + [True] * 2
    assert done[-1] is False or done[0] is True
    assert set(mails.values_list("state", flat=True)) == {"done"}


def test_one_process_of_a_worker_stays_inside(monkeypatch):
    """H2: both children were outside, and approvals waited until one was killed."""
    monkeypatch.setattr(external_slots, "_file", None)
    external_slots.limit_to(1)
    assert external_slots.enter()
    assert in_another_process() == "full"

    external_slots.leave()

    assert in_another_process() == "free"
    assert external_slots.enter()  # the slot of a dead process is free
    external_slots.leave()
    external_slots._file.close()


def in_another_process():
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        external_slots._held = None
        os.write(write, b"free" if external_slots.enter() else b"full")
        os._exit(0)  # without leave()
    os.waitpid(child, 0)
    answer = os.read(read, 10).decode()
    os.close(read)
    os.close(write)
    return answer


@pytest.mark.django_db
def test_process_that_may_not_go_outside_leaves_it_to_others(monkeypatch):
    """H2: and looks for what is inside."""
    mails = schedule_mails(3)
    monkeypatch.setattr(external_slots, "enter", lambda: False)

    assert run_due() == run_due(lately=True) == run_due(alone=True) == run_due(list(mails.values_list("pk", flat=True)))
    assert set(mails.values_list("state", "fence")) == {("ready", 0)}


@pytest.mark.django_db(transaction=True)
def test_locked_row_keeps_nobody_else_waiting(stand_in):
    """H9: a batch waited for it until the deadline of all."""
    stand_in(run=rename, external=False, batch=100)
    mails = [scheduled_mail() for _ in range(12)]
    effects = Effect.objects.filter(kind=KIND)
    database = connection.get_connection_params()
    names = {key: database[key] for key in ("host", "port", "user", "password", "dbname") if key in database}

    with psycopg.connect(**names) as other:
        other.execute("SELECT FROM core_account WHERE id = %s FOR UPDATE", [mails[7].account_id])
        started = time.monotonic()
        run_due([mail.pk for mail in mails])
        taken = time.monotonic() - started
        other.rollback()

    assert effects.filter(state="done").count() == 11
    assert rows(effects.filter(pk=mails[7].pk)) == [("ready", True, 0, 0)]
    assert taken < 3
    assert run_due(alone=True) == 1
    assert not effects.exclude(state="done").exists()


def rename(accounts, effects):
    for account in accounts:
        Account.objects.filter(pk=account.pk).update(name="Renamed")


@pytest.mark.django_db
def test_breaker_and_budget_leave_no_mail_charged_when_nobody_answers(stand_in):
    """H1: sixty mails to a server that hangs, and most of them were said to have lost their worker."""

    def hang(*_):
        time.sleep(0.05)
        raise RemoteUnavailable("no greeting")

    stand_in(run=hang)
    mails = schedule_mails(20)

    for _ in range(8):
        run_due()
        mails.filter(state="waiting").update(state="ready", run_at=Now())

    assert {row[1:] for row in rows(mails)} == {(False, 0, 0)}


def test_worker_has_longer_than_a_run_and_a_lease_has_longer_still():
    """H1: the slice, the budget inside and outside, and a call that began just before its end."""
    from engine.lease import LEASE
    from engine.worker.app import app

    longest = max(kind.timeout for kind in registry.kinds.values() if kind.lane != registry.SLOW).total_seconds()
    assert longest <= registry.LONGEST_TIMEOUT
    run_lasts = tasks_effects.MAX_RUNTIME + 2 * call_durations.BUDGET + registry.LONGEST_TIMEOUT
    assert run_lasts < app.conf.task_soft_time_limit < app.conf.task_time_limit < LEASE.total_seconds()
    assert django_settings.ENGINE_WORKER_CONCURRENCY == 2
