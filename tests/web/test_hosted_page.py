"""The page of one invoice for who has a link to it: what it shows, keeps to itself, and takes."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from core.db.thaw import thaw
from core.models import InvoiceLink, Payment, PaymentMethod
from engine import perform
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    StaffFactory,
    UserFactory,
    staff_of_all_duties,
)
from tests.web.conftest import signed_in
from tests.web.test_arabic import english_on
from tests.web.test_arabic import known as known
from tests.workflows.test_claims_by_link import PAYER, link_to, token_of
from workflows.actions import void_invoice
from workflows.actions.invoice_links import make_link, revoke_links
from workflows.mail.invoice_links import address_of
from workflows.periods import database_now

pytestmark = pytest.mark.django_db

CLAIM = {"method": "us_bank", "amount": "89.00", "reference": "TRACE-1"}
KEPT_NOWHERE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


@pytest.fixture(autouse=True)
def english_again():
    """A request leaves its language active in this thread, which others use too."""
    yield
    translation.deactivate()


@pytest.fixture
def invoice(shop):
    return InvoiceFactory()


@pytest.fixture
def link(invoice):
    return link_to(invoice)


@pytest.fixture
def anybody():
    """A browser without a cookie, whose forms are held against forgery."""
    return Client(enforce_csrf_checks=True)


def path_of(link):
    return urlsplit(address_of(link)).path


def text_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def has_form(page):
    return "<form" in page


def test_page_says_what_for_how_much_and_how_to_pay(link, anybody):
    page = text_of(anybody.get(path_of(link)))

    for words in (link.invoice.number, "89.00 USD", "Starter", "Demo Ltd", link.invoice.payment_reference):
        assert words in page
    for line in PaymentMethod.objects.get(code="us_bank").payee():
        assert line.value in page
    assert has_form(page)


def test_another_way_to_pay_is_chosen(link, anybody):
    page = text_of(anybody.get(f"{path_of(link)}?method=intl_wire"))

    assert "<h3>SWIFT wire</h3>" in page
    assert '<option value="intl_wire" selected>' in page
    assert "<h3>ACH" in text_of(anybody.get(f"{path_of(link)}?method=nope"))


@pytest.mark.parametrize("tail", ["", "print/", "?method=us_bank&language=ar"])
def test_page_sets_no_cookie_and_is_kept_and_indexed_nowhere(link, anybody, tail):
    answer = anybody.get(path_of(link) + tail)

    assert answer.status_code == 200
    assert {name: answer[name] for name in KEPT_NOWHERE} == KEPT_NOWHERE
    assert not answer.cookies
    assert "csrf" not in answer.content.decode().lower()


def test_claim_sets_no_cookie_and_is_taken_from_a_browser_that_names_no_origin(link, anybody):
    answer = anybody.post(path_of(link), CLAIM, headers={"Origin": "null"})

    assert answer.status_code == 302
    assert {name: answer[name] for name in KEPT_NOWHERE} == KEPT_NOWHERE
    assert not answer.cookies
    assert Payment.objects.get().claimed_by_link == link


def test_other_methods_are_refused(link, anybody):
    for method in ("put", "patch", "delete", "options"):
        answer = getattr(anybody, method)(path_of(link))
        assert answer.status_code == 405
        assert answer["Referrer-Policy"] == "no-referrer"
    assert anybody.post(f"{path_of(link)}print/").status_code == 405


@pytest.mark.parametrize(
    ("method", "tail"), [("get", ""), ("get", "print/"), ("get", "?language=ar&method=us_bank"), ("post", "")]
)
def test_what_is_no_valid_link_is_answered_alike(invoice, anybody, method, tail):
    now, day = database_now(), timedelta(days=1)
    revoked, lived = link_to(invoice), {"created_at": now - 2 * day, "expires_at": now - day}
    revoke_links(invoice, by=MembershipFactory(account=invoice.account).user)
    expired = InvoiceLink.objects.create(invoice=invoice, **lived)
    forged = f"{token_of(link_to(invoice))[:-1]}_"
    tokens = [token_of(revoked), token_of(expired), forged, revoked.pk.hex, str(expired.pk), "x"]

    answers = [getattr(anybody, method)(f"/i/{token}/{tail}", CLAIM) for token in tokens]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    headers = [{**answer.headers, "X-Request-ID": "", "Content-Security-Policy": ""} for answer in answers]
    assert all(each == headers[0] for each in headers)
    assert {name: answers[0][name] for name in KEPT_NOWHERE} == KEPT_NOWHERE
    assert not Payment.objects.exists()


def test_link_that_ends_while_the_form_is_filled_in_takes_no_claim(link, anybody):
    anybody.get(path_of(link))
    revoke_links(link.invoice, by=MembershipFactory(account=link.invoice.account).user)

    assert anybody.post(path_of(link), CLAIM).status_code == 404
    assert not Payment.objects.exists()


def test_page_shows_nothing_else_of_the_account(invoice, link, anybody):
    account = invoice.account
    member = MembershipFactory(account=account, user=UserFactory(email="ann@secret.example", name="Ann Secret"))
    other = InvoiceFactory(account=account, subscription=invoice.subscription)
    PaymentFactory(invoice=other, submitted_by=member.user, reference="OTHER-REF", reference_key="OTHERREF")
    PaymentFactory(
        invoice=invoice,
        submitted_by=member.user,
        reference="MEMBERS-REF",
        reference_key="MEMBERSREF",
        payer_name="Payer Secret",
        notes="Notes secret",
    )
    invoice.metadata["billing_snapshot"] = {"billing_email": account.billing_email, "city": "Springfield"}
    with thaw("core_invoice", reason="a test"):
        invoice.save(update_fields=["metadata"])

    pages = text_of(anybody.get(path_of(link))) + text_of(anybody.get(f"{path_of(link)}print/"))

    assert "Springfield" in pages
    assert "A payment of this invoice is being checked." in pages
    for words in (other.number, "REF", "secret", "Secret", account.billing_email, PAYER, str(account.pk), "/app/"):
        assert words not in pages, words


def test_claims_of_another_link_are_not_shown(invoice, link, anybody):
    other = link_to(invoice, recipient="else@corp.example")
    anybody.post(path_of(other), CLAIM)

    page = text_of(anybody.get(path_of(link)))

    assert "TRACE-1" not in page
    assert "TRACE-1" in text_of(anybody.get(path_of(other)))


def test_claim_is_shown_with_what_became_of_it(link, anybody):
    answer = anybody.post(path_of(link), {**CLAIM, "paid_on": "", "payer_name": "Corp Ltd"}, follow=True)
    payment = Payment.objects.get()

    assert answer.redirect_chain[0][0].startswith(path_of(link))
    assert "In review" in text_of(answer)
    perform(payment.reject, by=StaffFactory(), reason_code="amount_short", admin_notes="internal words")
    page = text_of(anybody.get(path_of(link)))
    assert "Rejected" in page
    assert "Less has arrived than you told us of." in page
    assert "internal words" not in page


@pytest.mark.parametrize("end", ["paid", "void"])
def test_closed_invoice_shows_its_end_and_takes_no_claim(link, anybody, end, run_effects):
    if end == "paid":
        perform(PaymentFactory(invoice=link.invoice).approve, by=StaffFactory())
        run_effects()
    else:
        perform(link.invoice.lapse)
    before = Payment.objects.count()

    page = text_of(anybody.get(path_of(link)))
    answer = anybody.post(path_of(link), CLAIM)

    assert ("This invoice is paid." if end == "paid" else "Please do not pay it any more.") in page
    assert not has_form(page)
    assert "How to pay" not in page
    assert not has_form(text_of(answer))
    assert Payment.objects.count() == before


def test_form_that_is_sent_twice_is_one_payment(link, anybody):
    token = anybody.get(path_of(link)).context["form"].initial["token"]

    answers = [anybody.post(path_of(link), {**CLAIM, "token": token}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Payment.objects.count() == 1


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_stored(link, anybody):
    answer = anybody.post(path_of(link), {"method": "cash_receipt", "amount": "89.001", "paid_on": "2999-01-01"})

    assert {"amount", "reference", "paid_on"} <= set(answer.context["form"].errors)
    assert 'aria-invalid="true"' in text_of(answer)
    assert not Payment.objects.exists()


def test_refusal_of_a_duplicate_says_nothing_of_other_invoices(invoice, link, anybody):
    other = InvoiceFactory(account=invoice.account, subscription=invoice.subscription)
    PaymentFactory(invoice=other, reference="TRACE-1", reference_key="TRACE1")

    answer = anybody.post(path_of(link), CLAIM)

    [words] = answer.context["form"].non_field_errors()
    assert words == "We know of this payment already, or are still checking earlier ones. Please wait."
    assert Payment.objects.count() == 1


def test_page_with_three_undecided_claims_offers_no_form(invoice, link, anybody):
    for number in range(3):
        PaymentFactory(invoice=invoice, reference=f"R{number}", reference_key=f"R{number}")

    page = text_of(anybody.get(path_of(link)))
    answer = anybody.post(path_of(link), CLAIM)

    assert not has_form(page)
    assert "Several payments of this invoice are being checked." in page
    assert answer.context["form"].errors
    assert Payment.objects.count() == 3


def test_notes_and_proof_are_asked_for_where_a_method_requires_them(link, anybody):
    assert {"notes", "proof_url"}.isdisjoint(anybody.get(path_of(link)).context["form"].fields)
    PaymentMethod.objects.filter(code="us_bank").update(requires=["reference", "proof_url"])

    form = anybody.get(path_of(link)).context["form"]
    refused = anybody.post(path_of(link), CLAIM)
    taken = anybody.post(path_of(link), {**CLAIM, "proof_url": "https://files.corp.example/slip"})

    assert "proof_url" in form.fields
    assert "notes" not in form.fields
    assert list(refused.context["form"].errors) == ["proof_url"]
    assert taken.status_code == 302


def test_claims_by_links_from_one_network_are_limited(link, anybody, settings):
    settings.LIMITS = {**settings.LIMITS, "link": {"address": (1, timedelta(minutes=5))}}
    first = anybody.post(path_of(link), CLAIM)

    second = anybody.post(path_of(link), {**CLAIM, "reference": "TRACE-2"})

    assert first.status_code == 302
    assert (second.status_code, int(second["Retry-After"]) > 0) == (429, True)
    assert Payment.objects.count() == 1


NONSENSE = ["", "x" * 5000, "-1", "NaN", "١٢٣", "<script>alert(1)</script>", "9" * 40, "\u202e", "\udcff", "2026-99-99"]


@pytest.mark.parametrize("value", NONSENSE)
def test_no_input_makes_the_page_a_500(link, value):
    client = Client(raise_request_exception=False)
    names = ["method", "amount", "reference", "paid_on", "payer_name", "notes", "proof_url", "token"]

    answers = [
        client.post(path_of(link), dict.fromkeys(names, value.encode(errors="surrogatepass"))),
        client.get(
            path_of(link), {"method": value.encode(errors="replace"), "language": value.encode(errors="replace")}
        ),
        client.get(f"/i/{value[:200].encode(errors='replace').decode()}/"),
    ]

    assert all(answer.status_code in (200, 302, 400, 404, 413, 429) for answer in answers)
    assert not Payment.objects.exists()


def test_input_of_the_customer_and_the_payer_is_escaped(link, anybody):
    evil = "<img src=x onerror=alert(1)>"
    link.invoice.account.name = evil
    link.invoice.account.save(update_fields=["name"])
    anybody.post(path_of(link), {**CLAIM, "reference": evil})
    assert Payment.objects.exists()

    for tail in ("", "print/"):
        assert b"<img src=x" not in anybody.get(path_of(link) + tail).content


def test_page_is_in_the_customer_s_language_unless_another_is_chosen(shop, anybody):
    link = link_to(InvoiceFactory(subscription__account=AccountFactory(language="ar")))

    own = anybody.get(path_of(link), headers={"Accept-Language": "en"})
    chosen = anybody.get(f"{path_of(link)}?language=en")
    unknown = anybody.get(f"{path_of(link)}?language=xx")
    anybody.cookies["language"] = "en"  # chosen on a public page
    known_visitor = anybody.get(path_of(link))

    for answer, language in ((own, "ar"), (chosen, "en"), (unknown, "ar"), (known_visitor, "en")):
        assert answer["Content-Language"] == language
        assert f'<html lang="{language}"' in text_of(answer)
    assert 'action="?language=en#claim"' in text_of(chosen)


def test_page_in_arabic_has_no_english_word(known, anybody, run_effects):
    link = link_to(InvoiceFactory(subscription__account=AccountFactory(language="ar")))
    path = path_of(link)
    pages = {"open": anybody.get(path), "print": anybody.get(f"{path}print/"), "empty": anybody.post(path, {})}
    pages["wrong"] = anybody.post(path, {"method": "us_bank", "amount": "x", "paid_on": "2999-01-01"})
    anybody.post(path, {**CLAIM, "reference": "5"})
    pages["claimed"] = anybody.get(path)
    pages["again"] = anybody.post(path, {**CLAIM, "reference": "5"})
    perform(Payment.objects.get().approve, by=StaffFactory())
    run_effects()
    pages["paid"] = anybody.get(path)

    found = {name: english_on(answer, known) for name, answer in pages.items()}

    assert {name: lines for name, lines in found.items() if lines} == {}


def test_days_are_the_customer_s_own(shop, anybody):
    account = AccountFactory(time_zone="Pacific/Kiritimati")
    link = link_to(InvoiceFactory(subscription__account=account))

    form = anybody.get(path_of(link)).context["form"]

    assert form.today == (database_now() + timedelta(hours=14)).date()


def test_page_costs_few_queries(invoice, link, anybody):
    for number in range(3):
        PaymentFactory(invoice=invoice, reference=f"R{number}", reference_key=f"R{number}")

    with CaptureQueriesContext(connection) as asked:
        anybody.get(path_of(link))

    assert len(asked) <= 8, [query["sql"][:80] for query in asked]


# Who hands out links


def test_owner_makes_copies_and_revokes_links(invoice, anybody):
    client = signed_in(MembershipFactory(account=invoice.account).user)
    links = reverse("invoice_links", args=[invoice.pk])

    made = client.post(links, {"recipient": PAYER}, follow=True)
    [link] = InvoiceLink.objects.all()

    assert address_of(link) in text_of(made)
    assert PAYER in text_of(made)
    assert anybody.get(path_of(link)).status_code == 200
    revoked = client.post(links, {"revoke": "1"}, follow=True)
    assert address_of(link) not in text_of(revoked)
    assert anybody.get(path_of(link)).status_code == 404


def test_address_that_is_none_is_refused_beside_its_field(invoice):
    client = signed_in(MembershipFactory(account=invoice.account).user)

    answer = client.post(reverse("invoice_links", args=[invoice.pk]), {"recipient": "nobody"})

    assert answer.context["link_form"].errors["recipient"]
    assert "How to pay" in text_of(answer)
    assert not InvoiceLink.objects.exists()


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_member_and_viewer_see_no_link_and_make_none(invoice, link, visit, role):
    client = visit(invoice.account, role=role)

    page = text_of(client.get(reverse("invoice", args=[invoice.pk])))

    assert token_of(link) not in page
    assert PAYER not in page
    for data in ({"recipient": PAYER}, {"revoke": "1"}):
        assert client.post(reverse("invoice_links", args=[invoice.pk]), data).status_code == 403
    assert InvoiceLink.objects.open().get() == link


def test_links_of_another_account_are_not_found(invoice, link):
    stranger = signed_in(MembershipFactory().user)

    assert stranger.post(reverse("invoice_links", args=[invoice.pk]), {"revoke": "1"}).status_code == 404
    assert InvoiceLink.objects.open().get() == link


def test_owner_is_told_that_a_claim_came_by_link(invoice, link, anybody):
    anybody.post(path_of(link), CLAIM)
    client = signed_in(MembershipFactory(account=invoice.account).user)

    page = text_of(client.get(reverse("invoice", args=[invoice.pk])))
    payment = text_of(client.get(reverse("payment", args=[Payment.objects.get().pk])))

    assert "Somebody told us by a link that they paid" in page
    assert "We were told of a payment by a link" in page
    assert PAYER in payment
    assert "service.invalid" not in page + payment


def test_staff_see_the_address_of_their_own_links_only(invoice, link):
    maker, other = StaffFactory(), StaffFactory()
    page = reverse("desk_invoice", args=[invoice.pk])

    signed_in(maker).post(reverse("desk_invoice_links", args=[invoice.pk]), {"recipient": "else@corp.example"})
    made = InvoiceLink.objects.get(created_by=maker)

    for user, sees in ((maker, True), (other, False)):
        shown = text_of(signed_in(user).get(page))
        assert (address_of(made) in shown) is sees
        assert address_of(link) not in shown
        assert "else@corp.example" in shown
        assert PAYER in shown


def test_staff_without_the_duty_make_and_revoke_no_link(invoice, link):
    client = signed_in(UserFactory(is_staff=True))

    for data in ({"recipient": PAYER}, {"revoke": "1"}):
        assert client.post(reverse("desk_invoice_links", args=[invoice.pk]), data).status_code == 403
    assert InvoiceLink.objects.open().get() == link


def test_reviewer_revokes_the_links_of_an_invoice(invoice, link, anybody):
    signed_in(StaffFactory()).post(reverse("desk_invoice_links", args=[invoice.pk]), {"revoke": "1"})

    assert anybody.get(path_of(link)).status_code == 404


def test_desk_says_who_made_the_link_and_refuses_its_maker(invoice, anybody):
    maker = StaffFactory()
    link = make_link(invoice, recipient=PAYER, by=maker)
    anybody.post(path_of(link), CLAIM)
    page = reverse("desk_payment", args=[Payment.objects.get().pk])

    own, other = (text_of(signed_in(user).get(page)) for user in (maker, StaffFactory()))

    for shown in (own, other):
        assert f"By link, for {PAYER}" in shown
        assert "Claimed by link" in shown
        assert maker.email in shown
    assert "You made the link by which this was claimed, so somebody else decides on it." in own
    assert "dialog-approve" in other
    assert "dialog-approve" not in own


def test_history_says_that_a_claim_came_by_link(link, anybody):
    anybody.post(path_of(link), CLAIM)

    page = text_of(signed_in(StaffFactory()).get(reverse("history", args=["payment", Payment.objects.get().pk])))

    assert "by link" in page


def test_admin_lists_links_without_their_addresses(link):
    client = signed_in(UserFactory(is_staff=True, is_superuser=True))

    page = text_of(client.get(reverse("admin:core_invoicelink_changelist")))

    assert PAYER in page
    assert token_of(link) not in page


def test_void_by_staff_ends_what_the_page_offers(link, anybody):
    void_invoice(link.invoice, by=staff_of_all_duties())

    assert not has_form(text_of(anybody.get(path_of(link))))
