from __future__ import annotations

import dataclasses
import smtplib
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from django.urls import reverse

from engine import (
    NewEffect,
    PermanentFailure,
    RemoteUnavailable,
    Unanswered,
    claim,
    create_many,
    lease,
    registry,
    schedule_many,
)
from engine.failures import failures
from engine.lease import cause_of
from engine.models import Effect
from engine.testing import run_effects
from tests.api.conftest import Caller
from tests.factories import OperatorFactory
from tests.toy import outside
from tests.toy.effects import greet, page_porter
from tests.toy.models import Door

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet_far_side(monkeypatch):
    monkeypatch.setattr(lease.random, "uniform", lambda _, longest: longest)  # a first wait may be none at all
    outside.heard.clear()
    claim._serve_next.clear()
    claim._seen_all.clear()


@pytest.fixture
def fail(monkeypatch):
    def with_errors(*errors, handler=greet):
        door = Door(building=UUID(int=1))
        create_many([door])
        Effect.objects.filter(transition__isnull=False).update(state="done", done_at=Now())
        schedule_many([NewEffect(handler, f"{handler.__name__}:{n}", about=door) for n in range(len(errors))])
        left = iter(errors)

        def run(*_):
            raise next(left)

        name = handler.kind.name
        with monkeypatch.context() as patch:
            patch.setitem(registry.kinds, name, dataclasses.replace(registry.kinds[name], run=run))
            run_effects()

    return with_errors


def follows(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ValueError("no such a@example.test"), "ValueError"),
        (smtplib.SMTPDataError(452, b"disk full"), "smtplib.SMTPDataError 452"),
        (smtplib.SMTPRecipientsRefused({"a@example.test": (450, b"later")}), "smtplib.SMTPRecipientsRefused 450"),
        (follows(PermanentFailure("no"), smtplib.SMTPDataError(554, b"spam")), "engine.errors.PermanentFailure 554"),
        (follows(RemoteUnavailable("no"), OSError("refused")), "engine.errors.RemoteUnavailable"),
        (type("X" * 200, (Exception,), {})(), None),
    ],
)
def test_a_cause_is_the_same_for_the_same_trouble_and_names_nobody(error, cause):
    assert cause_of(error) == cause or (cause is None and len(cause_of(error)) == 120)
    assert "example.test" not in cause_of(error)


def test_failures_are_told_apart_by_cause_and_by_what_was_tried(fail):
    data = smtplib.SMTPDataError(452, b"disk full")
    fail(PermanentFailure("a"), data, PermanentFailure("b"), data, PermanentFailure("c"))
    fail(RemoteUnavailable("nobody there"), handler=page_porter)

    found = {(group.kind, group.cause, group.state, group.tried, group.count) for group in failures()}
    assert found == {
        ("toy.greet", "engine.errors.PermanentFailure", "dead", "attempted", 3),
        ("toy.greet", "smtplib.SMTPDataError 452", "waiting", "attempted", 2),
        ("toy.page", "engine.errors.RemoteUnavailable", "waiting", "never", 1),
    }
    largest = failures()[0]
    assert Effect.objects.get(pk=largest.example).cause == largest.cause
    assert largest.oldest <= Effect.objects.get(pk=largest.example).created_at


def test_effects_in_doubt_are_a_group_of_their_own(fail):
    fail(Unanswered("did not say"), handler=page_porter)

    (group,) = failures()
    assert (group.state, group.tried, group.cause) == ("uncertain", "uncertain", "engine.errors.Unanswered")


def test_effect_that_succeeds_has_no_cause(fail):
    fail(smtplib.SMTPDataError(452, b"disk full"))
    Effect.objects.filter(state="waiting").update(run_at=Now())
    run_effects()

    assert failures() == []
    assert set(Effect.objects.values_list("cause", flat=True)) == {""}


def test_a_group_is_tried_again_alone(fail):
    data = smtplib.SMTPDataError(552, b"too large")
    fail(PermanentFailure("a"), follows(PermanentFailure("b"), data), follows(PermanentFailure("c"), data))
    operator = OperatorFactory()
    out = StringIO()
    call_command("effects", "failures", stdout=out)
    assert "2 toy.greet dead, attempted: engine.errors.PermanentFailure 552" in out.getvalue()
    cause = "engine.errors.PermanentFailure 552"
    call_command("effects", "retry", "--kind=toy.greet", f"--cause={cause}", f"--by={operator.email}", stdout=out)
    assert "2 will be tried again" in out.getvalue()
    run_effects()

    (left,) = failures()
    assert (left.cause, left.count) == ("engine.errors.PermanentFailure", 1)


def test_the_api_and_the_desk_show_them_and_retry_one_group(fail, client):
    fail(PermanentFailure("a"), follows(PermanentFailure("b"), smtplib.SMTPDataError(552, b"too large")))
    operator = OperatorFactory()
    caller = Caller(operator)
    causes = {row["cause"] for row in caller.get("workflows/failures/").json()["results"]}
    cause = "engine.errors.PermanentFailure 552"
    assert causes == {"engine.errors.PermanentFailure", cause}
    client.force_login(operator)
    page = client.get(reverse("effects")).content.decode()
    assert "Failures by cause" in page
    chosen = {"state": "dead", "kind": "toy.greet", "cause": cause}
    assert len(client.get(reverse("effects"), chosen).context["rows"]) == 1
    assert "Try 1 effect again" in client.post(reverse("effects_retry"), chosen).content.decode()

    answer = caller.post("workflows/effects/bulk-retry/", {"kind": "toy.greet", "cause": cause})
    assert answer.json() == {"matched": 1, "retried": 1}
    assert Effect.objects.filter(state="dead").count() == 1
