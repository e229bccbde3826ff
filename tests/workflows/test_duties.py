"""A permission takes two people, or one and time (S7)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from knox.models import AuthToken

from core.models import DutyGrant, Policy, SecurityEvent, User
from core.problems import Conflict, PermissionDenied, Problem, ValidationError
from engine.models import Effect
from engine.testing import run_effects as run_all
from tests.factories import PASSWORD, MembershipFactory, StaffFactory, UserFactory
from workflows.actions.duties import confirm, request_email_change, request_rights, revoke_rights, set_group, withdraw
from workflows.actions.personal import erase_person
from workflows.reporting.invariants import findings
from workflows.security.rights import right_codes_of

pytestmark = pytest.mark.django_db

APPROVE = "core.approve_payment"


def give(person: User, *names: str) -> User:
    person.user_permissions.add(*Permission.objects.filter(codename__in=names, content_type__app_label="core"))
    return User.objects.get(pk=person.pk)


def holder(email: str) -> User:
    return give(UserFactory(email=email, is_staff=True), "grant_duties")


@pytest.fixture
def eve():
    return holder("eve@example.test")


@pytest.fixture
def max_():
    return holder("max@example.test")


@pytest.fixture
def help_desk():
    return give(UserFactory(email="help@example.test", is_staff=True), "change_user", "view_user")


def now(person: User) -> User:
    return User.objects.get(pk=person.pk)


def mails(kind: str) -> list[set[str]]:
    sent = Effect.objects.filter(kind=f"mail.{kind}", state="done").order_by("id")
    return [set(effect.outcome["recipients"]) for effect in sent]


@pytest.mark.guards("S7", "workflows.actions.duties._check_holder")
@pytest.mark.parametrize("who", ["help desk", "superuser", "customer", "former holder"])
def test_only_holders_grant_take_or_change_an_address(who, help_desk, eve):
    """S7: who may change a person may not decide what that person may do."""
    former = holder("former@example.test")
    User.objects.filter(pk=former.pk).update(is_staff=False)
    by = {
        "help desk": help_desk,
        "superuser": UserFactory(is_staff=True, is_superuser=True),
        "customer": MembershipFactory().user,
        "former holder": now(former),
    }[who]
    ann = StaffFactory()

    for act in (
        lambda: request_rights(ann, [APPROVE], by=by),
        lambda: revoke_rights(ann, [APPROVE], by=by),
        lambda: request_email_change(ann, "mine@evil.example", by=by),
    ):
        with pytest.raises(PermissionDenied):
            act()
    grant = request_rights(ann, ["core.void_invoice"], by=eve)
    for decide in (confirm, withdraw):
        with pytest.raises(PermissionDenied):
            decide(grant, by=by)
    assert not DutyGrant.objects.filter(origin="person", in_force_at__isnull=False).exists()


@pytest.mark.guards("S7", "workflows.actions.duties._asked_for")
def test_own_permissions_cannot_be_changed(eve, max_):
    """S7: neither asked for, nor taken, nor confirmed by whom it is about."""
    for act in (
        lambda: request_rights(eve, [APPROVE], by=eve),
        lambda: revoke_rights(eve, ["core.grant_duties"], by=eve),
    ):
        with pytest.raises(PermissionDenied, match="own rights"):
            act()
    grant = request_rights(max_, [APPROVE], by=eve)
    with pytest.raises(PermissionDenied, match="Somebody else confirms"):
        confirm(grant, by=max_)
    assert APPROVE not in right_codes_of(now(max_))


@pytest.mark.guards("S7", "workflows.actions.duties.confirm")
def test_right_is_in_force_when_a_second_holder_confirms(eve, max_, run_effects):
    """S7: asked for alone it changes nothing, and who asked cannot confirm."""
    bob = UserFactory(email="bob@example.test")

    grant = request_rights(bob, [APPROVE], by=eve, reason="Our new bookkeeper")
    run_effects()
    assert right_codes_of(now(bob)) == {"active"}
    assert mails("duty_requested") == [{"bob@example.test", "eve@example.test", "max@example.test"}]
    with pytest.raises(PermissionDenied, match="Somebody else confirms"):
        confirm(grant, by=eve)

    grant = confirm(grant, by=max_)
    run_effects()

    assert right_codes_of(now(bob)) == {"active", "staff", APPROVE}
    assert now(bob).is_granted(APPROVE)
    assert (grant.confirmed_by, grant.in_force_at is not None) == (max_, True)
    assert mails("duty_granted") == [{"bob@example.test", "eve@example.test", "max@example.test"}]
    assert list(bob.duty_grants.values_list("origin", flat=True)) == ["person"]
    names = SecurityEvent.objects.order_by("id").values_list("name", "actor", "person")
    assert list(names) == [("rights_asked", eve.pk, bob.pk), ("rights_given", max_.pk, bob.pk)]
    for late in (confirm, withdraw):
        with pytest.raises(Conflict):
            late(grant, by=max_)


@pytest.mark.guards("S7", "workflows.security.rights_effects.come_into_force")
def test_in_a_firm_of_one_a_right_waits(eve, clock, run_effects):
    """S7: where nobody else may grant it is in force after the waiting time, and the operators are told."""
    bob = UserFactory(email="bob@example.test")
    request_rights(bob, [APPROVE], by=eve)
    clock.advance(hours=23)
    run_effects()
    assert right_codes_of(now(bob)) == {"active"}
    assert mails("duty_requested") == [{"bob@example.test", "eve@example.test", "operator@demo.test"}]

    clock.advance(hours=2)
    run_effects()

    assert now(bob).is_granted(APPROVE)
    assert mails("duty_granted") == [{"bob@example.test", "eve@example.test", "operator@demo.test"}]
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_time_alone_gives_nothing_where_somebody_could_confirm(eve, max_, clock, run_effects):
    bob = UserFactory()
    grant = request_rights(bob, [APPROVE], by=eve)

    clock.advance(days=3)
    run_effects()

    assert right_codes_of(now(bob)) == {"active"}
    confirm(grant, by=max_)
    assert now(bob).is_granted(APPROVE)


def test_time_gives_nothing_that_was_withdrawn_or_asked_by_who_may_no_more(eve, clock, run_effects):
    bob, cid = UserFactory(), UserFactory()
    withdraw(request_rights(bob, [APPROVE], by=eve), by=eve)
    request_rights(cid, [APPROVE], by=eve)
    eve.user_permissions.clear()

    clock.advance(days=3)
    run_effects()

    assert right_codes_of(now(bob)) == right_codes_of(now(cid)) == {"active"}


def test_confirming_what_a_former_holder_asked_for_is_refused(eve, max_):
    grant = request_rights(UserFactory(), [APPROVE], by=eve)
    eve.user_permissions.clear()

    with pytest.raises(Conflict, match="ask again"):
        confirm(grant, by=max_)


def test_waiting_time_is_a_setting(eve, clock):
    Policy.objects.update_or_create(pk=1, defaults={"grant_wait_hours": 100})

    grant = request_rights(UserFactory(), [APPROVE], by=eve)

    assert timedelta(hours=99) < grant.waits_until - clock.now() <= timedelta(hours=100)


def test_taken_permission_ends_at_once_with_all_sessions(eve, run_effects):
    ann = StaffFactory(email="ann@example.test")
    AuthToken.objects.create(ann)

    revoke_rights(ann, ["staff", APPROVE], by=eve, reason="Left us")
    run_effects()

    assert right_codes_of(now(ann)) == {"active", "core.review_payment"}
    assert not AuthToken.objects.filter(user=ann).exists()
    assert mails("duty_granted") == [{"ann@example.test", "eve@example.test", "operator@demo.test"}]


@pytest.mark.guards("S7", "workflows.actions.duties.request_email_change")
def test_address_of_staff_changes_when_a_second_holder_confirms(eve, max_, run_effects):
    """S7: who reads a new address could set the approver's password."""
    ann = StaffFactory(email="ann@example.test")
    AuthToken.objects.create(ann)
    grant = request_email_change(ann, "ann.lee@example.test", by=eve)
    assert now(ann).email == "ann@example.test"

    confirm(grant, by=max_)
    run_effects()

    assert (now(ann).email, now(ann).email_verified_at) == ("ann.lee@example.test", None)
    assert not AuthToken.objects.filter(user=ann).exists()
    assert "ann@example.test" in mails("duty_granted")[0]  # who they were told by is the address of before
    with pytest.raises(ValidationError):
        request_email_change(ann, "EVE@example.test", by=eve)
    with pytest.raises(ValidationError):
        request_email_change(ann, "nobody", by=eve)


@pytest.mark.parametrize("words", [[], ["core.everything"], ["email"], ["group:none"], [APPROVE, "x"]])
def test_unknown_permission_is_refused(eve, words):
    with pytest.raises(ValidationError):
        request_rights(UserFactory(), words, by=eve)


def test_granting_twice_or_taking_what_is_not_held_is_a_conflict(eve):
    ann = StaffFactory()
    with pytest.raises(Conflict):
        request_rights(ann, [APPROVE], by=eve)
    with pytest.raises(Conflict):
        revoke_rights(ann, ["superuser"], by=eve)


MISDEEDS = {
    "duty_grant_for_another": {"asked_by_id": "person"},
    "duty_grant_confirmed_by_another": {"confirmed_by_id": "asker", "confirmed_at": "now"},
    "duty_grant_in_force_by_two_or_time": {"in_force_at": "now"},
    "duty_grant_withdrawn_or_in_force": {"in_force_at": "later", "withdrawn_at": "now"},
}


@pytest.mark.guards("S7", "duty_grant_withdrawn_or_in_force")
@pytest.mark.guards("S7", "duty_grant_in_force_by_two_or_time")
@pytest.mark.guards("S7", "duty_grant_confirmed_by_another")
@pytest.mark.guards("S7", "duty_grant_for_another")
@pytest.mark.parametrize("name", MISDEEDS)
def test_database_takes_no_row_that_one_person_made_alone(name, eve, clock):
    """S7: the table itself refuses what the verbs refuse."""
    bob = UserFactory()
    known = {"person": bob.pk, "asker": eve.pk, "now": clock.now(), "later": clock.now() + timedelta(days=9)}
    facts = {
        "kind": "give", "person_id": bob.pk, "duties": [APPROVE], "origin": "person", "asked_by_id": eve.pk,
        "waits_until": clock.now() + timedelta(days=1),
    }  # fmt: skip

    with pytest.raises(IntegrityError, match=name), atomic():
        DutyGrant.objects.create(**facts | {field: known[word] for field, word in MISDEEDS[name].items()})


@pytest.mark.guards("S7", "duty_grant_set_once")
def test_row_of_a_right_stays_as_it_was_written(eve, max_):
    """S7: who asked, for whom and what is never rewritten, and a decision is made once."""
    grant = request_rights(UserFactory(), [APPROVE], by=eve)
    for change in ({"duties": ["core.void_invoice"]}, {"asked_by": max_}, {"waits_until": None}, {"kind": "take"}):
        with pytest.raises(IntegrityError, match="stays as it is"), atomic():
            DutyGrant.objects.filter(pk=grant.pk).update(**change)
    confirm(grant, by=max_)
    for change in ({"confirmed_by": holder("cid@example.test")}, {"in_force_at": None}):
        with pytest.raises(IntegrityError, match="stays as it is"), atomic():
            DutyGrant.objects.filter(pk=grant.pk).update(**change)
    with pytest.raises(IntegrityError, match="has a history"), atomic():
        DutyGrant.objects.filter(pk=grant.pk).delete()


@pytest.mark.guards("S7", "person_right_has_row")
@pytest.mark.guards("S7", "user_group_has_row")
@pytest.mark.guards("S7", "user_permission_has_row")
def test_right_that_the_owner_of_the_tables_gives_by_sql_writes_its_row():
    """S7: no permission without a row, for every way to give it."""
    ann = UserFactory()
    group = Group.objects.create(name="approver")
    ann.groups.add(group)
    User.objects.filter(pk=ann.pk).update(is_superuser=True)
    ann.user_permissions.set(Permission.objects.filter(codename="approve_payment"))
    ann.user_permissions.clear()
    group.permissions.set(Permission.objects.filter(codename="void_invoice"))

    rows = DutyGrant.objects.filter(origin="database").order_by("asked_at").values_list("kind", "duties", "group_name")

    assert list(rows) == [
        ("give", ["group:approver"], ""),
        ("give", ["superuser"], ""),
        ("give", [APPROVE], ""),
        ("take", [APPROVE], ""),
        ("give", ["core.void_invoice"], "approver"),
    ]
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_command_gives_at_once_and_the_row_says_that_it_was_the_operator(eve, run_effects, capsys):
    UserFactory(email="bob@example.test")

    call_command("grant_duty", "bob@example.test", "approve_payment")
    run_effects()

    bob = User.objects.get(email="bob@example.test")
    assert bob.is_staff
    assert bob.is_granted(APPROVE)
    assert list(bob.duty_grants.values_list("origin", "asked_by")) == [("operator", None)]
    assert mails("duty_granted") == [{"bob@example.test", "eve@example.test", "operator@demo.test"}]
    call_command("grant_duty", "bob@example.test", "approve_payment", "--take")
    call_command("grant_duty", "bob@example.test", "approve_payment", "--take")
    assert right_codes_of(now(bob)) == {"active", "staff"}
    assert "nothing to change" in capsys.readouterr().out
    for words in (("nobody@example.test", "approve_payment"), ("bob@example.test", "approve_everything")):
        with pytest.raises(CommandError):
            call_command("grant_duty", *words)


def test_right_that_two_rows_of_django_stand_for_is_given_and_taken_whole(eve):
    UserFactory(email="bob@example.test")

    call_command("grant_duty", "bob@example.test", "change_seller")

    bob = User.objects.get(email="bob@example.test")
    assert bob.user_permissions.filter(codename="change_seller").count() == 2
    assert list(bob.duty_grants.values_list("duties", flat=True)) == [["core.change_seller", "staff"]]
    call_command("grant_duty", "bob@example.test", "change_seller", "--take")
    assert right_codes_of(now(bob)) == {"active", "staff"}
    call_command("grant_duty", "setters", "change_seller", "--group")
    assert DutyGrant.objects.get(group_name="setters").duties == ["core.change_seller"]


def test_command_sets_what_a_group_may_do():
    call_command("grant_duty", "approver", "approve_payment", "review_payment", "--group")
    call_command("grant_duty", "approver", "review_payment", "--group", "--take")

    names = Group.objects.get(name="approver").permissions.values_list("codename", flat=True)
    assert list(names) == ["approve_payment"]
    rows = DutyGrant.objects.filter(group_name="approver").order_by("asked_at").values_list("kind", "origin")
    assert list(rows) == [("give", "operator"), ("take", "operator")]
    for words in (("approver", "approve_everything", "--group"), ("nobody", "approve_payment", "--group", "--take")):
        with pytest.raises(CommandError):
            call_command("grant_duty", *words)


def test_superuser_of_the_command_has_its_row():
    root = User.objects.create_superuser("root@example.test", PASSWORD)

    assert (root.is_staff, root.is_superuser) == (True, True)
    assert list(root.duty_grants.values_list("origin", "duties")) == [("operator", ["staff", "superuser"])]


def test_erasing_somebody_of_the_staff_takes_their_rights_and_keeps_the_rows_without_addresses(eve, max_):
    officer = give(UserFactory(is_staff=True), "erase_person")
    ann = StaffFactory(email="ann@example.test")
    request_email_change(ann, "ann.lee@example.test", by=eve)

    erase_person(ann, by=officer, reason="asked on 3 May")

    assert right_codes_of(now(ann)) == set()
    assert not DutyGrant.objects.filter(email__gt="").exists()
    assert SecurityEvent.objects.filter(name="person_erased", actor=officer.pk, person=ann.pk).exists()
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_group_keeps_what_it_may_do_when_it_is_set_again():
    set_group("approver", [APPROVE])
    set_group("approver", [APPROVE])

    assert DutyGrant.objects.filter(group_name="approver").count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_confirmation_and_withdrawal_have_one_winner():
    eve, max_, cid = holder("eve@example.test"), holder("max@example.test"), holder("cid@example.test")
    bob = UserFactory()
    grant, outcomes = request_rights(bob, [APPROVE], by=eve), []
    ready = threading.Barrier(2)

    def act(decide, by):
        try:
            ready.wait(10)
            outcomes.append(decide(grant, by=by))
        except Problem as problem:
            outcomes.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=pair) for pair in ((confirm, max_), (withdraw, cid))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_all()

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    grant.refresh_from_db()
    assert (grant.in_force_at is None) != (grant.withdrawn_at is None)
    assert now(bob).is_granted(APPROVE) == (grant.in_force_at is not None)
