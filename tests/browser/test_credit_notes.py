from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.accessibility import check_everywhere, check_mirrored
from tests.stories.api_client import BILLING, eventually

APPROVER, REVIEWER = "approver@demo.test", "reviewer@demo.test"


def test_credit_note_is_written_by_one_person_issued_by_another_and_told_to_the_customer(page_as, api):
    _, signed = api.signed_up(
        f"credit-{uuid4().hex[:8]}@acme.test",
        account_name=f"Credit {uuid4().hex[:8]} Ltd",
        plan="starter",
        payment_method="us_bank",
        **BILLING,
    )
    page = page_as(REVIEWER, at=f"/desk/accounts/invoices/{signed['invoice']['id']}/")
    page.get_by_role("link", name="Credit note", exact=True).click()
    found = check_everywhere(page) + check_mirrored(page)
    page.get_by_label("Amount").fill("11.00")
    page.get_by_label("Reason, which the customer reads").fill("Two days without service")
    page.get_by_role("button", name="Write the credit note").click()
    expect(page.get_by_text("Somebody else of the staff issues it.")).to_be_visible()
    found += check_everywhere(page) + check_mirrored(page)

    boss = page_as(APPROVER, at="/desk/credit-notes/")
    found += check_everywhere(boss) + check_mirrored(boss)
    boss.goto(page.url)
    boss.get_by_role("button", name="Issue it").click()
    expect(boss.get_by_text("Credited. The customer gets the paper by mail.")).to_be_visible()
    found += check_everywhere(boss)

    eventually(lambda: api.mails("credit_note_issued", to=BILLING["billing_email"]))
    assert found == []
