from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from core.models import Account, Invoice, Payment
from core.models.user import STAFF_PERMISSIONS
from engine import Busy, perform
from tests.api.scenario import digest
from tests.factories import PaymentFactory, StaffFactory, UserFactory
from workflows.reporting import previews

pytestmark = pytest.mark.django_db


@pytest.fixture
def approver(client):
    staff = StaffFactory(email="approver@demo.test")
    staff.user_permissions.set(
        Permission.objects.filter(content_type__app_label="core", codename__in=STAFF_PERMISSIONS)
    )
    client.force_login(staff)
    return staff


@pytest.fixture
def claim(run_effects):
    payment = PaymentFactory()
    run_effects()
    return payment


def asked(client, payment, verb, **data):
    return client.post(reverse("desk_preview", args=[payment.pk, verb]), data)


def test_an_approval_is_told_before_it_is_made(client, approver, claim):
    before = digest()

    words = asked(client, claim, "approve").content.decode()

    assert "What follows:</strong> 1 invoice paid, subscription active until " in words
    assert "1,000 credits, 1 mail, 2 timers" in words
    assert digest() == before


def test_preview_uses_the_typed_values(client, approver, claim):
    assert (
        "1 invoice paid in part, 2 mails, 1 timer" in asked(client, claim, "approve", received="50.00").content.decode()
    )
    assert "11.00 USD to the balance" in asked(client, claim, "approve", received="100.00").content.decode()
    assert asked(client, claim, "approve", received="a lot").content == b""


def test_a_rejection_and_a_reversal_need_no_reason_yet(client, approver, claim, run_effects):
    assert "What follows:</strong> 1 mail." in asked(client, claim, "reject").content.decode()
    perform(claim.approve, by=approver)
    run_effects()

    words = asked(client, claim, "reverse").content.decode()

    assert "1 invoice open again, subscription past due, 1,000 credits taken back" in words


def test_preview_says_what_is_refused_and_what_is_locked(client, approver, claim, monkeypatch):
    assert "Cannot reverse this payment" in asked(client, claim, "reverse").content.decode()

    def busy(*_, **__):
        raise Busy

    monkeypatch.setattr(previews, "preview_of", busy)
    assert "so it was not previewed" in asked(client, claim, "approve").content.decode()


def test_preview_page_without_permission_is_refused(client, claim):
    reviewer = UserFactory(is_staff=True)
    reviewer.user_permissions.set(Permission.objects.filter(codename="review_payment"))
    assert asked(client, claim, "approve").status_code == 302
    for who in (claim.submitted_by, UserFactory(is_staff=True), reviewer):
        client.force_login(who)
        assert asked(client, claim, "approve").status_code == 403
    client.force_login(StaffFactory())
    assert client.get(reverse("desk_preview", args=[claim.pk, "approve"])).status_code == 405
    assert asked(client, claim, "settle").status_code == 404


def test_many_are_summed_up(client, approver, claim, run_effects):
    claims = [claim, PaymentFactory(reference="A", reference_key="A"), PaymentFactory(reference="B", reference_key="B")]
    run_effects()
    before = digest()
    keys = [str(each.pk) for each in claims]

    page = client.post(reverse("desk_bulk"), {"verb": "approve", "id": keys}).content.decode()
    words = client.post(reverse("desk_bulk_preview"), {"verb": "approve", "id": keys}).content.decode()

    assert reverse("desk_bulk_preview") in page
    assert "3 payments settled, 3 invoices paid, 3 subscriptions active, 3,000 credits, 3 mails, 6 timers" in words
    assert digest() == before


def test_more_than_a_hundred_are_not_summed_up(client, approver, claim):
    keys = [str(claim.pk), *(f"00000000-0000-4000-8000-{number:012}" for number in range(100))]

    words = client.post(reverse("desk_bulk_preview"), {"verb": "reject", "id": keys}).content.decode()

    assert "More than 100 claims are not previewed together." in words


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (lambda claim: reverse("desk_void", args=[claim.invoice_id]), "1 invoice void, "),
        (lambda claim: reverse("desk_write_off", args=[claim.invoice_id]), "1 invoice written off."),
        (lambda claim: reverse("desk_close_account", args=[claim.account_id]), "1 account closed, "),
    ],
)
def test_a_correction_is_told_and_is_no_decision(client, approver, run_effects, claim, page, told):
    """Nor does it count as one, after which the password would not be asked for again for a while."""
    perform(claim.reject, by=approver, reason_code="other")
    run_effects()
    before, session = digest(), dict(client.session)

    assert 'hx-vals=\'{"preview": "yes"}\'' in client.get(page(claim)).content.decode()
    words = client.post(page(claim), {"preview": "yes"}).content.decode()

    assert f"What follows:</strong> {told}" in words or told.rstrip(", ") in words
    assert digest() == before
    assert dict(client.session) == session
    assert Payment.objects.count() == Invoice.objects.count() == Account.objects.count() == 1
