from __future__ import annotations

import re
from uuid import uuid4

import pytest

from tests.api.conftest import Caller, is_problem
from tests.factories import (
    MembershipFactory,
    PlanFactory,
)

pytestmark = pytest.mark.django_db


OLD, NEW = "correct horse battery", "staple of the other horse"


@pytest.mark.happy(
    "GET account/members/", "POST account/members/", "PATCH account/members/{id}/", "DELETE account/members/{id}/"
)
def test_people_are_let_in_up_to_the_plan_s_limit(people, account):
    owner = people["owner"]
    body = {"email": "new@acme.test", "role": "admin"}

    assert is_problem(owner.post("account/members/", body), 409, "conflict")
    account.memberships.filter(role="viewer").delete()
    member = owner.post("account/members/", body)

    assert (member.status_code, member.json()["status"]) == (201, "invited")
    path = f"/api/v1/account/members/{member.json()['id']}/"
    assert owner.client.patch(path, {"role": "viewer"}, format="json").json()["role"] == "viewer"
    assert owner.client.delete(path).status_code == 204
    mine = owner.get("account/members/").json()["results"][0]["id"]
    assert is_problem(owner.client.delete(f"/api/v1/account/members/{mine}/"), 409, "conflict")
    assert is_problem(owner.client.delete(f"/api/v1/account/members/{uuid4()}/"), 404, "not-found")


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
