from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError
from django.db.transaction import atomic, set_rollback
from django.urls import reverse

from core.models import RefusalCount, SecurityEvent, User
from core.observability.logging import JsonFormatter, TextFormatter
from core.security.events import account_digest, record_refusal
from core.security.sessions import CONFIRMED_AT
from engine.models import Effect
from tests.api.conftest import Caller
from tests.factories import PASSWORD, MembershipFactory, StaffFactory, UserFactory
from tests.web.conftest import signed_in
from workflows.actions.passwords import reset_password
from workflows.actions.people import change_password, sign_out_everywhere
from workflows.actions.personal import export_person
from workflows.mail.signed_links import RESET

pytestmark = pytest.mark.django_db

LOGIN = "/api/v1/auth/login/"


@pytest.fixture
def ann():
    return with_password(MembershipFactory(user__email="ann@acme.test").user)


def with_password(person: User) -> User:
    person.set_password(PASSWORD)
    person.save()
    return person


def facts(caplog, name: str) -> list[dict]:
    return [record.facts for record in caplog.records if record.name == "countersign.security" and record.msg == name]


@pytest.fixture
def caplog(caplog):
    caplog.set_level(logging.INFO, "countersign.security")
    return caplog


SIGN_IN_BY = {
    "API": lambda client, email: client.post(
        LOGIN, json.dumps({"email": email, "password": "wrong"}), content_type="application/json"
    ),
    "page": lambda client, email: client.post("/login/", {"username": email, "password": "wrong"}),
    "admin": lambda client, email: client.post("/admin/login/", {"username": email, "password": "wrong"}),
}


@pytest.mark.guards("S16", "core.security.events.record_refusal")
@pytest.mark.parametrize("where", SIGN_IN_BY)
@pytest.mark.parametrize("email", ["ann@acme.test", "nobody@acme.test"])
def test_refused_sign_in_is_a_line_with_a_digest_and_is_counted(client, ann, caplog, where, email):
    """S16: nobody heard of guessing."""
    SIGN_IN_BY[where](client, email.upper())

    (said,) = facts(caplog, "sign_in_refused")
    assert (said["account"], said["network"]) == (account_digest(email), "127.0.0.1")
    assert email not in str(caplog.records).lower()
    assert RefusalCount.objects.get(event="sign_in_refused").total == 1


@pytest.mark.guards("S16", "core.security.events.log_event")
@pytest.mark.parametrize("where", ["API", "page"])
def test_sign_in_is_a_line(client, ann, caplog, where):
    """S16: nor of one that works."""
    if where == "API":
        body = json.dumps({"email": ann.email, "password": PASSWORD})
        client.post(LOGIN, body, content_type="application/json")
    else:
        client.post("/login/", {"username": ann.email, "password": PASSWORD})

    (said,) = facts(caplog, "sign_in")
    assert said["actor"] == str(ann.pk)
    assert not RefusalCount.objects.exists()


def test_too_many_tries_are_counted(client, ann, caplog, settings):
    settings.LIMITS = {**settings.LIMITS, "login": {"pair": (1, timedelta(hours=1))}}

    for _ in range(3):
        SIGN_IN_BY["API"](client, ann.email)

    assert dict(RefusalCount.objects.values_list("event", "total")) == {"sign_in_refused": 1, "too_many_tries": 2}
    assert facts(caplog, "too_many_tries")[0]["limit"] == "login"


@pytest.mark.guards("S16", "core.security.events.record_event")
def test_security_events_are_stored_and_logged(ann, caplog, django_capture_on_commit_callbacks):
    """S16: a reset, an export and the end of all sessions leave a row and a line."""
    with django_capture_on_commit_callbacks(execute=True):
        reset_password(RESET.token_of(ann), "staple battery horse")
        change_password(ann, "staple battery horse", PASSWORD)
        sign_out_everywhere(ann)
        export_person(ann)

    names = ["password_set", "password_set", "sessions_ended", "person_exported"]
    assert list(SecurityEvent.objects.order_by("id").values_list("name", flat=True)) == names
    assert [record.msg for record in caplog.records if record.name == "countersign.security"] == names
    assert {event.person for event in SecurityEvent.objects.all()} == {ann.pk}


def test_password_reset_request_is_logged_for_any_address(client, ann, caplog):
    for email in (ann.email, "nobody@acme.test"):
        body = json.dumps({"email": email})
        client.post("/api/v1/auth/password/reset/", body, content_type="application/json")

    accounts = [said["account"] for said in facts(caplog, "password_reset_asked")]
    assert accounts == [account_digest(ann.email), account_digest("nobody@acme.test")]


@pytest.mark.django_db(transaction=True)
def test_refused_confirmation_right_and_old_password_are_said(caplog):
    staff = with_password(StaffFactory())
    staff.user_permissions.add(Permission.objects.get(codename="grant_duties"))
    client = signed_in(staff)
    client.post(reverse("desk_confirm"), {"password": "wrong"})
    client.post(reverse("desk_person", args=[staff.pk]), {"verb": "give", "give-duties": ["superuser"]})
    session = client.session
    session[CONFIRMED_AT] = "2026-01-01T00:00:00+00:00"
    session.save()
    client.post(reverse("desk_bulk"), {})
    Caller(staff).post("auth/password/change/", {"old_password": "wrong", "new_password": PASSWORD})

    told = {"confirmation_refused": 1, "rights_refused": 1, "not_confirmed": 1, "password_refused": 1}
    assert dict(RefusalCount.objects.values_list("event", "total")) == told
    assert {facts(caplog, name)[0]["actor"] for name in told} == {str(staff.pk)}


@pytest.mark.django_db(transaction=True)
def test_count_outlives_a_transaction_that_is_rolled_back():
    with atomic():
        record_refusal("sign_in_refused", account="ann@acme.test")
        set_rollback(True)

    assert RefusalCount.objects.get().total == 1


def test_log_of_what_was_done_only_grows():
    event = SecurityEvent.objects.create(name="person_exported")
    for change in (
        lambda: SecurityEvent.objects.update(name="nothing"),
        lambda: SecurityEvent.objects.filter(pk=event.pk).delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"), atomic():
            change()


@pytest.mark.parametrize(
    ("formatter", "shown"),
    [
        (JsonFormatter(), '"message": "sign_in", "event": "sign_in", "actor": "1", "account": "2f"'),
        (TextFormatter("%(name)s %(message)s"), "countersign.security sign_in [actor=1 account=2f]"),
    ],
)
def test_both_formats_show_the_facts(formatter, shown):
    record = logging.LogRecord("countersign.security", logging.INFO, __file__, 1, "sign_in", (), None)
    record.facts = {"event": "sign_in", "actor": "1", "account": "2f"}

    assert shown in formatter.format(record)


@pytest.fixture
def mails(run_effects):
    def sent() -> list[tuple[list[str], str]]:
        run_effects()
        done = Effect.objects.filter(kind="mail.security_notice", state="done").order_by("id")
        return [(effect.outcome["recipients"], effect.payload["what"]) for effect in done]

    return sent


@pytest.mark.guards("S17", "workflows.actions.people.remember_password")
def test_staff_are_told_of_a_new_password(ann, mails):
    """S17: a reader of an approver's mail could become the approver unnoticed."""
    staff = with_password(StaffFactory(email="eve@example.test"))

    reset_password(RESET.token_of(staff), "staple battery horse")
    change_password(ann, PASSWORD, "staple battery horse")  # of a customer, who has proved no address yet

    assert mails() == [(["eve@example.test"], "password")]


@pytest.mark.guards("S17", "core.security.rate_limits.Attempt.is_from_elsewhere")
def test_staff_are_told_of_a_sign_in_from_a_new_network_once_a_day(client, mails):
    """S17: and of a sign-in from elsewhere."""
    with_password(UserFactory(email="eve@example.test", is_staff=True))
    form = {"username": "eve@example.test", "password": PASSWORD}
    client.post("/login/", form)  # the first time ever is no news
    assert mails() == []

    for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
        client.logout()
        client.post("/login/", form, REMOTE_ADDR=address)

    assert mails() == [(["eve@example.test"], "network")]
