from __future__ import annotations

import unicodedata
from decimal import Decimal

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.urls import reverse

from core.models import Account, Payment, User
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    SubscriptionFactory,
    UserFactory,
)
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db

PASSWORDS = {form: unicodedata.normalize(form, "schöne Gänse über dem Fluß") for form in ("NFC", "NFD")}


@pytest.fixture
def claim():
    """Send the form "I have paid" of an invoice of 89 in that currency."""
    PaymentMethodFactory(currency="", requires=[])

    def send(amount, *, currency="USD", **data):
        invoice = InvoiceFactory(currency=currency, subscription=SubscriptionFactory(currency=currency))
        client = signed_in(MembershipFactory(account=invoice.account).user)
        path = reverse("claim", args=[invoice.pk])
        return client.post(path, {"method": "us_bank", "amount": amount, "reference": "R-1", **data}, follow=True)

    return send


def claimed():
    return [payment.amount for payment in Payment.objects.all()]


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("89,00", "EUR", "89"), ("1.234,50 €", "EUR", "1234.5"), ("1,23,456.50", "INR", "123456.5"), ("٨٩", "SAR", "89")],
)
def test_amount_with_one_meaning_is_claimed_and_shown_back(claim, text, currency, amount):
    answer = claim(text, currency=currency)

    assert claimed() == [Decimal(amount)]
    assert f"We check your payment of {Decimal(amount):,.2f} {currency}" in answer.content.decode()


def test_far_more_than_is_open_is_refused_at_the_amount(claim):
    answer = claim("999999.00")

    assert claimed() == []
    (words,) = answer.context["form"].errors["amount"]
    assert words.startswith("This is far more than the 89.00 USD that are open.")
    assert words in answer.content.decode()


@pytest.mark.parametrize(("text", "currency"), [("12,500", "TND"), ("1.500", "KWD"), ("1.500", "USD")])
def test_amount_with_two_meanings_is_not_claimed_until_one_is_chosen(claim, text, currency):
    asked = claim(text, currency=currency)
    choices = [value for value, _words in asked.context["form"].fields["amount"].widget.choices]

    assert claimed() == []
    assert "This can mean two amounts" in asked.content.decode()
    assert len(choices) == 2

    claim(text, currency=currency, amount_meant=choices[0])

    assert claimed() == [Decimal(choices[0])]


def test_amount_that_the_form_wrote_itself_is_claimed_as_it_is(claim):
    claim("89.000", currency="KWD")

    assert claimed() == [Decimal(89)]


def test_claim_of_a_day_that_has_not_come_is_shown_again(claim):
    answer = claim("89.00", paid_on="2999-01-01")

    assert claimed() == []
    assert "That day has not come yet." in answer.content.decode()


def test_claim_of_a_day_in_another_age_is_shown_again(claim):
    answer = claim("89.00", paid_on="0216-01-01")

    assert claimed() == []
    assert "That day is too long ago." in answer.content.decode()


@pytest.fixture
def approve():
    payment = PaymentFactory()
    client = signed_in(StaffFactory())

    def send(**data):
        answer = client.post(reverse("desk_decide", args=[payment.pk, "approve"]), data)
        payment.refresh_from_db()
        return answer, payment

    return send


def test_amount_received_in_another_notation_is_shown_back_before_it_counts(approve):
    asked, payment = approve(received="88,50")

    assert asked.status_code == 200
    assert "We read this as 88.50 USD" in asked.content.decode()
    assert payment.status == Payment.Status.PENDING_APPROVAL

    _, payment = approve(received="88,50", received_meant="88.50")

    assert (payment.status, payment.received) == (Payment.Status.APPROVED, Decimal("88.5"))


@pytest.mark.parametrize("day", ["2999-01-01", "0001-01-01"])
def test_approval_with_a_day_that_cannot_be_is_shown_again_beside_it(approve, day):
    answer, payment = approve(received="89.00", value_date=day)

    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["value_date"]
    assert payment.status == Payment.Status.PENDING_APPROVAL


def test_receipt_with_a_day_that_cannot_be_is_shown_again_beside_it():
    PaymentMethodFactory()
    path = reverse("desk_record", args=[InvoiceFactory().pk])

    data = {"method": "us_bank", "received": "89.00", "reference": "R", "paid_on": "2999-01-01"}
    answer = signed_in(StaffFactory()).post(path, data)

    assert list(answer.context["form"].errors) == ["paid_on"]
    assert not Payment.objects.exists()


def test_claim_whose_reference_another_account_typed_in_other_digits_is_a_sign(claim):
    claim("89.00", reference="TX ٩٩٠٠")
    claim("89.00", reference="tx-9900")

    page = signed_in(StaffFactory()).get(reverse("desk") + "?q=۹۹۰۰").content.decode()

    assert page.count("Another account used this reference") == 2


@pytest.mark.parametrize("page", ["sign_in", "admin:login"])
@pytest.mark.parametrize("typed", PASSWORDS)
@pytest.mark.parametrize("kept", PASSWORDS)
def test_password_fits_at_every_log_in_page_however_its_accents_are_typed(client, page, typed, kept):
    user = UserFactory(is_staff=True, email="staff@example.test")
    user.set_password(PASSWORDS[kept])
    user.save()

    answer = client.post(reverse(page), {"username": user.email, "password": PASSWORDS[typed]})

    assert answer.status_code == 302


def test_password_that_was_kept_decomposed_fits_as_it_was_typed(client):
    user = UserFactory(email="old@example.test")
    super(User, user).set_password(PASSWORDS["NFD"])
    user.save()

    answer = client.post(reverse("sign_in"), {"username": user.email, "password": PASSWORDS["NFD"]})

    assert answer.status_code == 302


def test_wrong_password_costs_as_many_hashes_for_an_address_that_nobody_has(client, monkeypatch):
    UserFactory(email="somebody@example.test")
    known = User.objects.get()
    known.set_password("another horse battery")
    known.save()
    counted = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, *given: counted.append(1) or encode(self, *given))
    costs = []
    for email in ("somebody@example.test", "nobody@example.test"):
        counted.clear()
        client.post(reverse("sign_in"), {"username": email, "password": PASSWORDS["NFD"]})
        costs.append(len(counted))

    assert costs[0] == costs[1] == 2


def sign_up(client, **data):
    PlanFactory(code="free", name="Free", price="0.00")
    given = {"plan": "free", "email": "new@example.com", "password": "correct horse battery", "account_name": "New"}
    return client.post(reverse("sign_up"), given | data)


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u2800", "\u00ad", "\ufeff", "\u0301\u0301\u0301"])
def test_sign_up_under_a_name_that_cannot_be_seen_is_shown_again(client, name):
    answer = sign_up(client, account_name=name)

    assert list(answer.context["form"].errors) == ["account_name"]
    assert not Account.objects.exists()


def test_sign_up_counts_a_name_after_composition(client):
    too_long = sign_up(client, account_name="\u0958" * 76)

    assert list(too_long.context["form"].errors) == ["account_name"]

    sign_up(client, account_name="e\u0301" * 150)

    assert Account.objects.get().name == "\u00e9" * 150


def test_admin_refuses_a_person_whose_address_is_somebody_else_s_in_other_letters():
    UserFactory(email="somebody@example.test")
    root = signed_in(UserFactory(is_staff=True, is_superuser=True))
    data = {"email": "SOMEBODY@example.test", "name": "", "usable_password": "true"}
    data |= {"password1": "staple battery horse", "password2": "staple battery horse"}

    answer = root.post(reverse("admin:core_user_add"), data)

    assert answer.status_code == 200
    assert "Somebody has this e-mail address already, perhaps spelled in another way." in answer.content.decode()
