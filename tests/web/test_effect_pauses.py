from __future__ import annotations

import pytest
from django.urls import reverse

from engine.models import Effect, EffectPause, Throttle
from engine.pauses import pauses
from tests.api.conftest import Caller
from tests.factories import OperatorFactory, StaffFactory, scheduled_mail

pytestmark = pytest.mark.django_db

PAGE = "/desk/effects/pauses/"


@pytest.fixture
def operator():
    return OperatorFactory()


@pytest.fixture
def desk(client, operator):
    client.force_login(operator)
    return client


def test_staff_pause_let_some_go_and_resume(desk, operator, mailoutbox, run_effects):
    for number in range(3):
        scheduled_mail(name=f"A{number}", billing_email=f"a{number}@example.test")
    Effect.objects.exclude(kind="mail.trial_started").update(state="skipped")
    desk.post(PAGE, {"scope": "outward", "name": "", "reason": "after the restore", "hours": "4"})
    paused = pauses().get()
    assert (paused.by, paused.until is not None) == (operator, True)
    run_effects()
    assert mailoutbox == []
    assert "Paused: outward" in desk.get(reverse("effects")).content.decode()
    page = desk.get(PAGE).content.decode()
    assert "3 due and stopped" in page
    assert "after the restore" in page

    desk.post(f"{PAGE}{paused.pk}/let-go/", {"count": "2"})
    run_effects()
    assert len(mailoutbox) == 2
    desk.post(f"{PAGE}{paused.pk}/resume/")
    run_effects()
    assert len(mailoutbox) == 3
    assert not pauses().exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "kind", "name": "mail.unknown"},
        {"scope": "tenant", "name": "ann"},
        {"reason": ""},
        {"scope": "some"},
        {"hours": "-1"},
    ],
)
def test_invalid_pause_is_shown_beside_its_field(desk, wrong):
    answer = desk.post(PAGE, {"scope": "all", "name": "", "reason": "why", **wrong})
    assert answer.status_code in (200, 400)
    assert not EffectPause.objects.exists()


@pytest.mark.parametrize("count", ["0", "", "x", "1001", "9" * 30])
def test_a_number_that_is_none_lets_nothing_go(desk, count):
    desk.post(PAGE, {"scope": "all", "name": "", "reason": "why"})
    paused = pauses().get()
    assert desk.post(f"{PAGE}{paused.pk}/let-go/", {"count": count}).status_code == 302
    paused.refresh_from_db()
    assert paused.let_go == []
    assert desk.post(f"{PAGE}{paused.pk}/burn/").status_code == 404
    desk.post(f"{PAGE}{paused.pk}/resume/")
    assert desk.post(f"{PAGE}{paused.pk}/resume/").status_code == 302  # said, and nothing changed


def test_the_rate_is_set_and_taken_back(desk):
    desk.post(f"{PAGE}rate/", {"throttle": "mail", "rate": "10/s"})
    assert Throttle.objects.get().rate == "10/s"
    assert desk.post(f"{PAGE}rate/", {"throttle": "mail", "rate": "fast"}).status_code == 400
    desk.post(f"{PAGE}rate/", {"throttle": "mail", "rate": ""})
    assert (Throttle.objects.get().rate, Throttle.objects.get().every) == ("", None)


def test_other_staff_are_refused(client):
    client.force_login(StaffFactory())
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"scope": "all", "reason": "why"}).status_code == 403


def test_the_api_does_the_same(operator):
    caller = Caller(operator)
    scheduled_mail()
    made = caller.post("workflows/pauses/", {"scope": "kind", "name": "mail.trial_started", "reason": "why"})
    assert made.status_code == 201
    assert (made.json()["waiting"], made.json()["let_go"]) == (1, 0)
    path = f"workflows/pauses/{made.json()['id']}/"
    assert (
        caller.post("workflows/pauses/", {"scope": "kind", "name": "mail.trial_started", "reason": "why"})
        .json()["type"]
        .endswith("wrong-state")
    )
    assert caller.get("workflows/pauses/").json()["results"][0]["name"] == "mail.trial_started"
    assert caller.post(f"{path}let-go/", {"count": 5}).json() == {"let_go": 1, "waiting": 0}
    assert caller.post(f"{path}resume/", {}).json() == {"waited": 0}
    assert caller.post(f"{path}resume/", {}).status_code == 409
    assert caller.post("workflows/pauses/", {"scope": "kind", "name": "no", "reason": "why"}).status_code == 400

    assert caller.post("workflows/rates/", {"throttle": "mail", "rate": "10/s"}).json() == {
        "throttle": "mail",
        "rate": "10/s",
        "seconds": 0.11,
    }
    assert caller.post("workflows/rates/", {"throttle": "mail", "rate": "x"}).status_code == 400
    assert caller.get("workflows/rates/").json()["results"][0]["rate"] == "10/s"
