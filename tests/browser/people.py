from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.stories.api_client import PASSWORD

ADDRESS = {
    "billing_email": "bills@acme.test",
    "address_line1": "1 High Street",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "tax_id": "12-3456789",
}


def new_address() -> str:
    return f"customer-{uuid4().hex[:12]}@acme.test"


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"main [name={name}]").fill(value)


def sign_up_free(page: Page, email: str) -> None:
    page.goto("/signup/")
    fill(page, email=email, password=PASSWORD, account_name="Acme")
    page.get_by_role("button", name="Create the account").click()
    page.wait_for_url("**/app/")


def sign_up_paid(page: Page, email: str, *, plan: str = "starter", method: str = "us_bank") -> None:
    """Ends on the page of the first invoice."""
    page.goto(f"/signup/?plan={plan}&country=US")
    fill(page, email=email, password=PASSWORD, account_name="Acme", **ADDRESS)
    page.locator(f"[name=payment_method][value={method}]").check()
    page.get_by_role("button", name="Create the account").click()
    page.wait_for_url("**/app/invoices/*/")


def claim(page: Page, reference: str) -> None:
    """On an invoice's page: "I have paid", in the dialog."""
    opener = page.get_by_role("link", name="I have paid")
    opener.wait_for()
    page.wait_for_load_state()  # with its scripts: until then the link leads to a page of its own
    opener.click()
    dialog = page.get_by_role("dialog", name="I have paid")
    dialog.get_by_role("textbox", name="Reference").fill(reference)
    dialog.get_by_role("button", name="Send for review").click()
    expect(page.locator("main").get_by_text("Thank you.")).to_be_visible()


def approve_in_admin(page: Page, reference: str, *, action: str = "approve_selected") -> None:
    page.goto(f"/admin/core/payment/?q={reference}")
    page.locator("[name=_selected_action]").first.check()
    page.locator("[name=action]").select_option(action)
    page.locator("[name=index]").first.click()
    expect(page.locator(".messagelist")).to_contain_text("1 payment")
