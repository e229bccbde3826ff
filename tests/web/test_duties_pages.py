from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from core.models import DutyGrant, User
from engine.models import Effect
from tests.factories import StaffFactory, UserFactory
from tests.web.conftest import signed_in
from workflows.security.rights import right_codes_of

pytestmark = pytest.mark.django_db


def holder(email: str) -> User:
    person = UserFactory(email=email, is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename="grant_duties"))
    return person


@pytest.fixture
def eve():
    return signed_in(holder("eve@example.test"))


@pytest.fixture
def max_():
    return signed_in(holder("max@example.test"))


@pytest.fixture
def help_desk():
    person = UserFactory(email="help@example.test", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user", "add_user"]))
    return signed_in(person)


def now(person: User) -> User:
    return User.objects.get(pk=person.pk)


def test_one_asks_and_another_confirms(eve, max_):
    bob = UserFactory(email="bob@example.test")
    page = reverse("desk_person", args=[bob.pk])
    assert "bob@example.test" in eve.get(reverse("desk_duties"), {"q": "bob@"}).content.decode()

    asked = eve.post(page, {"verb": "give", "give-duties": ["core.approve_payment"], "give-reason": "New"})

    assert asked.status_code == 302
    grant = DutyGrant.objects.get(person=bob)
    confirmation = reverse("desk_grant", args=[grant.pk, "confirm"])
    assert confirmation not in eve.get(page).content.decode()
    assert confirmation in max_.get(page).content.decode()
    assert "bob@example.test" in max_.get(reverse("desk_duties")).content.decode()
    eve.post(confirmation)
    assert right_codes_of(now(bob)) == {"active"}
    max_.post(confirmation)
    assert right_codes_of(now(bob)) == {"active", "staff", "core.approve_payment"}
    max_.post(page, {"verb": "take", "take-duties": ["staff"]})
    assert right_codes_of(now(bob)) == {"active", "core.approve_payment"}
    assert eve.get(page).status_code == 200


def test_requested_permission_can_be_withdrawn(eve):
    bob = UserFactory()
    page = reverse("desk_person", args=[bob.pk])
    eve.post(page, {"verb": "give", "give-duties": ["superuser"]})

    eve.post(reverse("desk_grant", args=[DutyGrant.objects.get(person=bob).pk, "withdraw"]))

    assert DutyGrant.objects.get(person=bob).withdrawn_at is not None
    assert "withdrawn" in eve.get(page).content.decode()


@pytest.mark.parametrize(
    "data",
    [
        {"verb": "give"},
        {"verb": "give", "give-duties": ["core.everything"]},
        {"verb": "take", "take-duties": ["core.approve_payment"]},
        {"verb": "address", "address-email": "nobody"},
        {"verb": "address", "address-email": "eve@example.test"},
        {"verb": "give", "give-duties": ["superuser"], "give-reason": "x" * 501},
    ],
)
def test_wrong_input_is_shown_again_and_changes_nothing(eve, data):
    bob = UserFactory(is_staff=True)

    answer = eve.post(reverse("desk_person", args=[bob.pk]), data)

    assert answer.status_code in (200, 400)
    assert "errorlist" in answer.content.decode()
    assert not DutyGrant.objects.filter(origin="person").exists()
    assert eve.post(reverse("desk_person", args=[bob.pk]), {"verb": "own"}).status_code == 404


def test_pages_are_for_who_may_grant(help_desk):
    bob = UserFactory()

    for path in (reverse("desk_duties"), reverse("desk_person", args=[bob.pk])):
        assert help_desk.get(path).status_code == 403
    root = signed_in(UserFactory(is_staff=True, is_superuser=True))  # looks, and decides nothing
    assert root.get(reverse("desk_person", args=[bob.pk])).status_code == 200
    refused = root.post(reverse("desk_person", args=[bob.pk]), {"verb": "give", "give-duties": ["superuser"]})
    assert refused.status_code == 403
    assert right_codes_of(now(bob)) == {"active"}


@pytest.mark.guards("S7", "web.admin.PersonAdmin.readonly_fields")
@pytest.mark.parametrize("whose", ["own", "an approver's"])
def test_user_editor_cannot_grant_staff_or_superuser(help_desk, whose):
    """S7: a form of the admin let its user make themselves superuser and approver."""
    person = User.objects.get(email="help@example.test") if whose == "own" else StaffFactory(email="ann@example.test")
    held = right_codes_of(person)
    everything = list(Permission.objects.values_list("pk", flat=True))
    path = reverse("admin:core_user_change", args=[person.pk])

    answer = help_desk.post(
        path,
        {
            "email": "mine@evil.example", "name": "New", "is_active": "on", "is_staff": "on", "is_superuser": "on",
            "user_permissions": everything, "password": "x", "groups": [Group.objects.create(name="approver").pk],
        },
    )  # fmt: skip

    assert answer.status_code == 302
    assert right_codes_of(now(person)) == held
    assert (now(person).name, now(person).email) == ("New", person.email)
    assert help_desk.get(f"/admin/core/user/{person.pk}/password/").status_code in (302, 404)
    assert "password" not in help_desk.get(path).context["adminform"].form.fields


def test_admin_neither_lets_in_nor_shuts_out_who_is_of_the_staff(help_desk):
    ann = StaffFactory()
    path = reverse("admin:core_user_change", args=[ann.pk])
    help_desk.post(path, {"name": "Ann"})
    assert now(ann).is_active

    User.objects.filter(pk=ann.pk).update(is_active=False)
    help_desk.post(path, {"name": "Ann", "is_active": "on"})

    assert not now(ann).is_active


def test_groups_are_only_looked_at():
    root = signed_in(UserFactory(is_staff=True, is_superuser=True))
    group = Group.objects.create(name="approver")
    path = reverse("admin:auth_group_change", args=[group.pk])

    assert root.get(path).status_code == 200
    assert root.post(path, {"name": "approver", "permissions": [1]}).status_code == 403


def test_password_of_another_is_set_by_a_link(help_desk, eve, run_effects):
    """S7: a link to their own mailbox, never a field."""
    ann = StaffFactory(email="ann@example.test")

    help_desk.post(reverse("admin:core_user_link", args=[ann.pk]))
    eve.post(reverse("desk_send_link", args=[ann.pk]))
    run_effects()

    sent = Effect.objects.filter(kind="mail.password_reset", state="done")
    assert [effect.outcome["recipients"] for effect in sent] == [["ann@example.test"]] * 2
    reviewer = signed_in(StaffFactory())
    assert reviewer.post(reverse("admin:core_user_link", args=[ann.pk])).status_code == 403
    assert reviewer.post(reverse("desk_send_link", args=[ann.pk])).status_code == 403


def test_somebody_new_has_no_password_and_no_right(help_desk):
    answer = help_desk.post(
        reverse("admin:core_user_add"), {"email": "bob@example.test", "name": "Bob", "is_staff": "on", "password1": "x"}
    )

    assert answer.status_code == 302
    bob = User.objects.get(email="bob@example.test")
    assert not bob.has_usable_password()
    assert right_codes_of(bob) == {"active"}
