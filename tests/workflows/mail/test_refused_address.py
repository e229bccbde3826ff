"""A billing address that refuses for good: owners get the mails, the customer sees it, operators hear once."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.models import Account
from engine import perform, schedule
from engine.models import Effect
from tests.factories import AccountFactory, MembershipFactory, PaymentFactory, StaffFactory, UserFactory, scheduled_mail
from tests.web.conftest import signed_in
from tests.workflows.mail.test_smtp import (  # noqa: F401 - fixtures
    nobody_asks_a_name_server_who_we_are,
    nobody_waits_by_chance,
    office,
)
from web.customer.banner import standing_of, unreachable
from workflows.actions import change_account
from workflows.actions.people import verify_email
from workflows.mail import signed_links, verification
from workflows.mail.notifications import mail_trial_ending

pytestmark = pytest.mark.django_db

REFUSES = "550 5.1.1 no such user"


@pytest.fixture
def customer(office):  # noqa: F811
    office.refused["gone@acme.test"] = REFUSES
    account = AccountFactory(name="Acme", status="trial", billing_email="gone@acme.test")
    for address in ("ann@acme.test", "bob@acme.test"):
        MembershipFactory(account=account, user=UserFactory(email=address))
    return account


@pytest.fixture
def mail(run_effects):
    def send(account, number=1):
        key = schedule(mail_trial_ending, key=f"test:{account.pk}:{number}", about=account)
        run_effects()
        return Effect.objects.get(pk=key)

    return send


def sent(office, kind="trial_ending"):  # noqa: F811
    return [message["To"] for message in office.accepted if message["X-Countersign-Kind"] == kind]


def test_mail_to_an_address_that_refuses_for_good_reaches_the_owners(office, customer, mail):  # noqa: F811
    effect = mail(customer)

    assert (effect.state, effect.outcome["recipients"]) == ("done", ["ann@acme.test", "bob@acme.test"])
    assert sent(office) == ["ann@acme.test, bob@acme.test"]
    customer.refresh_from_db()
    assert customer.is_billing_email_refused


def test_address_that_refuses_is_not_tried_again_and_operators_hear_once(office, customer, mail):  # noqa: F811
    for number in range(5):
        mail(customer, number)

    assert len(sent(office)) == 5
    (alert,) = [m for m in office.accepted if m["X-Countersign-Kind"] == "address_refused"]
    text = alert.get_body(("plain",)).get_content()
    assert alert["To"] == "operator@demo.test"
    assert "gone@acme.test" in alert["Subject"]
    assert "no such user" in text
    assert sent(office, "effects_dead") == []
    assert not Effect.objects.filter(state="dead").exists()


@pytest.mark.parametrize("answer", ["450 4.2.0 greylisted", "550 5.7.1 relaying denied"])
def test_answer_that_is_not_about_the_address_leaves_it_as_it_is(office, customer, mail, answer):  # noqa: F811
    office.refused["gone@acme.test"] = answer

    effect = mail(customer)

    assert effect.state == ("waiting" if answer.startswith("4") else "dead")
    customer.refresh_from_db()
    assert not customer.is_billing_email_refused


def test_owners_who_refuse_as_well_are_an_effect_that_is_dead(office, customer, mail):  # noqa: F811
    office.refused |= {"ann@acme.test": REFUSES, "bob@acme.test": REFUSES}

    effect = mail(customer)

    assert effect.state == "dead"
    assert len(sent(office, "address_refused")) == 1
    assert set(sent(office, "effects_dead")) == {"operator@demo.test"}


def test_account_without_owners_names_the_refusal(office, mail):  # noqa: F811
    office.refused["gone@acme.test"] = REFUSES

    mail(AccountFactory(status="trial", billing_email="gone@acme.test"))

    dead = Effect.objects.filter(state="dead").values_list("kind", "last_error")
    assert {kind for kind, _ in dead} == {"mail.trial_started", "mail.trial_ending"}
    assert any("no such user" in error for _, error in dead)


def test_pages_say_that_the_address_cannot_be_reached_until_it_is_changed(office, customer, mail):  # noqa: F811
    before = standing_of(customer).signature
    assert unreachable(customer) is None
    mail(customer)
    account = Account.objects.get(pk=customer.pk)
    owner = account.memberships.first().user

    page = signed_in(owner).get(reverse("dashboard")).content.decode()

    assert "We cannot reach <bdi>gone@acme.test</bdi>" in page
    assert standing_of(account).signature != before

    change_account(account, by=owner, billing_email="here@acme.test")

    assert "We cannot reach" not in signed_in(owner).get(reverse("dashboard")).content.decode()


def test_banner_stands_beside_that_of_a_payment(office, customer, mail):  # noqa: F811
    mail(customer)
    payment = PaymentFactory(invoice__account=Account.objects.get(pk=customer.pk), submitted_by=UserFactory())

    page = signed_in(payment.account.memberships.first().user).get(reverse("dashboard")).content.decode()

    assert "We are checking your payment" in page
    assert "We cannot reach" in page


def test_address_that_is_proved_gets_mails_again(office, customer, mail, run_effects):  # noqa: F811
    mail(customer)
    office.refused.clear()

    assert verification.prove_billing_address(Account.objects.get(pk=customer.pk), "GONE@acme.test")
    mail(customer, 2)

    assert sent(office)[-1] == "gone@acme.test"


def test_address_of_a_member_who_follows_a_link_gets_mails_again(office, customer, mail):  # noqa: F811
    reader = MembershipFactory(account=customer, user=UserFactory(email="gone@acme.test"), role="member").user
    mail(customer)
    office.refused.clear()

    verify_email(signed_links.VERIFICATION.token_of(reader))
    mail(customer, 2)

    assert sent(office)[-1] == "gone@acme.test"


def test_link_to_an_address_of_before_proves_nothing(customer):
    assert not verification.prove_billing_address(customer, "other@acme.test")
    customer.refresh_from_db()
    assert customer.proved_email == "gone@acme.test"


def test_settlement_is_untouched_by_an_address_that_refuses(office, run_effects):  # noqa: F811
    office.refused["bills@example.test"] = REFUSES
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()

    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert sent(office, "payment_approved") == [payment.submitted_by.email]
    assert scheduled_mail(billing_email="other@example.test").state == "ready"
