"""Users that are no people decide where an account is automatic: nobody may become one of them."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import Membership, User
from core.models.user import HOSTED_PAGE_USER, MATCHING_USER, STATEMENT_USER
from core.problems import Conflict, ValidationError
from engine.models import Effect
from tests.api.caller import BASE, Caller, staff
from tests.factories import PASSWORD, AccountFactory, MembershipFactory, PlanFactory
from workflows.actions.duties import grant_rights_as_operator, request_email_change, request_rights
from workflows.actions.people import ask_for_password_reset, get_or_reactivate_user
from workflows.actions.personal import erase_person
from workflows.bank.service_users import matching_user, statement_user
from workflows.mail.rendering import Email
from workflows.mail.sending import send
from workflows.service_users import hosted_page_user

pytestmark = pytest.mark.django_db
OF_MATCHING = ["staff", "core.match_lines", "core.review_payment", "core.approve_payment"]


@pytest.fixture(params=[statement_user, matching_user, hosted_page_user])
def service(request) -> User:
    user = request.param()
    if user.email == MATCHING_USER:
        grant_rights_as_operator(user, OF_MATCHING)
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("password", ["", "!", PASSWORD])
def test_service_signs_in_nowhere(service, password):
    answer = Caller().client.post(
        f"{BASE}auth/login/", {"email": service.email, "password": password or " "}, format="json"
    )

    assert answer.status_code in (400, 401)
    assert authenticate(email=service.email, password=password) is None
    assert not service.has_usable_password()


def test_service_gets_no_password_by_any_way_to_the_table(service):
    service.set_password(PASSWORD)

    with pytest.raises(IntegrityError, match="user_of_service_has_no_password"), atomic():
        service.save()
    with pytest.raises(IntegrityError, match="user_of_service_has_no_password"), atomic():
        User.objects.create_user("another@service.invalid", PASSWORD)


@pytest.mark.parametrize(
    "address",
    [
        STATEMENT_USER,
        HOSTED_PAGE_USER,
        MATCHING_USER,
        MATCHING_USER.upper(),
        "other@Service.Invalid",
        f" {MATCHING_USER} ",
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_sign_up_takes_no_address_of_a_service(address, exists):
    PlanFactory(code="free", price="0.00")
    if exists:
        matching_user()
        statement_user()
    before = set(User.objects.values_list("pk", flat=True))

    body = {"email": address, "password": PASSWORD, "account_name": "Mine"}
    answer = Caller().post("auth/register/", body)

    assert answer.status_code in (400, 409), answer.content
    with atomic():
        assert get_or_reactivate_user(address, PASSWORD, account=AccountFactory()) is None
    assert set(User.objects.values_list("pk", flat=True)) == before


def test_service_that_was_switched_off_is_not_brought_back_by_a_sign_up(service):
    User.objects.filter(pk=service.pk).update(is_active=False)

    with atomic():
        assert get_or_reactivate_user(service.email, PASSWORD) is None
    service.refresh_from_db()
    assert not service.is_active


def test_reset_of_a_service_sends_nothing(service, run_effects, mailoutbox):
    ask_for_password_reset(service.email)
    run_effects()

    assert mailoutbox == []


def test_no_mail_goes_to_a_service(service, run_effects, mailoutbox):
    effect = Effect(kind="mail.test")

    outcome = send(effect, [service.email, "ann@example.test"], Email("test", "en", "Subject", "text", "<p>text</p>"))
    alone = send(effect, [service.email], Email("test", "en", "Subject", "text", "<p>text</p>"))

    assert (outcome["recipients"], alone["recipients"]) == (["ann@example.test"], [])
    assert [mail.to for mail in mailoutbox] == [["ann@example.test"]]


def test_service_is_no_reviewer_to_be_told_of_claims():
    grant_rights_as_operator(matching_user(), OF_MATCHING)

    assert list(User.objects.staff_with("core.review_payment")) == []
    assert matching_user().is_granted("core.approve_payment")


def test_service_is_not_erased(service):
    before = (service.email, service.is_active)

    with pytest.raises(Conflict, match="no person"):
        erase_person(service, by=staff("erase_person").user, reason="please")

    service.refresh_from_db()
    assert (service.email, service.is_active) == before


def test_address_of_a_service_stays_and_nobody_else_gets_one():
    grant_rights_as_operator(matching_user(), OF_MATCHING)
    person, holder = staff("match_lines").user, staff("grant_duties").user

    for whose, address in ((matching_user(), "mine@example.test"), (person, "new@service.invalid")):
        with pytest.raises(ValidationError):
            request_email_change(whose, address, by=holder)
    service = matching_user()
    service.email = "mine@example.test"
    with pytest.raises(Invalid) as refused:
        service.full_clean()
    assert list(refused.value.message_dict) == ["email"]


def test_rights_of_a_service_take_two_people_like_those_of_anybody(run_effects, mailoutbox):
    service = matching_user()

    request_rights(service, OF_MATCHING, by=staff("grant_duties").user)
    run_effects()

    assert not User.objects.get(pk=service.pk).is_granted("core.match_lines")
    assert not any("service.invalid" in address for mail in mailoutbox for address in mail.to)
    assert not Effect.objects.filter(state="dead").exists()


def test_invitation_makes_no_member_of_a_service(run_effects, mailoutbox):
    owner = Caller(MembershipFactory().user)

    owner.post("account/members/", {"email": MATCHING_USER, "role": "admin"})
    run_effects()

    assert mailoutbox == [] or all(MATCHING_USER not in mail.to for mail in mailoutbox)
    assert not Membership.objects.filter(user__email_canonical=MATCHING_USER).exists()
