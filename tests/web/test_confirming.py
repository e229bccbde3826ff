"""Sessions of staff end, and the password is asked for again (S17)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import Payment, Policy
from core.security.sessions import BEGAN_AT, CONFIRMED_AT, SEEN_AT, SessionStore
from engine.models import Effect
from tests.factories import (
    PASSWORD,
    AccountFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
    UserFactory,
)
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    person = StaffFactory(email="ann@example.test", is_superuser=True)
    person.set_password(PASSWORD)
    person.save()
    names = ["void_invoice", "adjust_credits", "manage_accounts", "grant_duties", "reverse_payment"]
    person.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return person


@pytest.fixture
def client(staff) -> Client:
    return signed_in(staff)


def aged(client: Client, **ages: timedelta) -> None:
    """Let the moments that the session remembers lie further back."""
    session = SessionStore(client.cookies["sessionid"].value)
    for name, age in ages.items():
        session[name] = (timezone.now() - age).isoformat()
    session.save()


def is_signed_in(client: Client) -> bool:
    return client.get("/desk/").status_code == 200


OLD = {CONFIRMED_AT: timedelta(minutes=16)}


@pytest.mark.guards("S17", "web.middleware.StaffSessions")
@pytest.mark.parametrize(
    ("ages", "lasts"),
    [
        ({BEGAN_AT: timedelta(hours=11, minutes=59)}, True),
        ({BEGAN_AT: timedelta(hours=12, minutes=1)}, False),
        ({SEEN_AT: timedelta(minutes=29)}, True),
        ({SEEN_AT: timedelta(minutes=31)}, False),
    ],
)
def test_session_of_staff_ends_after_twelve_hours_and_when_nobody_is_there(client, ages, lasts):
    """S17: it lasted two weeks."""
    assert is_signed_in(client)
    aged(client, **ages)

    assert is_signed_in(client) == lasts


def test_session_of_a_customer_lasts_as_before():
    client = signed_in(MembershipFactory().user)
    aged(client, **{BEGAN_AT: timedelta(days=13), SEEN_AT: timedelta(days=13)})

    assert client.get("/app/").status_code == 200


def test_polling_keeps_no_session_alive(client):
    aged(client, **{SEEN_AT: timedelta(minutes=20)})

    client.get("/desk/tally/", headers={"HX-Request": "true"})
    assert (
        SessionStore(client.cookies["sessionid"].value)[SEEN_AT] < (timezone.now() - timedelta(minutes=19)).isoformat()
    )
    client.get("/desk/")
    assert (
        SessionStore(client.cookies["sessionid"].value)[SEEN_AT] > (timezone.now() - timedelta(minutes=1)).isoformat()
    )


@pytest.fixture
def claim() -> Payment:
    return PaymentFactory()


MONEY = {
    "approve": lambda claim: (reverse("desk_decide", args=[claim.pk, "approve"]), {"received": "89.00"}),
    "reject": lambda claim: (reverse("desk_decide", args=[claim.pk, "reject"]), {"reason_code": "not_received"}),
    "bulk": lambda claim: (reverse("desk_bulk"), {"verb": "approve", "id": str(claim.pk), "confirmed": "1"}),
    "a part of many": lambda claim: (reverse("desk_bulk_part"), {"verb": "approve", "id": str(claim.pk)}),
    "void": lambda claim: (reverse("desk_void", args=[claim.invoice_id]), {"reason": "wrong"}),
    "write off": lambda claim: (reverse("desk_write_off", args=[claim.invoice_id]), {"reason": "wrong"}),
    "credits": lambda claim: (reverse("desk_adjust", args=[claim.account_id]), {"amount": "5", "reason": "goodwill"}),
    "the admin's list": lambda claim: (
        reverse("admin:core_payment_changelist"),
        {"action": "approve_selected", "_selected_action": str(claim.pk)},
    ),
}


@pytest.mark.guards("S17", "web.staff.confirming.for_money")
@pytest.mark.parametrize("what", MONEY)
def test_decision_about_money_with_an_old_confirmation_is_not_made(client, claim, run_effects, what):
    """S17: a request with the cookie alone, without any page before it, changes nothing and is led to the page."""
    run_effects()
    path, data = MONEY[what](claim)
    aged(client, **OLD)
    effects = Effect.objects.count()

    answer = client.post(path, data)

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("desk_confirm"))
    claim.refresh_from_db()
    claim.account.refresh_from_db()
    assert (claim.status, claim.account.credits, Effect.objects.count()) == ("pending_approval", 0, effects)


def test_decision_is_made_after_the_password_is_confirmed(client, claim):
    path, data = MONEY["approve"](claim)
    aged(client, **OLD)
    before = client.cookies["sessionid"].value
    asked = client.post(path, data)["Location"]

    page = client.get(asked).content.decode()
    assert "Confirm that it is you" in page
    assert "nothing was changed" in page
    wrong = client.post(asked, {"password": "wrong"})
    assert (wrong.status_code, client.post(path, data).status_code) == (200, 302)
    assert Payment.objects.get().status == "pending_approval"
    back = client.post(asked, {"password": PASSWORD})

    assert (back.status_code, back["Location"]) == (302, path)
    assert client.cookies["sessionid"].value != before
    client.post(path, data)
    assert Payment.objects.get().status == "approved"


def test_guesses_at_the_confirmation_are_limited(client, settings):
    settings.LIMITS = {**settings.LIMITS, "login": {"pair": (2, timedelta(hours=1))}}
    path = reverse("desk_confirm")

    assert [client.post(path, {"password": "wrong"}).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.guards("S17", "core.security.sessions.is_confirmed_for_money")
def test_who_goes_on_deciding_is_asked_after_four_hours_only(client, staff):
    """S17: 15 minutes without a decision; in all 4 hours."""
    path = reverse("desk_adjust", args=[AccountFactory().pk])
    client.post(path, {"amount": "5", "reason": "goodwill"})  # a decision, just now
    aged(client, **{CONFIRMED_AT: timedelta(hours=3, minutes=59)})
    assert client.get(path).status_code == 200

    aged(client, **{CONFIRMED_AT: timedelta(hours=4, minutes=1)})

    assert client.get(path)["Location"].startswith(reverse("desk_confirm"))


@pytest.mark.guards("S17", "web.staff.confirming.for_rights")
def test_rights_and_payees_are_asked_for_always(client, staff):
    """S17: whatever was decided since; for rights, payees and settings 15 minutes are the end."""
    method, bob = PaymentMethodFactory(), UserFactory()
    Policy.current()
    client.post(reverse("desk_adjust", args=[AccountFactory().pk]), {"amount": "5", "reason": "goodwill"})
    pages = [
        reverse("desk_person", args=[bob.pk]),
        reverse("admin:core_paymentmethod_change", args=[method.pk]),
        reverse("admin:core_paymentmethod_add"),
        reverse("admin:core_policy_change", args=[1]),
        reverse("admin:core_user_change", args=[bob.pk]),
    ]
    assert [client.get(page).status_code for page in pages] == [200] * 5

    aged(client, **OLD)

    for page in pages:
        for answer in (client.get(page), client.post(page, {"name": "Another"})):
            assert answer["Location"].startswith(reverse("desk_confirm")), page
    assert client.get("/desk/").status_code == 200  # to look asks for nothing


@pytest.mark.parametrize("after", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_confirming_leads_to_no_other_site(client, after):
    answer = client.post(f"{reverse('desk_confirm')}?next={after}", {"password": PASSWORD})

    assert answer["Location"] == "/home/"


def test_page_that_confirms_is_for_staff():
    assert signed_in(MembershipFactory().user).get(reverse("desk_confirm")).status_code == 403
    assert Client().get(reverse("desk_confirm")).status_code == 302
