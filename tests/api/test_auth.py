from __future__ import annotations

import re
import time
from datetime import timedelta
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken

from core.models import RateLimitBucket, User
from engine.models import Effect
from tests.api.conftest import Caller, is_problem
from tests.factories import MembershipFactory, PlanFactory
from workflows.mail import signed_links

pytestmark = pytest.mark.django_db

OLD, NEW = "correct horse battery", "staple of the other horse"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann@acme.test", OLD)


def signs_in(anybody: Caller, password: str) -> bool:
    answer = anybody.post("auth/login/", {"email": "ann@acme.test", "password": password})
    assert answer.status_code in (200, 401)
    return bool(answer.status_code == 200)


def test_a_forgotten_password_from_the_question_to_the_log_in(anybody, ann, run_effects, mailoutbox):
    answer = anybody.post("auth/password/reset/", {"email": "Ann@ACME.test"})
    assert (answer.status_code, list(answer.json())) == (202, ["detail"])
    run_effects()
    (token,) = re.findall(r"/password/reset/([\w.-]+)/", mailoutbox[0].body)

    weak = anybody.post("auth/password/reset/confirm/", {"token": token, "password": "short"})
    good = anybody.post("auth/password/reset/confirm/", {"token": token, "password": NEW})
    again = anybody.post("auth/password/reset/confirm/", {"token": token, "password": OLD})

    assert is_problem(weak, 400, "validation-error")
    assert list(weak.json()["errors"]) == ["password"]
    assert good.status_code == 204
    assert is_problem(again, 400, "validation-error")
    assert list(again.json()["errors"]) == ["token"]
    assert (signs_in(anybody, OLD), signs_in(anybody, NEW)) == (False, True)


@pytest.mark.parametrize("path", ["auth/password/reset/", "auth/email/verify/"])
def test_a_known_and_an_unknown_address_get_the_same_answer_for_the_same_work(anybody, ann, path):
    seen = []
    for email in (ann.email, "nobody@acme.test"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = anybody.post(path, {"email": email})
        shapes = [re.sub(r"'(?:[^']|'')*'|\d+", "?", query["sql"]) for query in queries]
        headers = {name: value for name, value in answer.items() if name != "X-Request-ID"}
        seen.append((answer.status_code, answer.content, headers, shapes))

    assert seen[0] == seen[1]
    assert seen[0][0] == 202
    one, other = Effect.objects.order_by("id").values("kind", "account_id", "machine", "object_id", "state", "lane")
    assert one == other


def test_a_known_and_an_unknown_address_take_about_the_same_time(anybody, ann):
    took: dict[str, list[float]] = {ann.email: [], "nobody@acme.test": []}
    for _ in range(20):
        for email, times in took.items():
            RateLimitBucket.objects.all().delete()
            started = time.perf_counter()
            anybody.post("auth/password/reset/", {"email": email})
            times.append(time.perf_counter() - started)

    known, unknown = map(median, took.values())
    assert 0.5 < known / unknown < 2  # hashing for one of them alone would be far more


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("auth/password/reset/", {}, "email"),
        ("auth/password/reset/", {"email": "nobody"}, "email"),
        ("auth/password/reset/", {"email": None}, "email"),
        ("auth/password/reset/confirm/", {"token": "x"}, "password"),
        ("auth/password/reset/confirm/", {"token": 5, "password": NEW}, "token"),
        ("auth/password/reset/confirm/", {"token": "x" * 101, "password": NEW}, "token"),
        ("auth/password/reset/confirm/", {"token": "x.1-é", "password": NEW}, "token"),
        ("auth/password/reset/confirm/", {"token": f"{'0' * 32}.1-1", "password": "p" * 129}, "password"),
        ("auth/email/verify/", {}, "token"),
        ("auth/email/verify/", {"token": "x.y"}, "token"),
        ("auth/email/verify/", {"token": "x", "email": "ann@acme.test"}, "email"),
        ("auth/email/verify/", {"who": "me"}, "who"),
    ],
)
def test_invalid_input_is_named_by_field_and_changes_nothing(anybody, digest, path, body, field):
    before = digest()

    answer = anybody.post(path, body)

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == [field]
    assert digest() == before


def test_a_password_is_changed_and_only_the_new_token_is_good(anybody, ann):
    there, here = Caller(ann), Caller(ann)

    wrong = here.post("auth/password/change/", {"old_password": NEW, "new_password": NEW})
    answer = here.post("auth/password/change/", {"old_password": OLD, "new_password": NEW})

    assert is_problem(wrong, 400, "validation-error")
    assert list(wrong.json()["errors"]) == ["old_password"]
    assert answer.status_code == 200
    for caller in (here, there):
        assert is_problem(caller.get("auth/me/"), 401, "authentication-required")
    assert anybody.get("auth/me/", Authorization=f"Bearer {answer.json()['token']}").status_code == 200
    assert (signs_in(anybody, OLD), signs_in(anybody, NEW)) == (False, True)


def test_signing_out_everywhere_takes_every_token(ann):
    there, here = Caller(ann), Caller(ann)

    assert here.post("auth/logout-all/").status_code == 204

    for caller in (here, there):
        assert is_problem(caller.get("auth/me/"), 401, "authentication-required")


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


def test_people_change_their_name_and_nothing_else(ann):
    caller = Caller(ann)

    assert caller.client.patch("/api/v1/auth/me/", {"name": "Ann"}, format="json").json()["user"]["name"] == "Ann"
    for bad in ({"email": "b@acme.test"}, {"is_staff": True}, {"name": "x" * 151}, {"name": "two\nlines"}, {"name": 5}):
        answer = caller.client.patch("/api/v1/auth/me/", bad, format="json")
        assert is_problem(answer, 400, "validation-error")
    ann.refresh_from_db()
    assert (ann.name, ann.email, ann.is_staff) == ("Ann", "ann@acme.test", False)
    assert is_problem(Caller().client.patch("/api/v1/auth/me/", {}, format="json"), 401, "authentication-required")


def test_an_address_is_confirmed_by_its_link(anybody, ann, run_effects, mailoutbox):
    assert Caller(ann).post("auth/email/verify/").status_code == 202
    run_effects()
    (token,) = re.findall(r"/verify/([\w.-]+)/", mailoutbox[0].body)

    answer = anybody.post("auth/email/verify/", {"token": token})

    assert answer.status_code == 200
    me = Caller(ann).get("auth/me/").json()
    assert me["user"]["email_verified_at"] == answer.json()["email_verified_at"]
    assert answer.json()["email_verified_at"] is not None
    assert is_problem(anybody.post("auth/email/verify/", {"token": token}), 400, "validation-error")


def test_an_invited_person_gets_a_mail_and_the_inviter_no_password(run_effects, mailoutbox):
    PlanFactory(code="free", name="Free", max_users=None, price=0)
    owner = MembershipFactory().user

    answer = Caller(owner).post("account/members/", {"email": "bob@acme.test"})
    run_effects()

    assert answer.json() == {
        "id": answer.json()["id"],
        "user_id": None,
        "email": "bob@acme.test",
        "role": "member",
        "status": "invited",
    }
    (mail,) = (mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "member_invited")
    assert mail.to == ["bob@acme.test"]
    (token,) = re.findall(r"/invitation/([\w.-]+)/", mail.body)
    accepted = Caller().post("auth/password/reset/confirm/", {"token": token, "password": NEW})
    assert accepted.status_code == 204
    people = Caller(owner).get("account/members/").json()["results"]
    assert [(person["email"], person["status"]) for person in people] == [
        (owner.email, "member"),
        ("bob@acme.test", "member"),
    ]


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


DOORS = pytest.mark.parametrize(
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


@DOORS
def test_rate_limited_endpoint_answers_429_after_some_tries(anybody, ann, few, path, body, let_in):
    close_after(let_in, anybody, path, body, **{"X-Forwarded-For": "203.0.113.{n}"})


@DOORS
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


def test_a_link_of_another_kind_is_refused(anybody, ann):
    token = signed_links.VERIFICATION.token_of(ann)

    answer = anybody.post("auth/password/reset/confirm/", {"token": token, "password": NEW})

    assert is_problem(answer, 400, "validation-error")
