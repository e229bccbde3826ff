from __future__ import annotations

import dataclasses
from datetime import timedelta
from uuid import UUID

import pytest

from engine import Retry, RetryAfter, claim, create, effect_handler, lease, registry, schedule
from engine.models import Effect
from engine.testing import advance, run_effects
from tests.toy import outside
from tests.toy.effects import greet
from tests.toy.models import Door

pytestmark = pytest.mark.django_db(transaction=True)


class BusyError(Exception):
    pass


class VeryBusyError(BusyError):
    pass


@pytest.fixture(autouse=True)
def whole_waits(monkeypatch):
    outside.heard.clear()
    claim._serve_next.clear()
    claim._seen_all.clear()
    monkeypatch.setattr(lease.random, "uniform", lambda _, longest: longest)


@pytest.fixture
def tried(monkeypatch):
    """What becomes of an effect that raises that error each time; the waits between its attempts, in seconds."""

    def live(error, retry, *, most=20, every=timedelta(hours=2)):
        kind = dataclasses.replace(registry.kinds["toy.greet"], retry=retry, run=raises(error))
        monkeypatch.setitem(registry.kinds, "toy.greet", kind)
        door = Door(building=UUID(int=1))
        create(door)
        Effect.objects.all().update(state="skipped")
        key = schedule(greet, key=f"greet:{door.pk}", about=door)
        waits = []
        for _ in range(most):
            run_effects()
            row = Effect.objects.get(pk=key)
            if row.state != "waiting":
                break
            before = Effect.objects.values_list("run_at", flat=True).get(pk=key)
            waits.append(round((before - row.events.latest("at").at).total_seconds()))
            advance(seconds=every.total_seconds())
        return row, waits

    return live


def raises(error):
    def run(*_):
        raise error

    return run


def test_default_retry_policy_is_unchanged(tried):
    row, waits = tried(ValueError("no"), Retry())
    assert (row.state, row.attempts) == ("dead", 12)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_attempts_and_waits_are_those_that_were_said(tried):
    row, waits = tried(ValueError("no"), Retry(attempts=4, first=10, longest=30))
    assert (row.state, row.attempts, waits) == ("dead", 4, [10, 20, 30])


def test_the_nearest_class_of_an_error_says_what_counts(tried):
    rules = Retry(attempts=5, on={BusyError: Retry(attempts=3), VeryBusyError: Retry(attempts=2), KeyError: None})
    assert tried(BusyError(), rules)[0].attempts == 3
    assert tried(VeryBusyError(), rules)[0].attempts == 2
    assert tried(ValueError(), rules)[0].attempts == 5
    row, waits = tried(KeyError("card"), rules)
    assert (row.state, row.attempts, waits) == ("dead", 1, [])


def test_patience_for_one_error_is_longer_than_for_all_others(tried):
    rules = Retry(on={BusyError: Retry(patience=timedelta(days=3), longest=7200)})
    row, waits = tried(BusyError(), rules, most=60)
    assert row.state == "dead"
    assert 36 <= row.attempts <= 38  # of two hours each
    assert max(waits) == 7200


def test_retry_after_of_the_remote_is_respected(tried):
    _, waits = tried(RetryAfter("busy", after=timedelta(minutes=7)), Retry(first=1, longest=2), most=2)
    assert waits == [420, 420]


@pytest.mark.parametrize(
    "retry",
    [
        Retry(attempts=0),
        Retry(attempts=10**6),
        Retry(first=0),
        Retry(longest=-1),
        Retry(first=10, longest=5),
        Retry(on={"BusyError": None}),
        Retry(on={BusyError: Retry(attempts=0)}),
        Retry(on={KeyboardInterrupt: None}),
    ],
)
def test_invalid_retry_policy_is_refused_at_declaration(retry):
    with pytest.raises(ValueError, match=r"toy\.wrong"):
        effect_handler("toy.wrong", external=True, retry=retry)
