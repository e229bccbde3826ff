"""Nothing that is sent breaks anything: never a 5xx, always a problem document, and no row changed by a refusal.

A seeded sample runs with every `make test`, the whole with `make hostile`.
"""

from __future__ import annotations

import json
import random
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

import pytest
from django.db.transaction import atomic, set_rollback
from rest_framework.test import APIClient

from core.validation.text import has_visible_character
from core.wsgi import Request
from tests.api.bad_inputs import Attack, attacks, is_kept, odd_attacks, request_judge, texts_of
from tests.api.caller import Caller
from tests.api.matrix import actor_of
from tests.api.published import must_conform, operations
from tests.api.scenario import Scenario, digest
from tests.odd_texts import some_odd_texts
from tests.stored_texts import wrong_texts

pytestmark = pytest.mark.django_db
LEAKS = (b"Traceback", b"psycopg", b"SELECT ", b"site-packages", b"django.")
SAMPLE = 300


@pytest.fixture
def _django_db_helper(scenario: Scenario) -> None:
    """The transaction of the world stands for one of each test."""


@pytest.fixture(autouse=True)
def a_long_day(settings, no_log) -> None:
    """More tries than anybody has."""
    settings.LIMITS = {name: {} for name in settings.LIMITS}
    settings.ACCOUNT_LIMITS = {}


@pytest.fixture(autouse=True)
def request_as_served(monkeypatch) -> None:
    """Django's client makes a request of its own class, which no server of ours does."""
    monkeypatch.setattr("django.test.client.WSGIRequest", Request)


@pytest.fixture(scope="module")
def counted() -> Iterator[Counter[int]]:
    """How often each status was answered; printed at the end with -s."""
    counter: Counter[int] = Counter()
    yield counter
    sys.stdout.write(f"\n  {counter.total()} hostile requests: {dict(sorted(counter.items()))}\n")


@pytest.mark.hostile
@pytest.mark.parametrize("name", operations())
def test_each_value_in_each_place(name, scenario, counted):
    assault(scenario, attacks(scenario, name), counted)


def test_some_values_in_some_places(scenario, counted, seed):
    everything = [attack for name in operations() for attack in attacks(scenario, name)]

    assert len(everything) > 10_000
    assault(scenario, random.sample(everything, SAMPLE), counted)


@pytest.mark.hostile
@pytest.mark.parametrize("name", operations())
def test_many_odd_texts_in_each_place(name, scenario, counted, seed):
    assault(scenario, odd_attacks(scenario, name, partial(some_odd_texts, 75)), counted)


def test_some_odd_texts_in_some_places(scenario, counted, seed):
    """One of each kind for every place, and some of these."""
    one_each = partial(some_odd_texts, 3)
    every = [attack for name in operations() for attack in odd_attacks(scenario, name, one_each)]

    assert len(every) > 2000
    assault(scenario, random.sample(every, SAMPLE), counted)


def test_texts_are_found_in_bodies():
    fields = {(name, part.place): (part.longest, part.kind) for name in operations() for part in texts_of(name)}

    assert fields["POST billing/admin/payments/confirm/", ("manual_reference",)] == (140, "")
    assert fields["POST billing/admin/payments/confirm/", ("proof_url",)] == (1000, "link")
    assert fields["POST auth/register/", ("billing_email",)] == (254, "email")
    assert len(fields) > 60


def test_request_judge_refuses_a_wrong_body():
    judge = request_judge("POST credits/consume/")

    assert judge.is_valid({"amount": 1, "reference": "r"})
    for odd in ({"amount": 0}, {"amount": "1"}, {"reference": ""}, {"reference": "a\nb"}, {"more": 1}):
        assert not judge.is_valid({"amount": 1, "reference": "r"} | odd)


def assault(scenario: Scenario, tried: Iterable[Attack], counted: Counter[int]) -> None:
    """Everything is tried, then all that went wrong is said at once."""
    before, refused, wrong = digest(), [], []
    for number, attack in enumerate(tried):
        with atomic():
            started = time.thread_time()  # not of the clock: other processes of the machine do not count
            answer = send(scenario.callers[actor_of(attack.name)], attack)
            took = time.thread_time() - started
            if answer.status_code < 400:
                wrong += [f"{attack} stored {text}" for text in wrong_texts()]
                set_rollback(True)
            else:
                refused.append(str(attack))
        counted[answer.status_code] += 1
        try:
            check(attack, answer)
            assert took < 2, f"{attack} took {took:.1f} s"
        except AssertionError as error:
            wrong.append(str(error))
        if number % 100 == 99:
            assert digest() == before, f"one of these changed something: {refused}"
            refused = []
    assert digest() == before, f"one of these changed something: {refused}"
    assert not wrong, f"{len(wrong)} went wrong:\n" + "\n".join(wrong[:20])


def send(caller: Caller, attack: Attack):
    method = attack.name.split(" ")[0]
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in attack.headers.items()}
    anybody = APIClient(raise_request_exception=False)  # a client's own credentials would replace those of the attack
    return anybody.generic(
        method, attack.path, attack.body or b"", attack.content_type, **{**caller.client._credentials, **headers}
    )


def is_taken_rightly(attack: Attack) -> bool:
    """By the schema, but for what none can say: length is counted in NFC, of a password as typed; unseen is empty."""
    body, judge = json.loads(attack.body), request_judge(attack.name)
    if judge.is_valid(body):
        return True
    seen = {
        name: "" if isinstance(each, str) and not has_visible_character(each) else each for name, each in body.items()
    }
    return judge.is_valid(json.loads(unicodedata.normalize("NFC", json.dumps(seen, ensure_ascii=False))))


def check(attack: Attack, answer) -> None:
    said = f"{attack}\n{answer.status_code} {answer.content[:400]!r}"
    assert answer.status_code < 500, said
    must_conform(answer)
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json", said
        document = answer.json()
        assert document["request_id"] == answer["X-Request-ID"], said
        assert {"type", "title", "status", "detail", "instance"} <= document.keys(), said
        assert not [leak for leak in LEAKS if leak in answer.content], said
        return
    if attack.body and not attack.content_type.startswith("multipart/"):
        assert is_taken_rightly(attack), f"taken against the schema: {said}"
    if attack.sent is not None and answer.content:
        name, text = attack.sent
        assert is_kept(name, text, answer.json().get(name)), f"not as it was sent: {said}"
