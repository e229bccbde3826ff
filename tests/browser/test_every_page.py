from __future__ import annotations

from uuid import uuid4

import pytest

from tests.browser.accessibility import check_access, check_everywhere, check_width
from tests.browser.pages import CUSTOMER, STRANGER
from tests.stories.api_client import BILLING, ApiClient


@pytest.fixture(scope="module")
def customer(application) -> dict[str, str]:
    """Somebody with a rejected payment, an open invoice, a site and a ledger."""
    with ApiClient(application.url, mail=application.logs[0].parents[1] / "mail") as api:
        email = f"every-{uuid4().hex[:8]}@acme.test"
        person, answer = api.signed_up(email, plan="starter", payment_method="us_bank", **BILLING)
        invoice = answer["invoice"]["id"]
        claim = {"invoice_id": invoice, "payment_method": "us_bank", "amount": "100.00"}
        approver = api.signed_in("approver@demo.test")
        first = person.post("billing/admin/payments/confirm/", {**claim, "manual_reference": "A-1"}).json()["id"]
        approver.post(f"billing/admin/payments/{first}/approve/", Prefer="wait=20")
        industry = person.get("industries/").json()["results"][0]["id"]
        site = person.post("sites/", {"name": "Main street", "industry": industry}).json()["id"]
        person.post("credits/consume/", {"amount": 30, "reference": "r-1", "description": "A report"})
        larger = person.post("billing/subscriptions/", {"plan": "growth"}).json()["invoice"]["id"]
        claim = {**claim, "invoice_id": larger, "manual_reference": "A-2"}
        second = person.post("billing/admin/payments/confirm/", claim).json()["id"]
        approver.post(f"billing/admin/payments/{second}/reject/", {"admin_notes": "Nothing came."})
        return {"email": email, "invoice": larger, "payment": second, "site": site}


def test_every_page_is_accessible(page_as, customer):
    page = page_as(customer["email"])
    found = []
    for path in CUSTOMER:
        page.goto(path.format(**customer))
        found += check_everywhere(page)

    assert found == []


def test_every_page_is_accessible_from_right_to_left(page_as, customer):
    page = page_as(customer["email"], language="ar")
    found = []
    for path in CUSTOMER:
        page.goto(path.format(**customer))
        found += check_width(page) + check_access(page)

    assert found == []


def test_dialogs_are_accessible(page_as, customer):
    page = page_as(customer["email"])
    page.goto(f"/app/invoices/{customer['invoice']}/")
    page.get_by_role("link", name="I have paid").click()
    found = check_everywhere(page)
    page.goto("/app/plan/")
    page.get_by_role("link", name="Cancel at once").click()

    assert found + check_everywhere(page) == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_public_pages_are_accessible(open_page, language):
    page = open_page(language=language)
    found = []
    for path in STRANGER:
        page.goto(path)
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
        found += check_everywhere(page)

    assert found == []
