"""The page of an invoice for who has a link to it, in a browser that knows nothing of anybody."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import check_everywhere
from tests.stories.api_client import BILLING

OWNED = {"plan": "growth", "payment_method": "us_bank", **BILLING}
PAYER = "payables@corp.example"


@pytest.fixture
def link(api):
    """Path of a link to an open invoice."""
    owner, signed = api.signed_up(f"hosted-{uuid4().hex[:8]}@acme.test", account_name="Corp Subsidiary", **OWNED)
    made = owner.post(f"billing/invoices/{signed['invoice']['id']}/links/", {"recipient": PAYER})
    assert made.status_code == 201, made.text
    return urlsplit(made.json()["url"]).path


@pytest.mark.parametrize("language", ["en", "ar"])
def test_hosted_page_and_its_sheet_are_accessible(open_page, link, language):
    page = open_page(language=language)
    found = []
    for path in (f"{link}?language={language}", f"{link}print/?language={language}"):
        page.goto(path)
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
        found += check_everywhere(page)

    assert found == []
    assert page.context.cookies() == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_who_has_the_link_pays_tells_and_sees_what_becomes_of_it(open_page, page_as, link, scripts):
    reference = f"ACH-{uuid4().hex[:10].upper()}"
    page = open_page(scripts=scripts)
    page.goto(link)
    page.get_by_role("link", name="SWIFT wire").click()
    expect(page.locator("#pay h3")).to_have_text("SWIFT wire")
    page.get_by_role("link", name="ACH / Fedwire / check").click()

    page.get_by_role("button", name="Send for review").click()
    expect(page.locator("#claim .errorlist").first).to_be_visible()
    page.get_by_label("Reference", exact=True).fill(reference)
    page.get_by_label("Name of the payer").fill("Corp Holding")
    page.get_by_role("button", name="Send for review").click()

    expect(page.locator("#claims")).to_contain_text(reference)
    expect(page.locator("#claims .badge")).to_have_text("In review")
    assert page.context.cookies() == []
    desk = page_as("reviewer@demo.test", at=f"/desk/?q={reference}")
    desk.get_by_role("link", name="Corp Subsidiary").first.click()
    expect(desk.locator(".why")).to_contain_text(f"By link, for {PAYER}")
    expect(desk.locator(".timeline")).to_contain_text("Claimed by link")


def test_owner_makes_and_revokes_a_link_on_the_invoice_s_page(open_page, page_as, api):
    email = f"hosted-{uuid4().hex[:8]}@acme.test"
    _, signed = api.signed_up(email, account_name="Corp Subsidiary", **OWNED)
    page = page_as(email, at=f"/app/invoices/{signed['invoice']['id']}/")
    page.get_by_label("E-mail address of who pays").fill(PAYER)
    page.get_by_role("button", name="Make a link").click()
    address = page.locator("#links .mono").first.inner_text()
    found = check_everywhere(page)

    payer = open_page()
    payer.goto(address)
    expect(payer.get_by_role("heading", name="How to pay")).to_be_visible()
    page.get_by_role("button", name="Revoke all links").click()
    expect(page.get_by_text("The links of this invoice are revoked.")).to_be_visible()
    payer.watch.allow(404)
    payer.goto(address)

    expect(payer.get_by_text("There is nothing here")).to_be_visible()
    assert found == []
