from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken

from core.models import Account, Industry, Membership, Site, SiteUserAccess, User
from core.models.user import NO_ADDRESS
from core.problems import Conflict, ValidationError
from engine.models import Effect
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
)
from workflows.actions import SignUp, sign_up
from workflows.actions.invitations import accept, invite
from workflows.actions.passwords import reset_password
from workflows.actions.people import (
    ask_for_password_reset,
    ask_to_verify,
    ask_to_verify_address,
    change_password,
    sign_out_everywhere,
    verify_email,
)
from workflows.actions.personal import export_person
from workflows.actions.sites import remove_member
from workflows.mail import signed_links
from workflows.mail.signed_links import invitation_token_of

pytestmark = pytest.mark.django_db

OLD, NEW = "correct horse battery", "staple of the other horse"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("Ann@Acme.test", OLD)


@pytest.fixture
def mailed(run_effects, mailoutbox):
    """Send what is owed; the token in the last mail."""

    def token() -> str:
        run_effects()
        text = mailoutbox[-1].body
        html = mailoutbox[-1].alternatives[0][0]
        (found,) = re.findall(r"http://localhost:8011/(?:password/reset|verify)/([\w.-]+)/", text)
        assert f"/{found}/" in html
        return str(found)

    return token


@pytest.fixture
def later(monkeypatch):
    """Let time pass for links."""

    def pass_by(**span: float) -> None:
        now = datetime.now() + timedelta(**span)  # noqa: DTZ005 - as Django's generator reads it
        monkeypatch.setattr(signed_links.Link, "_now", lambda _: now)

    return pass_by


def test_forgotten_password_is_reset_by_mail_once(ann, mailed, mailoutbox):
    ask_for_password_reset("ANN@acme.TEST")
    token = mailed()

    assert mailoutbox[-1].to == ["Ann@Acme.test"]  # as it was typed at sign-up, never as it was asked for
    assert reset_password(token, NEW).user == ann
    ann.refresh_from_db()
    assert ann.check_password(NEW)
    assert ann.email_verified_at is not None
    with pytest.raises(ValidationError, match="correct the fields") as refusal:
        reset_password(token, OLD)
    assert list(refusal.value.members["errors"]) == ["token"]


def test_no_row_holds_a_link(ann, mailed):
    ask_for_password_reset(ann.email)
    token = mailed()

    kept = Effect.objects.get(kind="mail.password_reset")
    assert kept.state == "done"
    assert token.partition(".")[2] not in f"{kept.key} {kept.payload} {kept.outcome} {kept.last_error}"


def test_unknown_address_schedules_the_same_and_gets_no_mail(ann, mailoutbox, run_effects, django_assert_num_queries):
    asked = []
    for email in (ann.email, "nobody@acme.test"):
        with django_assert_num_queries(1) as queries:
            ask_for_password_reset(email)
        asked.append(re.sub(r"'\[\{.*\}\]'", "DEBT", queries[0]["sql"]))
    run_effects()

    assert asked[0] == asked[1]
    assert len(mailoutbox) == 1
    assert set(Effect.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.parametrize(
    ("span", "good"), [({"minutes": 59}, True), ({"minutes": 61}, False)], ids=["in time", "too late"]
)
def test_a_link_for_a_password_is_good_for_an_hour(ann, mailed, later, span, good):
    ask_for_password_reset(ann.email)
    token = mailed()

    later(**span)

    if good:
        assert reset_password(token, NEW)
    else:
        with pytest.raises(ValidationError):
            reset_password(token, NEW)


def test_a_new_password_ends_other_links_sessions_and_tokens(ann, mailed, client):
    AuthToken.objects.create(ann)
    client.force_login(ann)
    session = client.session.session_key
    ask_for_password_reset(ann.email)
    first = mailed()
    ask_for_password_reset(ann.email)
    second = mailed()

    reset_password(second, NEW)

    assert not AuthToken.objects.filter(user=ann).exists()
    client.get("/admin/")
    assert client.session.session_key != session
    with pytest.raises(ValidationError):
        reset_password(first, NEW)


@pytest.mark.parametrize("password", ["short", "ann@acme.test", "password123", "1234567890"])
def test_a_weak_password_spends_no_link(ann, mailed, password):
    ask_for_password_reset(ann.email)
    token = mailed()

    with pytest.raises(ValidationError) as refusal:
        reset_password(token, password)

    assert list(refusal.value.members["errors"]) == ["password"]
    assert reset_password(token, NEW)


@pytest.mark.parametrize(
    "token", ["", ".", "x", "a.b", "." * 50, "0" * 32 + ".", "0" * 32 + ".abc-def", "é" * 32 + ".1-1"]
)
def test_malformed_link_opens_nothing(ann, token):
    for use in (lambda: reset_password(token, NEW), lambda: verify_email(token)):
        with pytest.raises(ValidationError):
            use()


def test_a_link_is_its_owner_s_and_for_its_purpose_alone(ann):
    bob = UserFactory()
    part = signed_links.RESET.make_token(ann)

    for token in (f"{bob.pk.hex}.{part}", signed_links.VERIFICATION.token_of(ann)):
        with pytest.raises(ValidationError):
            reset_password(token, NEW)
    with pytest.raises(ValidationError):
        verify_email(signed_links.RESET.token_of(ann))


def test_a_disabled_person_gets_no_link_and_uses_none(ann, mailoutbox, run_effects):
    token = signed_links.RESET.token_of(ann)
    ann.is_active = False
    ann.save()

    ask_for_password_reset(ann.email)
    ask_to_verify_address(ann.email)
    run_effects()

    assert mailoutbox == []
    with pytest.raises(ValidationError):
        reset_password(token, NEW)


def test_a_password_is_changed_by_who_knows_it(ann):
    AuthToken.objects.create(ann)

    with pytest.raises(ValidationError) as refusal:
        change_password(ann, "not it", NEW)
    assert list(refusal.value.members["errors"]) == ["old_password"]
    assert AuthToken.objects.count() == 1
    with pytest.raises(ValidationError) as refusal:
        change_password(ann, OLD, "short")
    assert list(refusal.value.members["errors"]) == ["new_password"]

    assert change_password(ann, OLD, NEW).check_password(NEW)
    assert AuthToken.objects.count() == 0


def test_disabling_somebody_ends_what_they_are_signed_in_with_for_good(ann, client):
    AuthToken.objects.create(ann)
    client.force_login(ann)
    session = client.session.session_key

    for is_active in (False, True):
        ann.is_active = is_active
        ann.save()

    assert not AuthToken.objects.exists()
    client.get("/admin/")
    assert client.session.session_key != session


def test_taking_a_password_away_ends_what_it_opened(ann):
    AuthToken.objects.create(ann)

    ann.set_unusable_password()
    ann.save()

    assert not AuthToken.objects.exists()


def test_another_name_ends_nothing(ann, client):
    AuthToken.objects.create(ann)
    client.force_login(ann)

    ann.name = "Ann"
    ann.save()

    assert AuthToken.objects.exists()
    assert client.get("/admin/").wsgi_request.user == ann


def test_signing_out_everywhere_leaves_the_password_as_it_is(ann, client):
    AuthToken.objects.create(ann)
    client.force_login(ann)
    session = client.session.session_key

    sign_out_everywhere(ann)

    assert not AuthToken.objects.exists()
    client.get("/admin/")
    assert client.session.session_key != session
    assert client.login(username="ann@acme.test", password=OLD)


def test_somebody_who_signs_up_is_asked_to_confirm_the_address(mailed, mailoutbox):
    plan = PlanFactory(code="free", trial_days=14, price=0)
    new = sign_up(email="ann@acme.test", password=OLD, account_name="Acme", plan=plan.code, currency="USD", billing={})

    token = mailed()

    assert [mail.to for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "verify_email"] == [
        ["ann@acme.test"]
    ]
    assert Effect.objects.get(kind="mail.verify_email").account_id == new.account.pk
    assert verify_email(token).email_verified_at is not None
    with pytest.raises(ValidationError):
        verify_email(token)


def test_a_confirmed_address_is_not_asked_about_again(ann, mailed, mailoutbox, run_effects, later):
    ask_to_verify(ann)
    token = mailed()
    later(days=2.9)
    verify_email(token)
    ann.refresh_from_db()

    ask_to_verify(ann)
    ask_to_verify_address(ann.email)
    run_effects()

    assert len(mailoutbox) == 1


def test_another_address_is_one_that_nobody_has_confirmed(ann):
    verified = verify_email(signed_links.VERIFICATION.token_of(ann))
    old_links = signed_links.RESET.token_of(verified), signed_links.VERIFICATION.token_of(verified)

    verified.name = "Ann"
    verified.save()
    assert verified.email_verified_at is not None
    verified.email = "ann@elsewhere.test"
    verified.save()

    verified.refresh_from_db()
    assert verified.email_verified_at is None
    with pytest.raises(ValidationError):
        reset_password(old_links[0], NEW)
    with pytest.raises(ValidationError):
        verify_email(old_links[1])


def test_a_link_that_confirms_is_good_for_three_days(ann, mailed, later):
    ask_to_verify(ann)
    token = mailed()

    later(days=3.1)

    with pytest.raises(ValidationError):
        verify_email(token)


@pytest.fixture
def account() -> Account:
    PlanFactory(code="free", name="Free", max_users=3, price=0)
    return AccountFactory(name="Acme & Söhne")


@pytest.mark.django_db(transaction=True)
def test_password_link_used_twice_at_once_sets_one_password(ann):
    token = signed_links.RESET.token_of(ann)

    def use(password: str) -> str:
        try:
            reset_password(token, password)
        except ValidationError:
            return ""
        else:
            return password
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        won = [password for password in pool.map(use, [f"{NEW} {n}" for n in range(8)]) if password]

    assert len(won) == 1
    ann.refresh_from_db()
    assert ann.check_password(won[0])


def signs_up(email: str) -> SignUp:
    return sign_up(
        email=email,
        password=NEW,
        account_name="Mine",
        plan="free",
        currency="USD",
        billing={},
    )


@pytest.mark.guards("S22", "workflows.actions.people.get_or_reactivate_user")
def test_somebody_who_was_removed_signs_up_as_somebody_new(account, ann, client):
    """S22: the row that acted for another account is not taken over by a stranger who types its address."""
    site = Site.objects.create(account=account, name="Shop", industry=Industry.objects.create(name="Retail"))
    SiteUserAccess.objects.create(site=site, user=ann, role="manager")
    User.objects.filter(pk=ann.pk).update(email_verified_at=timezone.now(), name="Ann of Acme")
    ann.refresh_from_db()
    remove_member(Membership.objects.create(account=account, user=ann, role="admin"))

    signed_up = signs_up("ANN@acme.test")

    ann.refresh_from_db()
    assert signed_up.user != ann
    assert signed_up.account != account
    assert (ann.is_active, ann.name) == (False, "Ann of Acme")
    assert ann.email.endswith(NO_ADDRESS)
    assert signed_up.user.email_verified_at is None  # who typed it need not be who reads it
    assert client.login(username="ann@acme.test", password=NEW)
    assert not client.login(username="ann@acme.test", password=OLD)


@pytest.mark.guards("S22", "workflows.actions.personal._former_users")
@pytest.mark.parametrize("is_proved", [False, True])
def test_export_of_a_stranger_holds_no_claim_made_for_the_former_firm(account, ann, is_proved):
    """S22: neither before nor after the address is proved, which a firm may give to somebody else."""
    invoice = InvoiceFactory(subscription__account=account)
    place = Membership.objects.create(account=account, user=ann, role="admin")
    PaymentFactory(invoice=invoice, submitted_by=ann, payer_name="The former firm", reference="THEIR SLIP")
    remove_member(place)
    stranger = signs_up("ann@acme.test").user
    stranger.email_verified_at = timezone.now() if is_proved else None
    stranger.save()

    held = export_person(stranger)

    assert "THEIR SLIP" not in held
    assert "The former firm" not in held
    assert str(ann.pk) in held  # as a key, for the operator


@pytest.mark.guards("S22", "user_staff_apart")
@pytest.mark.parametrize("how", ["signs up", "is invited"])
def test_row_of_former_staff_is_never_taken_over(account, how):
    """S22: years of decisions refer to it."""
    officer = StaffFactory(email="officer@example.test")
    officer.is_staff = officer.is_active = False
    officer.user_permissions.clear()
    officer.save()

    if how == "signs up":
        new = signs_up("officer@example.test").user
    else:
        owner = MembershipFactory(account=account).user
        offer = invite(account, email="officer@example.test", role="viewer", by=owner)
        new = accept(invitation_token_of(offer), password="correct horse battery")

    officer.refresh_from_db()
    assert new != officer
    assert officer.was_staff
    assert officer.email.endswith(NO_ADDRESS)
    assert User.objects.former_owners_of("officer@example.test").get() == officer


def test_address_of_staff_who_work_here_is_taken(account):
    StaffFactory(email="officer@example.test")

    with pytest.raises(Conflict):
        signs_up("officer@example.test")


@pytest.mark.parametrize("trust", ["is_staff", "is_superuser", "permission", "group"])
def test_log_in_of_former_staff_cannot_be_taken_over(account, ann, trust):
    ann.is_active = False
    if trust == "permission":
        ann.user_permissions.add(Permission.objects.get(codename="approve_payment"))
    elif trust == "group":
        ann.groups.add(Group.objects.create(name="Accounting"))
    else:
        setattr(ann, trust, True)
    ann.save()

    with pytest.raises(Conflict):
        signs_up("ann@acme.test")
    ann.refresh_from_db()
    assert not ann.is_active
    assert ann.check_password(OLD)
