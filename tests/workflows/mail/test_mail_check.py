from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core.models import SecurityEvent
from core.problems import Conflict, PermissionDenied
from engine.models import CircuitBreaker, Effect
from tests.factories import MembershipFactory, UserFactory, scheduled_mail
from workflows.mail.mail_check import delivered_tests, failing_mails, latest_tests, send_test_mail, unreachable_kinds
from workflows.periods import database_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return UserFactory(email="ann@staff.test", is_staff=True)


@pytest.fixture
def server(settings):
    settings.EMAIL_HOST, settings.EMAIL_PORT = "mail.example.test", 587
    return settings


def test_test_mail_goes_to_who_asks_and_says_that_mail_works(ann, server, run_effects, mailoutbox):
    send_test_mail(by=ann)
    assert not delivered_tests().exists()

    run_effects()

    assert [(mail.subject, mail.to) for mail in mailoutbox] == [("A test: mail works", ["ann@staff.test"])]
    assert "mail.example.test:587" in mailoutbox[0].body
    assert delivered_tests().exists()
    (test,) = latest_tests(5)
    assert (test.by, test.effect.state) == (ann, "done")
    assert SecurityEvent.objects.get(name="test_mail_asked").facts == {"effect": str(test.effect.pk)}


def test_mail_to_another_server_than_now_says_nothing(ann, server, run_effects):
    send_test_mail(by=ann)
    run_effects()

    server.EMAIL_HOST = "other.example.test"
    assert not delivered_tests().exists()
    server.EMAIL_HOST = "mail.example.test"
    server.EMAIL_BACKEND = "workflows.mail.file_backend.EmlBackend"
    assert not delivered_tests().exists()


def test_second_test_mail_waits_for_the_first(ann, server, run_effects):
    send_test_mail(by=ann)

    with pytest.raises(Conflict):
        send_test_mail(by=ann)
    send_test_mail(by=UserFactory(is_staff=True))
    run_effects()
    send_test_mail(by=ann)

    assert len(latest_tests(5, of=ann)) == 2
    assert len(latest_tests(5)) == 3


def test_test_mail_is_for_staff():
    for person in (MembershipFactory().user, UserFactory(is_staff=True, is_active=False)):
        with pytest.raises(PermissionDenied):
            send_test_mail(by=person)

    assert not Effect.objects.filter(kind="mail.test").exists()


def test_somebody_who_left_meanwhile_gets_nothing(ann, server, run_effects, mailoutbox):
    send_test_mail(by=ann)
    ann.is_active = False
    ann.save()

    run_effects()

    assert mailoutbox == []
    assert not delivered_tests().exists()


def test_purged_effect_of_a_test_is_left_out(ann, server):
    facts = {"effect": "01900000-0000-7000-8000-000000000000"}
    SecurityEvent.objects.create(name="test_mail_asked", actor=ann.pk, person=ann.pk, facts=facts)

    assert latest_tests(5) == []


def test_failing_mails_are_those_given_up_and_those_to_be_tried_again():
    dead, failing, waiting, done = (scheduled_mail(name=name) for name in "abcd")
    Effect.objects.filter(pk=dead.pk).update(state="dead", attempts=1, fence=1)
    Effect.objects.filter(pk=failing.pk).update(state="waiting", attempts=1, fence=1, failing_since=Now())
    Effect.objects.filter(pk=waiting.pk).update(state="waiting")
    Effect.objects.filter(pk=done.pk).update(state="done")
    Effect.objects.exclude(pk__in=[dead.pk, failing.pk, waiting.pk, done.pk]).update(state="dead")

    found = failing_mails(5)

    assert [effect.pk for effect in found if effect.kind == "mail.trial_started"] == [failing.pk, dead.pk]
    assert {effect.kind.partition(".")[0] for effect in found} == {"mail"}
    assert len(failing_mails(1)) == 1


def test_kind_of_mail_is_unreachable_while_its_breaker_is_open():
    later, before = database_now() + timedelta(minutes=1), database_now() - timedelta(minutes=1)
    CircuitBreaker.objects.create(kind="mail.test", failures=3, paused_until=later)
    CircuitBreaker.objects.create(kind="mail.invoice_issued", failures=3, paused_until=before)
    CircuitBreaker.objects.create(kind="webhook", failures=3, paused_until=later)

    assert [breaker.kind for breaker in unreachable_kinds()] == ["mail.test"]
