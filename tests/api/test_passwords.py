from __future__ import annotations

import re
import time
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import RateLimitBucket, User
from engine.models import Effect
from tests.api.conftest import Caller, is_problem
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


@pytest.mark.happy("POST auth/password/change/")
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


@pytest.mark.happy("POST auth/password/reset/", "POST auth/password/reset/confirm/")
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


@pytest.mark.happy("POST auth/email/verify/")
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


def test_a_link_of_another_kind_is_refused(anybody, ann):
    token = signed_links.VERIFICATION.token_of(ann)

    answer = anybody.post("auth/password/reset/confirm/", {"token": token, "password": NEW})

    assert is_problem(answer, 400, "validation-error")
