"""An account has a language; the API's own messages are always English."""

from __future__ import annotations

import pytest

from core.models import Account
from tests.api.conftest import Caller, is_problem
from tests.factories import MembershipFactory, PlanFactory

pytestmark = pytest.mark.django_db

FREE = {"email": "ann@acme.test", "password": "a fairly long one", "account_name": "Acme"}


@pytest.fixture(autouse=True)
def offered():
    PlanFactory(code="free", name="Free", trial_days=14, price=0)


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ({"language": "ar"}, "en", "ar"),
        ({"language": "en"}, "ar", "en"),
        ({}, "ar-SA,ar;q=0.9,en;q=0.5", "ar"),
        ({}, "ur,ar;q=0.5", "ar"),
        ({}, "ur", "en"),
        ({}, "*;;q=what", "en"),
        ({}, "", "en"),
    ],
)
def test_an_account_speaks_the_language_it_asked_for_else_the_browser_s(anybody, asked, accepted, language):
    answer = anybody.post("auth/register/", FREE | asked, **{"Accept-Language": accepted})

    assert answer.status_code == 201
    assert answer.json()["account"]["language"] == language
    assert Account.objects.get().language == language


@pytest.mark.parametrize("language", ["", "ur", "AR", "ar-SA", None, 1, True, ["ar"], {"ar": 1}])
def test_a_language_we_do_not_write_is_refused(anybody, digest, language):
    member = Caller(MembershipFactory().user)
    before = digest()

    assert is_problem(anybody.post("auth/register/", FREE | {"language": language}), 400, "validation-error")
    patched = member.client.patch("/api/v1/account/", {"language": language}, format="json")

    assert is_problem(patched, 400, "validation-error")
    assert list(patched.json()["errors"]) == ["language"]
    assert digest() == before


def test_the_language_is_changed_by_who_runs_the_account():
    membership = MembershipFactory()
    caller = Caller(membership.user)

    answer = caller.client.patch("/api/v1/account/", {"language": "ar"}, format="json")

    assert (answer.status_code, answer.json()["language"]) == (200, "ar")
    assert caller.get("account/").json()["language"] == "ar"


def test_the_api_answers_in_english_whatever_is_asked(anybody):
    refused = anybody.post("auth/register/", {}, **{"Accept-Language": "ar"})
    missing = anybody.get("no-such-thing/", **{"Accept-Language": "ar"})

    assert refused.json()["errors"]["email"] == ["This field is required."]
    assert missing.json()["title"] == "There is nothing here for you."
    assert "Content-Language" not in refused.headers
    assert "Accept-Language" not in refused.headers.get("Vary", "")


def test_a_page_is_shown_in_the_reader_s_language_and_says_so(client):
    answer = client.get("/", headers={"Accept-Language": "ar"})

    assert answer.headers["Content-Language"] == "ar"
    assert client.get("/admin/login/", headers={"Accept-Language": "ar"}).content.count(b'lang="en') == 1
