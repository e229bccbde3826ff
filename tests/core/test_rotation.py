"""A new SECRET_KEY with and without the old one as a fallback, as docs/operations.md says."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from core.env import DEFAULT_SECRET, fallback_secrets
from core.models import User
from tests.api.conftest import Caller
from tests.factories import MembershipFactory
from workflows.mail.signed_links import RESET, VERIFICATION, owner_of

pytestmark = pytest.mark.django_db

NEXT = "the-next-one-which-is-as-long-as-a-secret-must-be"


@pytest.fixture
def rotate(settings):
    """Change the key; `rotate(keep=True)` goes on believing the old one."""

    def change(*, keep):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if keep else []
        settings.SECRET_KEY = NEXT

    return change


@pytest.mark.parametrize("keep", [True, False])
def test_who_is_signed_in_stays_so_as_long_as_the_old_key_is_believed(client, rotate, keep):
    client.force_login(MembershipFactory().user)
    assert client.get("/app/").status_code == 200

    rotate(keep=keep)

    assert client.get("/app/").status_code == (200 if keep else 302)


def test_a_session_that_was_seen_meanwhile_outlives_the_old_key(client, rotate, settings):
    client.force_login(MembershipFactory().user)
    rotate(keep=True)
    client.get("/app/")

    settings.SECRET_KEY_FALLBACKS = []

    assert client.get("/app/").status_code == 200


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("link", [RESET, VERIFICATION])
def test_mailed_links_outlive_the_old_key(rotate, keep, link):
    user = User.objects.create_user("ann@acme.test", "correct horse battery")
    token = link.token_of(user)

    rotate(keep=keep)

    assert (owner_of(token, link) == user) is keep


@pytest.mark.parametrize("keep", [True, False])
def test_a_token_of_the_api_knows_nothing_of_it(rotate, keep):
    caller = Caller(MembershipFactory().user)

    rotate(keep=keep)

    assert caller.get("auth/me/").status_code == 200


def test_an_old_secret_is_one_too(monkeypatch):
    first, second = "a" * 32, "b" * 40
    monkeypatch.setenv("KEYS", f"{first},{second}")
    assert fallback_secrets("KEYS", debug=False) == [first, second]

    monkeypatch.setenv("KEYS", "")
    assert fallback_secrets("KEYS", debug=False) == []
    for bad in ("short", f"{first},short", DEFAULT_SECRET):
        monkeypatch.setenv("KEYS", bad)
        with pytest.raises(ImproperlyConfigured, match="KEYS has a secret"):
            fallback_secrets("KEYS", debug=False)
        assert fallback_secrets("KEYS", debug=True)


def test_old_secrets_may_lie_in_a_file(monkeypatch, tmp_path):
    file = tmp_path / "keys"
    file.write_text("a" * 32 + "," + "b" * 32)
    monkeypatch.delenv("KEYS", raising=False)
    monkeypatch.setenv("KEYS_FILE", str(file))

    assert fallback_secrets("KEYS", debug=False) == ["a" * 32, "b" * 32]
