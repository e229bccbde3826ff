from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from core.env import one_address, one_line
from core.models import Account, PaymentMethod
from core.problems import ValidationError
from core.validation.contact import Contact, contacts_of
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, PlanFactory, SellerVersionFactory
from tests.web.conftest import signed_in
from workflows.actions import change_account, sign_up
from workflows.mail import context, samples
from workflows.mail.rendering import build_email

LINKS = [
    "Win at http://evil.example",
    "https://evil.example",
    "www.evil.example",
    "WWW.Evil.Example now",
    "evil.example/win",
    "evil.example:8080/win",
    "evil。example/win",
    "evil．example/win",  # noqa: RUF001 - meant
    "ftp://evil.example",
]
NAMES = [
    "Booking.com",
    "AC/DC",
    "S.A./N.V. Acme",
    "Acme GmbH & Co. KG",
    "24/7 Service",
    "شركة المثال",
    "3.5/5 Stars",
    "www",
]


@pytest.mark.django_db
def test_every_mail_says_where_answers_go(settings, mailoutbox, run_effects):
    settings.MAIL_REPLY_TO = "Help <help@acme.test>"
    PaymentFactory()
    run_effects()

    assert {mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox} >= {"invoice_issued", "payment_submitted"}
    for mail in mailoutbox:
        assert mail.message()["Reply-To"] == "Help <help@acme.test>"


@pytest.mark.django_db
def test_without_a_setting_no_mail_has_a_reply_address(mailoutbox, run_effects):
    PaymentFactory()
    run_effects()

    assert mailoutbox
    assert not [mail for mail in mailoutbox if mail.message()["Reply-To"]]


def test_contact_stands_at_the_foot_of_customers_mails_and_not_of_staff_s(settings):
    settings.SUPPORT_CONTACT = "+92 21 555 0100, 9 to 17"

    assert (
        "Questions? +92 21 555 0100, 9 to 17"
        in build_email("trial_ending", context.trial_ending(samples.account())).text
    )
    staff = build_email("payment_submitted", context.payment_submitted(samples.payment()))
    assert "Questions?" not in staff.text


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("help@acme.test", "mailto:help@acme.test"),
        ("Help desk <help@acme.test>", "mailto:help@acme.test"),
        ("https://acme.test/help", "https://acme.test/help"),
        ("+92 21 555 0100", ""),
        ("javascript:alert(1)", ""),
        ("Ask @acme on chat", ""),
    ],
)
def test_contact_is_a_link_where_it_can_be(words, address):
    assert contacts_of(words) == [Contact(words, address)]


@pytest.mark.django_db
def test_page_for_questions_of_the_seller_stands_before_the_contact(settings, client, mailoutbox, run_effects):
    settings.SUPPORT_CONTACT = "help@acme.test"
    SellerVersionFactory(support_url="https://help.acme.test/?a=1&b=2")
    PaymentFactory()

    run_effects()

    address = "https://help.acme.test/?a=1&amp;b=2"
    mailbox = '<a href="mailto:help@acme.test"><bdi>help@acme.test</bdi></a>'
    both = f'<a href="{address}"><bdi>{address}</bdi></a> · {mailbox}'
    assert both in client.get("/").content.decode()
    (mail,) = [m for m in mailoutbox if m.extra_headers["X-Countersign-Kind"] == "invoice_issued"]
    assert both in mail.alternatives[0][0]
    assert "Questions? https://help.acme.test/?a=1&b=2 · help@acme.test" in mail.body.replace("\n", " ")


def test_same_contact_is_told_once():
    assert len(contacts_of("https://acme.test", "", "https://acme.test")) == 1


@pytest.mark.django_db
def test_contact_stands_on_pages_of_customers_and_strangers(settings, client):
    settings.SUPPORT_CONTACT = "help@acme.test"
    member = MembershipFactory().user

    for page in (client.get("/"), signed_in(member).get(reverse("dashboard"))):
        assert '<a href="mailto:help@acme.test"><bdi>help@acme.test</bdi></a>' in page.content.decode()


@pytest.mark.django_db
def test_pages_without_a_contact_ask_for_no_questions(settings, client):
    settings.SUPPORT_CONTACT = ""

    assert "Questions?" not in client.get("/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("contact", ["help@acme.test", ""])
def test_invoice_mail_without_a_way_to_pay_says_ask_us(settings, mailoutbox, run_effects, contact):
    settings.SUPPORT_CONTACT = contact
    PaymentMethod.objects.update(is_enabled=False)
    InvoiceFactory()
    run_effects()

    (mail,) = [m for m in mailoutbox if m.extra_headers["X-Countersign-Kind"] == "invoice_issued"]
    assert "Please ask us how to pay" in mail.body
    assert "Once you have paid" not in mail.body
    assert "I have paid" not in mail.body
    assert (contact or "answer this mail") in mail.body


@pytest.mark.parametrize("text", ["nobody", "a@b\nBcc: c@d", "a b@c", "@"])
def test_reply_address_that_is_none_stops_the_start(text):
    with pytest.raises(ImproperlyConfigured, match="MAIL_REPLY_TO"):
        one_address(text, "MAIL_REPLY_TO")


@pytest.mark.parametrize("text", ["two\nlines", "x" * 201])
def test_contact_that_is_no_line_stops_the_start(text):
    with pytest.raises(ImproperlyConfigured, match="SUPPORT_CONTACT"):
        one_line(text, "SUPPORT_CONTACT")


@pytest.fixture
def newcomer(db):
    plan = PlanFactory(code="free", price=0)

    def come(name):
        return sign_up(
            email="ann@acme.test", password=None, account_name=name, plan=plan.code, currency="USD", billing={}
        ).account

    return come


@pytest.mark.parametrize("name", LINKS)
def test_name_that_is_a_link_is_refused_when_signing_up_and_later(newcomer, name):
    with pytest.raises(ValidationError) as refused:
        newcomer(name)
    assert list(refused.value.members["errors"]) == ["account_name"]
    assert not Account.objects.exists()
    account = newcomer("Acme")

    with pytest.raises(ValidationError) as refused:
        change_account(account, by=account.memberships.get().user, name=name)

    assert list(refused.value.members["errors"]) == ["name"]


@pytest.mark.parametrize("name", NAMES)
def test_name_with_dots_and_slashes_is_a_name(newcomer, name):
    assert newcomer(name).name == name


def test_old_name_that_is_a_link_keeps_nobody_from_changing_the_rest(newcomer):
    account = newcomer("Acme")
    Account.objects.filter(pk=account.pk).update(name=LINKS[0])

    changed = change_account(account, by=account.memberships.get().user, name=LINKS[0], language="ar")

    assert changed.language == "ar"
