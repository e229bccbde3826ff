from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.utils import translation
from django.utils.text import Truncator
from jinja2 import UndefinedError

from core.models import Account, Payment
from engine import perform
from engine.models import Effect
from engine.registry import kinds
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
)
from workflows.mail import samples
from workflows.mail.html_to_text import html_to_text
from workflows.mail.rejection_reasons import REASONS, reason_for
from workflows.mail.rendering import build_email
from workflows.mail.samples import SAMPLES, TO_STAFF
from workflows.mail.sending import build_context, composers

ARABIC = re.compile("[\u0600-\u06ff]")
EVERY = [
    pytest.param(kind, variant, language, id=f"{kind}, {variant}, {language}")
    for kind, variants in SAMPLES.items()
    for variant in variants
    for language in ("en", "ar")
    if language == "en" or kind not in TO_STAFF
]
NAMES = ["Ann", "12 & Söhne", '<a href="x">"\'', "شركة المثال", "٣ of us", "-", "{{ x }} %(y)s", "Long " * 30 + "name"]
SECRET = {"mail.verify_email", "mail.password_reset", "mail.member_invited", "mail.verify_billing_email"}


def written(kind, variant, language="en"):
    with translation.override(language):
        words = SAMPLES[kind][variant]()
    return build_email(kind, words, language=language)


class Page(HTMLParser):
    """What a mail's HTML is made of."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.rules = [], [], re.findall(r"@import|url\(", html)
        self.root = {}
        self.isolated = []  # what stands by itself among words of another direction
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        if tag == "html":
            self.root = attrs
        if tag == "a":
            self.links.append((attrs.get("class"), attrs["href"]))

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "bdi":
            self.isolated.append(data)


@pytest.mark.parametrize(("kind", "variant", "language"), EVERY)
def test_a_mail_is_whole(kind, variant, language):
    mail = written(kind, variant, language)
    page = Page(mail.html)

    assert 10 <= len(mail.subject) <= 78
    assert mail.preheader
    assert "<" not in mail.subject + mail.preheader + mail.text
    assert "%(" not in mail.html + mail.text
    assert "None" not in mail.text
    assert page.root == {"lang": language, "dir": "rtl" if language == "ar" else "ltr"}
    assert not {"img", "script", "link", "form", "iframe", "input"} & set(page.tags)
    assert not page.rules
    assert bool(ARABIC.search(mail.subject + mail.text)) == (language == "ar")


@pytest.mark.parametrize(("kind", "variant", "language"), EVERY)
def test_a_mail_has_one_next_step_on_a_page_of_ours(kind, variant, language):
    mail = written(kind, variant, language)
    links = Page(mail.html).links

    (step,) = [href for css, href in links if css == "next"]
    beside = {href for css, href in links if css == "hosted"}
    assert {href for _, href in links} - beside == {step}
    assert beside <= {"http://localhost:8011/i/example/"}
    assert bool(beside) <= (kind in ("invoice_issued", "invoice_reminder"))
    assert step.startswith("http://localhost:8011/")
    assert f":\n{step}\n" in mail.text
    assert re.fullmatch(
        r"http://localhost:8011/(password/reset/example/|invitation/example/|verify/(billing/)?example/|app/((plan|balance|members|documents)/|(invoices|payments)/[0-9a-f-]{36}/)?"
        r"|password/reset/|desk/((accounts/|duties/)?[0-9a-f-]{36}/|effects/\?kind=[a-z._]+|settings/(mail/|company/|ways-to-pay/([0-9a-f-]{36}/)?))?|desk/documents/\?status=waiting|admin/core/taxrule/)",
        step,
    )


@pytest.mark.parametrize(("kind", "variant", "language"), EVERY)
def test_any_name_stands_in_a_mail_as_it_is_and_by_itself(monkeypatch, kind, variant, language):
    account = samples.account

    def mail_to(name):
        monkeypatch.setattr(samples, "account", lambda **change: account(**{"name": name, **change}))
        return written(kind, variant, language)

    if "Zebra Ltd" not in mail_to("Zebra Ltd").text:
        return
    for name in NAMES:
        mail = mail_to(name)
        told = Truncator(name).chars(40) if variant == "several" else name
        assert told in mail.text
        assert told in Page(mail.html).isolated
        assert '<a href="x">' not in mail.html


@pytest.mark.parametrize(("kind", "variant"), [(kind, variant) for kind in SAMPLES for variant in SAMPLES[kind]])
def test_a_customer_s_words_cannot_leave_their_place(monkeypatch, kind, variant):
    hostile = '<a href="https://evil.example">"&\' {{ x }} {% y %} %(z)s'
    account = samples.account
    monkeypatch.setattr(samples, "account", lambda **change: account(**{"name": hostile, **change}))

    mail = written(kind, variant)

    assert "evil.example" not in "".join(href for _, href in Page(mail.html).links)
    assert "\n" not in mail.subject
    if kind != "effects_dead":
        assert hostile[:39] in mail.text or "&lt;a href" not in mail.html  # in a list of claims names are cut


def test_a_long_name_leaves_the_news_in_the_subject(monkeypatch):
    account = samples.account
    monkeypatch.setattr(samples, "account", lambda **change: account(name="Long " * 30, **change))

    for kind, variants in SAMPLES.items():
        for variant in variants:
            assert len(written(kind, variant).subject) <= 78
    assert written("payment_approved", "welcome").subject.endswith("…: your payment has arrived")


def test_value_that_a_context_forgot_is_an_error():
    context = SAMPLES["trial_ending"]["a trial"]()
    del context["ends"]

    with pytest.raises(UndefinedError, match="ends"):
        build_email("trial_ending", context)


def test_every_kind_of_mail_has_a_sample_and_those_without_a_secret_can_be_shown_again():
    known = {name for name in kinds if name.startswith("mail.")}

    assert known == {f"mail.{kind}" for kind in SAMPLES}
    assert known - SECRET == set(composers)


def test_samples_touch_no_table(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        for kind, variants in SAMPLES.items():
            for variant in variants:
                written(kind, variant, "ar")


@pytest.mark.parametrize("kind", ["invoice_issued", "invoice_reminder", "payment_partial", "payment_rejected"])
def test_a_mail_that_asks_for_money_says_how_to_send_it(kind):
    mail = written(kind, next(iter(SAMPLES[kind])))

    for line in (
        "Amount: ",
        "Payment reference: K2M7X4R907",
        "IBAN: DE89 3704 0044 0532 0130 00",
        "Beneficiary: Example Demo Ltd",
    ):
        assert line in mail.text
    assert '<bdi class="unbroken">K2M7X4R907</bdi>' in mail.html
    assert "<bdi>DE89 3704 0044 0532 0130 00</bdi>" in mail.html


def test_a_demo_account_is_not_to_be_paid_into():
    assert "DEMO - DO NOT PAY" in written("invoice_issued", "first").text
    assert "DEMO" not in written("invoice_reminder", "late").text


def test_numbers_are_not_turned_around_in_arabic_text():
    text = written("invoice_issued", "first", "ar").text

    assert "\u200e00-00-00" in text
    assert "\u200eDE89" not in text
    assert "\u200eINV" not in text


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_reason_is_told_and_none_accuses(language):
    assert set(REASONS) == set(Payment.Reason.values)
    with translation.override(language):
        told = {code: (str(reason_for(code).what), str(reason_for(code).next)) for code in REASONS}
        assert len(set(told.values())) == len(told)
        assert reason_for("of a later release") == REASONS["other"]
    assert all(bool(ARABIC.search(what + advice)) == (language == "ar") for what, advice in told.values())
    assert "fraud" not in " ".join(told["suspected_fraud"]).lower()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a\n b</p><p>c</p>", "a b\n\nc"),
        ("<ul><li>a</li><li><p>b</p></li></ul>", "- a\n- b"),
        ('<ol start="3"><li>a<ul><li>b</li></ul></li><li>c</li></ol>', "3. a\n  - b\n4. c"),
        ("<blockquote><p>a<br>b</p></blockquote>c", "> a\n> b\n\nc"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<div class="only-html"><p>a<br><img src=x>b</p></div>c', "c"),
        ('<a href="https://x.example">here</a>', "here (https://x.example)"),
        ('<table><tr><td>a</td><td class="value">b</td></tr></table>', "a: b"),
        ("", ""),
    ],
)
def test_a_page_becomes_plain_text(html, text):
    assert html_to_text(html) == text


@pytest.mark.django_db
def test_a_customer_is_written_to_in_their_language_and_staff_in_english(run_effects, mailoutbox):
    PaymentMethodFactory(instructions={"en": "Write {reference}.", "ar": "اكتب {reference}."}, fields={"iban": "DE89"})
    payment = PaymentFactory(invoice=InvoiceFactory(subscription__account=AccountFactory(language="ar")))
    run_effects()
    perform(payment.reject, by=StaffFactory(), reason_code="amount_short")
    run_effects()

    mails = {mail.extra_headers["X-Countersign-Kind"]: mail for mail in mailoutbox}
    assert mails["payment_submitted"].subject == "To review: 89.00 USD from Demo Ltd"
    assert mails["payment_submitted"].extra_headers["Content-Language"] == "en"
    assert mails["invoice_issued"].extra_headers["Content-Language"] == "ar"
    assert f"اكتب {payment.invoice.payment_reference}." in mails["invoice_issued"].body
    rejection = mails["payment_rejected"]
    assert "وصلنا مبلغ أقل من الذي أبلغتنا به." in rejection.body
    assert f"/app/invoices/{payment.invoice_id}/" in rejection.body
    assert 'dir="rtl"' in rejection.alternatives[0][0]
    assert translation.get_language() == "en"


@pytest.mark.django_db
def test_links_come_from_public_url_whatever_a_request_says(run_effects, mailoutbox, settings):
    settings.PUBLIC_URL = "https://pay.example"
    payment = PaymentFactory()
    run_effects()

    (mail,) = [m for m in mailoutbox if m.extra_headers["X-Countersign-Kind"] == "payment_submitted"]
    assert f"https://pay.example/desk/{payment.pk}/" in mail.body


@pytest.mark.django_db
def test_money_that_no_invoice_needed_is_said_to_be_in_the_balance(run_effects, mailoutbox):
    first = PaymentFactory()
    second = PaymentFactory(invoice=first.invoice, reference_key="2", submitted_by=first.submitted_by)
    staff = StaffFactory()
    for payment in (first, second):
        perform(payment.approve, by=staff)
        run_effects()

    welcome, late = [m for m in mailoutbox if m.extra_headers["X-Countersign-Kind"] == "payment_approved"]
    assert "Your plan is open" in welcome.body
    assert "/app/\n" in welcome.body
    assert "The invoice had no use for 89.00 USD of it." in late.body
    assert "/app/balance/\n" in late.body


@pytest.mark.django_db
def test_an_invoice_is_for_a_plan_by_its_name(run_effects, mailoutbox):
    PlanFactory(code="starter", name="The small one")
    InvoiceFactory()
    run_effects()

    assert "the plan The small one" in mailoutbox[0].body


@pytest.mark.django_db
def test_voided_invoice_is_not_mailed(run_effects, mailoutbox):
    invoice = InvoiceFactory()
    perform(invoice.lapse)
    run_effects()

    assert not [m for m in mailoutbox if m.extra_headers["X-Countersign-Kind"] == "invoice_issued"]
    assert Effect.objects.get(kind="mail.invoice_issued").state == "done"


@pytest.mark.django_db
def test_a_mail_that_was_sent_can_be_composed_again(run_effects, mailoutbox):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    effect = Effect.objects.get(kind="mail.payment_approved")
    Account.objects.filter(pk=payment.account_id).update(language="ar")

    told, language = build_context(Payment.objects.get(pk=payment.pk), effect)

    assert (str(told.values["name"]), language) == ("Demo Ltd", "ar")
