from __future__ import annotations

import dataclasses
import threading
import time
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.env import rate as rate_of_environment
from engine import (
    NewEffect,
    blocked,
    call_durations,
    claim,
    create_many,
    effect_handler,
    registry,
    run_due,
    schedule_many,
    throttles,
)
from engine.models import Effect, Throttle
from engine.registry import time_between
from engine.testing import advance, run_effects
from tests.toy import outside
from tests.toy.effects import greet, page_porter
from tests.toy.models import Door

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet_far_side():
    outside.heard.clear()
    claim._serve_next.clear()
    claim._seen_all.clear()


@pytest.fixture
def limit(monkeypatch):
    """Let greetings, and other kinds that are named, share a rate."""

    def set_rate(rate, *names):
        monkeypatch.setitem(registry.rates, "toys", rate and time_between(rate))
        for name in names or ["toy.greet"]:
            kind = dataclasses.replace(registry.kinds[name], throttle="toys")
            monkeypatch.setitem(registry.kinds, name, kind)

    return set_rate


@pytest.fixture
def sleeps(monkeypatch):
    """A worker's patience, with a clock of our own: what it sleeps passes for the rows."""
    slept = []

    def pause(seconds):
        slept.append(seconds)
        advance(seconds=seconds)

    monkeypatch.setattr(throttles, "sleeps_until_free", True)
    monkeypatch.setattr(throttles, "sleep", pause)
    return slept


def schedule_some(count, handler=greet):
    door = Door(building=UUID(int=1))
    create_many([door])
    Effect.objects.filter(transition__isnull=False).update(state="done")
    schedule_many([NewEffect(handler, f"{handler.__name__}:{n}", about=door) for n in range(count)])


def heard():
    return [key for _, key in outside.heard]


def test_no_more_go_at_a_time_than_the_rate_allows_and_nobody_is_charged(limit):
    limit("14/s")
    schedule_some(20)

    run_effects()
    assert len(heard()) == 1  # nothing is saved up
    left = Effect.objects.filter(state="ready")
    assert {(one.attempts, one.last_error) for one in left} == {(0, "")}

    advance(seconds=0.08)
    run_effects()
    assert len(heard()) == 2
    for _ in range(18):
        advance(seconds=1)
        run_effects()
    assert len(heard()) == len(set(heard())) == 20


def test_throttled_effect_is_not_claimed(limit):
    limit("1/h")
    schedule_some(5)
    run_effects()

    assert run_due() == 0
    assert set(Effect.objects.filter(state="ready").values_list("fence", flat=True)) == {1}  # claimed once, given back
    advance(minutes=59)
    assert run_due() == 0
    advance(minutes=1, seconds=1)
    assert run_due() > 0
    assert len(heard()) == 2


def test_kinds_that_share_a_throttle_are_counted_together_and_others_go_on(limit):
    limit("1/h", "toy.greet", "toy.log")
    schedule_some(3)
    schedule_some(3, registry.kinds["toy.log"].run)
    schedule_some(3, page_porter)
    run_effects()

    done = Effect.objects.filter(state="done", transition=None)
    assert done.filter(kind="toy.page").count() == 3
    assert done.exclude(kind="toy.page").count() == 1


def test_a_worker_sleeps_until_the_moment_comes_as_long_as_its_run_may_last(limit, sleeps):
    limit("10/s")
    schedule_some(12)
    run_due()

    assert len(heard()) == 12
    assert len(sleeps) == 11
    assert all(0.05 < slept <= 0.12 for slept in sleeps)
    assert call_durations.expected("outward") > 0.02  # so that no more is claimed than a run has time for


def test_a_worker_does_not_sleep_for_what_no_run_can_wait_for(limit, sleeps):
    limit("1/m")
    schedule_some(3)
    run_due()

    assert (len(heard()), sleeps) == (1, [])
    assert Effect.objects.filter(state="ready").count() == 2


def test_an_operator_s_rate_counts_instead_of_the_declared_one_and_opens_at_once(limit):
    limit("1/h")
    schedule_some(4)
    run_effects()
    Throttle.objects.update(rate="2/s", every=time_between("2/s"))
    blocked.invalidate()  # the moment of before is an hour ahead

    run_effects()
    assert len(heard()) == 2

    limit(None)
    Throttle.objects.update(rate="", every=None)
    blocked.invalidate()
    run_effects()
    assert len(heard()) == 4


def test_a_clock_that_was_set_back_does_not_close_it_for_ever(limit):
    limit("1/m")
    schedule_some(2)
    Throttle.objects.create(name="toys", free_at="2099-01-01T00:00Z")
    blocked.invalidate()

    run_effects()
    assert len(heard()) == 1
    advance(seconds=61)
    run_effects()
    assert len(heard()) == 2


def test_a_far_side_that_counts_is_never_asked_too_often_by_several_processes(limit, monkeypatch):
    """Its own second, wherever it begins, has at most so many calls."""
    limit("40/s")
    monkeypatch.setattr(throttles, "sleeps_until_free", True)
    schedule_some(60)
    moments, lock = [], threading.Lock()

    def note(*_):
        with lock:
            moments.append(time.monotonic())
        return {}

    monkeypatch.setitem(
        registry.kinds, "toy.greet", dataclasses.replace(registry.kinds["toy.greet"], run=note, ordered=False)
    )

    def work():
        ends = time.monotonic() + 10
        while len(moments) < 60 and time.monotonic() < ends:
            run_due(limit=10)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(moments) == 60
    moments.sort()
    in_a_second = [sum(1 for other in moments if first <= other < first + 1) for first in moments]
    assert max(in_a_second) <= 40
    assert moments[-1] - moments[0] < 4  # and it is used


@pytest.mark.parametrize("rate", ["0/s", "14", "14/d", "-1/s", "1.5/s", "14/s ", "1000000/s", "\u0661/s", ""])
def test_invalid_rate_is_refused(rate, monkeypatch):
    with pytest.raises(ValueError, match="no rate"):
        time_between(rate)
    if rate:
        with pytest.raises(ValueError, match="no rate"):
            effect_handler("toy.wrong", external=True, rate=rate)
        with pytest.raises(IntegrityError), atomic():
            Throttle.objects.create(name="toys", rate=rate[:10], every=timedelta(1))
        monkeypatch.setenv("MAIL_RATE", rate)
        with pytest.raises(Exception, match="must read like"):
            rate_of_environment("MAIL_RATE")


def test_declarations_that_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="for external effects"):
        effect_handler("toy.wrong", rate="1/s")
    effect_handler("toy.one", external=True, rate="1/s", throttle="shared")
    try:
        with pytest.raises(ValueError, match="another rate"):
            effect_handler("toy.two", external=True, rate="2/s", throttle="shared")
    finally:
        del registry.rates["shared"]
    with pytest.raises(IntegrityError), atomic():
        Throttle.objects.create(name="toys", rate="1/s")
    with pytest.raises(IntegrityError), atomic():
        Throttle.objects.create(name="toys", every=timedelta(1))


def test_mails_of_every_kind_share_one_throttle():
    mails = [kind for name, kind in registry.kinds.items() if name.startswith("mail.")]
    assert {kind.throttle for kind in mails} == {"mail"}
    assert len(mails) > 20
