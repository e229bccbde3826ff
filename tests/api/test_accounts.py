from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from core.models import Account, Industry
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    MembershipFactory,
    StaffFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(signed):
    return Caller(signed.user)


@pytest.mark.happy("GET account/")
def test_member_reads_the_account(people, account):
    body = people["viewer"].get("account/").json()

    assert (body["id"], body["status"], body["credits"]) == (str(account.pk), "trial", 100)
    assert body["over_limit"] == {}


@pytest.mark.happy("GET billing/admin/accounts/")
def test_staff_list_the_accounts(account):
    other = MembershipFactory().account

    rows = Caller(StaffFactory()).get("billing/admin/accounts/").json()["results"]

    assert [row["id"] for row in rows] == [str(other.pk), str(account.pk)]


@pytest.mark.happy("PATCH account/")
def test_only_owners_and_admins_change_the_account(people, account):
    change = {"name": "Acme Ltd", "country": "PK", "city": "Karachi", "time_zone": "Asia/Karachi"}

    assert is_problem(
        people["viewer"].client.patch("/api/v1/account/", change, format="json"), 403, "permission-denied"
    )
    answer = people["owner"].client.patch("/api/v1/account/", change, format="json")

    assert answer.status_code == 200
    assert answer.json()["country"] == "PK"
    for bad in ({"status": "active"}, {"credits": 5}, {"country": "ZZ"}, {"time_zone": "Mars"}, {"name": ""}):
        answer = people["owner"].client.patch("/api/v1/account/", bad, format="json")
        assert is_problem(answer, 400, "validation-error")


@pytest.mark.happy("POST account/close/")
def test_owner_closes_the_account_and_reads_it_afterwards(owner, signed, run_effects):
    answer = owner.post("account/close/", {"account_name": "acme & söhne", "reason": "we moved"})
    run_effects()

    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    assert owner.get("billing/subscriptions/").json()["results"][0]["status"] == "cancelled"
    assert owner.get("account/").json()["status"] == "closed"
    for path, body in {
        "sites/": {"name": "x", "industry": str(Industry.objects.create(name="Bakery").pk)},
        "account/members/": {"email": "bob@acme.test"},
        "billing/subscriptions/": {"plan": "small"},
    }.items():
        assert is_problem(owner.post(path, body), 409, "conflict"), path
    assert is_problem(owner.post("credits/consume/", {"amount": 1, "reference": "r"}), 409, "wrong-state")
    assert is_problem(owner.post("account/close/", {"account_name": "Acme & Söhne"}), 409, "wrong-state")


@pytest.mark.happy("POST billing/admin/accounts/{id}/close/")
def test_staff_close_an_account_for_a_reason(signed):
    manager = UserFactory(is_staff=True)
    manager.user_permissions.set(Permission.objects.filter(codename="manage_accounts"))
    staff, path = Caller(manager), f"billing/admin/accounts/{signed.account.pk}/close/"

    assert is_problem(staff.post(path, {"reason": ""}), 400, "validation-error")
    assert is_problem(staff.post(path), 400, "validation-error")
    assert is_problem(staff.post(f"billing/admin/accounts/{uuid4()}/close/", {"reason": "x"}), 404, "not-found")
    assert staff.post(path, {"reason": "asked by letter"}).json()["status"] == "closed"
    assert is_problem(staff.post(path, {"reason": "again"}), 409, "wrong-state")


@pytest.mark.parametrize("body", [{}, {"account_name": "Acme"}, {"account_name": "Acme & Söhne", "by": "x"}])
def test_account_stays_open_without_its_name(owner, signed, body):
    answer = owner.post("account/close/", body)

    assert is_problem(answer, 400, "validation-error")
    assert Account.objects.get(pk=signed.account.pk).status == "active"
