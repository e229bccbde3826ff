from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from core.models import Membership, User
from engine.models import Effect
from tests.factories import PASSWORD, AccountFactory, MembershipFactory
from tests.web.conftest import signed_in
from web.browsers import browser_of
from workflows.mail.signed_links import INVITATION, RESET, VERIFICATION

pytestmark = pytest.mark.django_db
NEW = "another horse battery"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


@pytest.fixture
def user() -> User:
    user = MembershipFactory().user
    user.set_password(PASSWORD)
    user.save()
    return user


def test_a_forgotten_password_is_replaced_by_a_link(client, user):
    answer = client.post(reverse("ask_for_reset"), {"email": user.email})
    assert "a mail with a link is on its way" in answer.content.decode()
    assert Effect.objects.filter(kind="mail.password_reset").count() == 1

    answer = client.post(reverse("set_password", args=[RESET.token_of(user)]), {"password": NEW})

    assert answer.status_code == 302
    assert client.get(reverse("dashboard")).status_code == 200
    user.refresh_from_db()
    assert user.check_password(NEW)


def test_reset_does_not_reveal_who_has_an_account(client, user):
    known = client.post(reverse("ask_for_reset"), {"email": user.email}).content
    unknown = client.post(reverse("ask_for_reset"), {"email": "nobody@example.test"}).content

    assert known.count(b"on its way") == unknown.count(b"on its way") == 1


def test_an_invited_person_sets_a_first_password(client):
    invited = MembershipFactory(role=Membership.Role.MEMBER).user

    client.post(reverse("set_password", args=[INVITATION.token_of(invited)]), {"password": NEW})

    assert client.get(reverse("dashboard")).status_code == 200


@pytest.mark.parametrize("token", ["x", "0" * 32 + ".abc-def", "\x01.x", "ü"])
def test_a_link_that_is_none_changes_nothing(client, user, token):
    answer = client.post(reverse("set_password", args=[token]), {"password": NEW})
    assert answer.status_code == 200
    assert "not valid any more" in answer.content.decode()
    assert "not valid any more" in client.post(reverse("verify", args=[token])).content.decode()


def test_a_weak_password_is_refused_beside_its_field(client, user):
    answer = client.post(reverse("set_password", args=[RESET.token_of(user)]), {"password": "short"})

    assert answer.context["form"].errors["password"]
    assert not user.check_password("short")


def test_an_address_is_confirmed_by_a_press_and_not_by_looking(client, user):
    path = reverse("verify", args=[VERIFICATION.token_of(user)])

    client.get(path)
    user.refresh_from_db()
    assert user.email_verified_at is None
    client.post(path)
    user.refresh_from_db()
    assert user.email_verified_at is not None


def test_a_changed_password_ends_every_other_session(user):
    here, elsewhere = signed_in(user), signed_in(user)
    AuthToken.objects.create(user)

    answer = here.post(reverse("security"), {"old_password": PASSWORD, "new_password": NEW})

    assert answer.status_code == 302
    assert here.get(reverse("dashboard")).status_code == 200
    assert elsewhere.get(reverse("dashboard")).status_code == 302
    assert not AuthToken.objects.exists()


def test_a_wrong_old_password_changes_nothing(user):
    answer = signed_in(user).post(reverse("security"), {"old_password": "wrong", "new_password": NEW})

    assert answer.context["form"].errors["old_password"]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_signing_out_everywhere_ends_this_session_too(user):
    here, elsewhere = signed_in(user), signed_in(user)

    here.post(reverse("sign_out_all"))

    assert here.get(reverse("dashboard")).status_code == 302
    assert elsewhere.get(reverse("dashboard")).status_code == 302


def test_every_browser_is_listed_and_can_be_signed_out(user):
    here, elsewhere = Client(), Client()
    form = {"username": user.email, "password": PASSWORD}
    here.post("/login/", form, headers={"user-agent": FIREFOX})
    elsewhere.post("/login/", form, headers={"user-agent": CHROME})

    listed = list(here.get(reverse("security")).context["sessions"])
    assert [session.browser for session in listed] == ["Chrome, Android", "Firefox, Windows"]
    other, this = listed
    for session in (other, this):  # this one's button is "Sign out", and not here
        here.post(reverse("end_session"), {"session": session.pk})

    assert elsewhere.get(reverse("dashboard")).status_code == 302
    assert list(here.get(reverse("security")).context["sessions"]) == [this]


def test_session_of_another_user_cannot_be_ended(user):
    theirs, mine = Client(), signed_in(MembershipFactory().user)
    theirs.post("/login/", {"username": user.email, "password": PASSWORD})

    answer = mine.post(reverse("end_session"), {"session": user.sessions.get().pk})

    assert answer.status_code == 302
    assert theirs.get(reverse("dashboard")).status_code == 200


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox, Windows"),
        (CHROME, "Chrome, Android"),
        (EDGE, "Edge, Windows"),
        (SAFARI, "Safari, iPhone"),
        ("curl/8.5.0", ""),
        ("", ""),
    ],
)
def test_a_browser_is_called_by_its_name(agent, words):
    assert browser_of(agent) == words


def test_signing_in_goes_where_one_wanted_and_nowhere_else(client, user):
    data = {"username": user.email, "password": PASSWORD}

    inside = client.post("/login/", {**data, "next": "/app/plan/"})
    outside = Client().post("/login/", {**data, "next": "https://evil.example/"})

    assert inside["Location"] == "/app/plan/"
    assert outside["Location"] == "/home/"


def test_guessing_passwords_is_slowed_down(client, user, settings):
    answers = [client.post("/login/", {"username": user.email, "password": "wrong"}) for _ in range(30)]

    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0


def test_an_account_keeps_an_owner():
    account = AccountFactory()
    owner = MembershipFactory(account=account)
    client = signed_in(owner.user)

    client.post(reverse("member", args=[owner.pk]), {"role": "viewer"})
    client.post(reverse("member", args=[owner.pk]), {"remove": "1"})

    owner.refresh_from_db()
    assert owner.role == "owner"
