from __future__ import annotations

import pytest
from django.urls import reverse

from core.models import Account, Payment
from engine import perform
from engine.models import Effect
from tests.factories import (
    MembershipFactory,
    OperatorFactory,
    PaymentFactory,
    StaffFactory,
    UserFactory,
    scheduled_mail,
)
from workflows.mail.samples import SAMPLES

pytestmark = pytest.mark.django_db

LIST = reverse("mails")
FIRST = {"kind": "invoice_issued", "number": 0, "language": "ar"}


@pytest.fixture
def staff(client):
    client.force_login(StaffFactory())
    return client


@pytest.fixture
def operator(client):
    client.force_login(OperatorFactory())
    return client


@pytest.fixture
def sent(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    return Effect.objects.get(kind="mail.payment_approved")


@pytest.mark.parametrize("person", [None, lambda: MembershipFactory().user, lambda: UserFactory(is_staff=True)])
def test_strangers_customers_and_staff_without_a_duty_read_no_mails(client, person, sent):
    if person is not None:
        client.force_login(person())

    for address in (LIST, reverse("mail", kwargs=FIRST), reverse("mail_html", kwargs=FIRST)):
        assert client.get(address).status_code in (302, 403)
    for name in ("effect_mail", "effect_mail_html"):
        assert client.get(reverse(name, kwargs={"pk": sent.pk})).status_code in (302, 403)


def test_reviewers_read_the_samples_and_not_what_was_sent(staff, sent):
    assert staff.get(LIST).status_code == 200
    assert staff.get(reverse("mail", kwargs=FIRST)).status_code == 200
    assert staff.get(reverse("effect_mail", kwargs={"pk": sent.pk})).status_code == 403
    assert staff.get(reverse("effect_mail_html", kwargs={"pk": sent.pk})).status_code == 403


def test_every_sample_is_listed_and_can_be_read(staff):
    page = staff.get(LIST).content.decode()
    assert LIST in staff.get(reverse("admin:index")).content.decode()

    for kind, variants in SAMPLES.items():
        for number in range(len(variants)):
            address = reverse("mail", kwargs={"kind": kind, "number": number, "language": "en"})
            assert f'href="{address}"' in page
            assert staff.get(address).status_code == 200


def test_a_sample_shows_subject_preheader_text_and_a_frame(staff):
    before = Effect.objects.count()

    answer = staff.get(reverse("mail", kwargs=FIRST))

    page = answer.content.decode()
    assert "الفاتورة INV-000123: المبلغ 189.00 USD يُستحق في 10 نوفمبر 2026" in page
    assert "عن خطة Growth. تجد طريقة الدفع في الرسالة." in page
    assert "DEMO - DO NOT PAY" in page
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]
    assert f'<iframe src="{reverse("mail_html", kwargs=FIRST)}" sandbox' in page
    assert '<html lang="en' in page
    assert (Effect.objects.count(), Account.objects.count()) == (before, 0)


def test_the_html_of_a_mail_can_do_nothing(staff):
    answer = staff.get(reverse("mail_html", kwargs=FIRST))

    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "script-src" not in policy
    assert policy.endswith("frame-ancestors 'self'; sandbox")
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert 'dir="rtl"' in answer.content.decode()


@pytest.mark.parametrize(
    "change", [{"kind": "no_such"}, {"number": 99}, {"language": "ur"}, {"kind": "layout"}, {"number": 10**30}]
)
def test_unknown_mail_is_not_found(staff, change):
    assert staff.get(reverse("mail", kwargs=FIRST | change)).status_code == 404
    assert staff.get(reverse("mail_html", kwargs=FIRST | change)).status_code == 404


def test_sent_mail_is_rendered_again_from_its_effect_and_says_so(operator, sent):
    address = reverse("effect_mail", kwargs={"pk": sent.pk})
    assert f'href="{address}"' in operator.get(reverse("admin:engine_effect_change", args=[sent.pk])).content.decode()

    page = operator.get(address).content.decode()
    html = operator.get(reverse("effect_mail_html", kwargs={"pk": sent.pk}))

    assert "Written again just now" in page
    assert "Welcome, Demo Ltd: your payment has arrived" in page
    assert "Welcome, " in html.content.decode()
    assert "sandbox" in html.headers["Content-Security-Policy"]


def test_unsent_mail_says_so(operator):
    effect = scheduled_mail()

    assert "Not sent." in operator.get(reverse("effect_mail", kwargs={"pk": effect.pk})).content.decode()


def test_an_effect_that_is_no_mail_has_none(operator, sent):
    settle = Effect.objects.get(kind="payment.settle")

    assert operator.get(reverse("effect_mail", kwargs={"pk": settle.pk})).status_code == 404
    assert "Read the mail" not in operator.get(reverse("admin:engine_effect_change", args=[settle.pk])).content.decode()


def test_mail_that_cannot_be_rendered_says_why(operator):
    broken = scheduled_mail()
    Effect.objects.filter(pk=broken.pk).update(kind="mail.effects_dead", machine="", object_id=None)

    page = operator.get(reverse("effect_mail", kwargs={"pk": broken.pk})).content.decode()

    assert "It cannot be written: KeyError" in page
    assert operator.get(reverse("effect_mail_html", kwargs={"pk": broken.pk})).status_code == 404


def test_mail_that_would_not_be_sent_now_says_so(operator):
    effect = scheduled_mail(status=Account.Status.PENDING_PAYMENT)
    Effect.objects.filter(pk=effect.pk).update(kind="mail.trial_ending")

    page = operator.get(reverse("effect_mail", kwargs={"pk": effect.pk}))

    assert "It would not be sent any more" in page.content.decode()
    assert operator.get(reverse("effect_mail_html", kwargs={"pk": effect.pk})).status_code == 404
    assert not Payment.objects.exists()
