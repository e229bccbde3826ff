from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.accessibility import check_everywhere, check_mirrored
from tests.stories.api_client import BILLING, eventually

APPROVER, REVIEWER = "approver@demo.test", "reviewer@demo.test"


def test_refund_is_requested_by_one_person_approved_by_another_and_told_to_the_customer(page_as, api):
    name = f"Refund {uuid4().hex[:8]} Ltd"
    customer, signed = api.signed_up(
        f"refund-{uuid4().hex[:8]}@acme.test", account_name=name, plan="starter", payment_method="us_bank", **BILLING
    )
    claim = customer.post(
        "billing/admin/payments/confirm/",
        {
            "invoice_id": signed["invoice"]["id"],
            "payment_method": "us_bank",
            "amount": "100.00",
            "manual_reference": f"REFUND-{uuid4().hex[:8]}",
        },
    ).json()
    staff = api.signed_in(APPROVER)
    staff.post(f"billing/admin/payments/{claim['id']}/approve/", {})
    eventually(lambda: customer.get("billing/balance/").json()["balances"])

    page = page_as(REVIEWER, at=f"/desk/accounts/{signed['account']['id']}/")
    page.get_by_role("link", name="Refund", exact=True).click()
    found = check_everywhere(page) + check_mirrored(page)
    page.get_by_label("Amount").fill("11.00")
    page.get_by_label("Why").select_option("overpaid")
    page.get_by_label("Payee, as the bank has the name").fill("Ann Example")
    page.get_by_role("button", name="Request the refund").click()
    expect(page.get_by_text("Somebody else approves what you requested.")).to_be_visible()
    found += check_everywhere(page) + check_mirrored(page)

    boss = page_as(APPROVER, at=page.url.partition("/desk")[1] + page.url.partition("/desk")[2])
    boss.get_by_role("button", name="Approve").click()
    expect(boss.get_by_text("It is in the next payout file.")).to_be_visible()
    found += check_everywhere(boss)
    boss.goto("/desk/refunds/?list=approved")
    found += check_everywhere(boss) + check_mirrored(boss)
    boss.get_by_role("checkbox", name="11.00 USD to Ann Example").first.check()
    boss.get_by_label("Day on which the bank got the order").fill("2026-03-04")
    boss.get_by_role("button", name="Those are sent").click()

    expect(boss.get_by_text("Sent: 1.")).to_be_visible()
    eventually(lambda: api.mails("refund_sent", to=BILLING["billing_email"]))
    assert found == []
