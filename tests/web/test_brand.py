"""What customers' pages show of the seller's brand."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from core.models import Logo
from tests.factories import InvoiceFactory, MembershipFactory, SellerVersionFactory
from tests.web.conftest import signed_in
from tests.workflows.documents.logos import PNG, SVG
from tests.workflows.test_claims_by_link import link_to
from workflows.mail.brand import brand_without_query, kept_brand
from workflows.mail.invoice_links import address_of

pytestmark = pytest.mark.django_db


def logo_of(content, kind):
    return Logo.objects.create(sha256=hashlib.sha256(content).hexdigest(), kind=kind, content=content)


@pytest.mark.parametrize(("content", "kind", "told"), [(PNG, "png", "image/png"), (SVG, "svg", "image/svg+xml")])
def test_logo_is_served_from_our_origin_and_kept_for_ever(client, content, kind, told):
    logo = logo_of(content, kind)

    answer = client.get(reverse("brand_logo", args=[logo.sha256]))

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, content, told)
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"]
    assert not answer.cookies


def test_address_of_no_logo_is_not_found(client):
    assert client.get(reverse("brand_logo", args=["0" * 64])).status_code == 404


def test_logo_stands_in_the_head_of_customers_pages(client):
    logo = logo_of(PNG, "png")
    seller = SellerVersionFactory(logo=logo, brand_name="Acme <Cloud>")
    member = MembershipFactory()
    link = link_to(InvoiceFactory(seller=seller))
    shown = f'<img class="brand-logo" src="/logo/{logo.sha256}/" alt="Acme &lt;Cloud&gt;">'

    for page in (
        client.get(reverse("sign_in")),
        client.get(urlsplit(address_of(link)).path),
        signed_in(member.user).get(reverse("dashboard")),
    ):
        assert shown in page.content.decode()


def test_without_a_logo_the_name_stands_there(client):
    SellerVersionFactory(brand_name="Acme <Cloud>")

    page = client.get(reverse("sign_in")).content.decode()

    assert "<bdi>Acme &lt;Cloud&gt;</bdi></a>" in page
    assert "brand-logo" not in page


def test_plain_page_bears_the_brand_and_asks_no_database(django_assert_num_queries):
    SellerVersionFactory(brand_name="Acme <Cloud>")
    kept_brand()

    with django_assert_num_queries(0):
        page = render_to_string("500.html")

    assert "<title>Acme &lt;Cloud&gt;</title>" in page
    assert "<bdi>Acme &lt;Cloud&gt;</bdi>" in page


def test_plain_page_of_a_process_that_saw_no_brand_bears_the_sender_of_mails(settings):
    settings.MAIL_FROM = "Acme Billing <billing@acme.test>"
    SellerVersionFactory(brand_name="Acme <Cloud>")

    assert "<title>Acme Billing</title>" in render_to_string("503.html")
    assert brand_without_query().name == "Acme Billing"
