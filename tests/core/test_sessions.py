"""The key of a session opens an account, so the database holds only its digest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.models import Session
from core.security.sessions import SessionStore, digest
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db


def test_session_key_in_the_table_opens_no_session(client):
    client.force_login(StaffFactory())
    (row,) = Session.objects.all()
    key = client.cookies["sessionid"].value

    assert row.pk == digest(key) != key
    assert client.get("/admin/").wsgi_request.user.is_authenticated

    client.cookies["sessionid"] = row.pk
    assert not client.get("/admin/").wsgi_request.user.is_authenticated


def test_a_session_is_kept_changed_and_ended_under_its_key():
    session = SessionStore()
    session["colour"] = "green"
    session.save()
    again = SessionStore(session.session_key)
    again["colour"] = "blue"
    again.save()

    assert session.exists(session.session_key)
    assert SessionStore(session.session_key)["colour"] == "blue"
    assert Session.objects.count() == 1

    again.delete()
    SessionStore().delete()  # without a key

    assert not Session.objects.exists()
    assert SessionStore(session.session_key).load() == {}


def test_sign_in_changes_the_session_key():
    session = SessionStore()
    session["colour"] = "green"
    session.save()
    before = session.session_key

    session.cycle_key()
    session.save()

    assert session.session_key != before
    assert SessionStore(session.session_key)["colour"] == "green"
    assert SessionStore(before).load() == {}
    assert Session.objects.count() == 1


def test_a_session_that_is_over_opens_nothing(client):
    client.force_login(StaffFactory())
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert not client.get("/admin/").wsgi_request.user.is_authenticated
