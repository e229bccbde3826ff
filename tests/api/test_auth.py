from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken

from core.models import RateLimitBucket, User
from tests.api.conftest import Caller, is_problem
from tests.factories import MembershipFactory, PlanFactory

pytestmark = pytest.mark.django_db

OLD, NEW = "correct horse battery", "staple of the other horse"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann@acme.test", OLD)


def signs_in(anybody: Caller, password: str) -> bool:
    answer = anybody.post("auth/login/", {"email": "ann@acme.test", "password": password})
    assert answer.status_code in (200, 401)
    return bool(answer.status_code == 200)


@pytest.fixture
def few(settings):
    hour = timedelta(hours=1)
    settings.LIMITS = {
        **settings.LIMITS,
        "login": {"pair": (3, hour), "account": (100, hour), "address": (100, hour)},
        "register": {"address": (2, hour)},
        "mail": {"pair": (2, hour), "address": (100, hour)},
        "link": {"address": (2, hour)},
    }


FREE = {"password": OLD, "account_name": "Acme"}

EACH_ROUTE = pytest.mark.parametrize(
    ("path", "body", "let_in"),
    [
        ("auth/login/", {"email": "ann@acme.test", "password": "no"}, [401] * 3),
        ("auth/login/", {"email": "nobody@acme.test", "password": "no"}, [401] * 3),
        ("auth/register/", FREE | {"email": "ann@acme.test"}, [409] * 2),
        ("auth/password/reset/", {"email": "ann@acme.test"}, [202] * 2),
        ("auth/password/reset/", {"email": "nobody@acme.test"}, [202] * 2),
        ("auth/password/reset/confirm/", {"token": "x", "password": NEW}, [400] * 2),
        ("auth/email/verify/", {"token": "x"}, [400] * 2),
        ("auth/email/verify/", {"email": "nobody@acme.test"}, [202] * 2),
    ],
)


def close_after(let_in, caller, path, body, **headers):
    PlanFactory(code="free", trial_days=14, price=0)

    answers = [
        caller.post(path, body, **{name: value.format(n=n) for name, value in headers.items()})
        for n in range(len(let_in) + 1)
    ]

    assert [answer.status_code for answer in answers[:-1]] == let_in
    assert is_problem(answers[-1], 429, "too-many-requests")
    assert int(answers[-1]["Retry-After"]) > 60


@pytest.mark.happy("POST auth/login/", "GET auth/me/", "POST auth/logout/")
def test_person_signs_in_and_out(anybody, ann):
    signed_in = anybody.post("auth/login/", {"email": "Ann@ACME.test", "password": OLD})
    token = {"Authorization": f"Bearer {signed_in.json()['token']}"}

    assert signed_in.status_code == 200
    assert anybody.get("auth/me/", **token).json()["user"]["id"] == str(ann.pk)
    assert anybody.post("auth/logout/", **token).status_code == 204
    assert is_problem(anybody.get("auth/me/", **token), 401, "authentication-required")


@pytest.mark.happy("POST auth/logout-all/")
def test_signing_out_everywhere_takes_every_token(ann):
    there, here = Caller(ann), Caller(ann)

    assert here.post("auth/logout-all/").status_code == 204

    for caller in (here, there):
        assert is_problem(caller.get("auth/me/"), 401, "authentication-required")


@pytest.mark.happy("PATCH auth/me/")
def test_people_change_their_name_and_nothing_else(ann):
    caller = Caller(ann)

    assert caller.client.patch("/api/v1/auth/me/", {"name": "Ann"}, format="json").json()["user"]["name"] == "Ann"
    for bad in ({"email": "b@acme.test"}, {"is_staff": True}, {"name": "x" * 151}, {"name": "two\nlines"}, {"name": 5}):
        answer = caller.client.patch("/api/v1/auth/me/", bad, format="json")
        assert is_problem(answer, 400, "validation-error")
    ann.refresh_from_db()
    assert (ann.name, ann.email, ann.is_staff) == ("Ann", "ann@acme.test", False)
    assert is_problem(Caller().client.patch("/api/v1/auth/me/", {}, format="json"), 401, "authentication-required")


def test_a_disabled_person_is_out_at_once(anybody, ann):
    caller = Caller(ann)

    ann.is_active = False
    ann.save()

    assert is_problem(caller.get("auth/me/"), 401, "authentication-required")
    assert not signs_in(anybody, OLD)


def test_expired_token_is_refused_and_others_stay_valid(anybody, ann):
    over, also_over, good = (AuthToken.objects.create(ann)[1] for _ in range(3))
    for token in (over, also_over):
        AuthToken.objects.filter(digest=hash_token(token)).update(expiry=timezone.now() - timedelta(seconds=1))

    refused = anybody.get("auth/me/", Authorization=f"Bearer {over}")
    with CaptureQueriesContext(connection) as queries:
        welcome = anybody.get("auth/me/", Authorization=f"Bearer {good}")

    assert is_problem(refused, 401, "authentication-required")
    assert welcome.status_code == 200
    assert len([query for query in queries if "knox_authtoken" in query["sql"]]) == 1  # not one for each other token


@EACH_ROUTE
def test_rate_limited_endpoint_answers_429_after_some_tries(anybody, ann, few, path, body, let_in):
    close_after(let_in, anybody, path, body, **{"X-Forwarded-For": "203.0.113.{n}"})


@EACH_ROUTE
@pytest.mark.django_db(transaction=True)  # so that what the door rolls back is gone
def test_idempotency_key_does_not_get_around_a_rate_limit(few, path, body, let_in):
    User.objects.create_user("ann@acme.test", OLD)

    close_after(let_in, Caller(), path, body, **{"Idempotency-Key": "{n}"})


def test_invitations_to_one_address_are_limited(few):
    PlanFactory(code="free", name="Free", max_users=None, price=0)
    owner = MembershipFactory().user
    viewer = MembershipFactory(account=owner.membership.account, role="viewer").user
    bob = {"email": "bob@acme.test"}

    assert [Caller(viewer).post("account/members/", bob).status_code for _ in range(4)] == [403] * 4
    assert [Caller(owner).post("account/members/", bob).status_code for _ in range(3)] == [201, 409, 429]


def test_the_old_password_is_not_guessed_with_a_stolen_token(ann, few):
    thief = Caller(ann)
    guess = {"old_password": "no", "new_password": NEW}

    assert [thief.post("auth/password/change/", guess).status_code for _ in range(4)] == [400] * 3 + [429]
    right = thief.post("auth/password/change/", {"old_password": OLD, "new_password": NEW})
    assert is_problem(right, 429, "too-many-requests")


def test_invalid_request_is_not_counted(anybody, few):
    for _ in range(10):
        assert anybody.post("auth/login/", {"email": "ann@acme.test"}).status_code == 400
        assert anybody.post("auth/register/", FREE | {"email": "new@acme.test", "plan": "none"}).status_code == 400

    assert not RateLimitBucket.objects.exists()


def test_successful_sign_ins_are_not_limited(anybody, ann, few):
    assert [signs_in(anybody, OLD) for _ in range(20)] == [True] * 20


def test_a_token_made_of_a_password_that_was_just_changed_is_refused(anybody, ann, monkeypatch):
    def authenticate(*_: object, **__: object) -> User:
        found = User.objects.get(pk=ann.pk)
        ann.set_password(NEW)
        ann.save()
        return found

    monkeypatch.setattr("api.auth.authenticate", authenticate)

    assert not signs_in(anybody, OLD)
    assert not AuthToken.objects.exists()
