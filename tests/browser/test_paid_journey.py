from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.people import approve_in_admin, claim, new_address, sign_up_paid
from tests.browser.watch import HEAVIEST_OF_ADMIN
from tests.stories.api_client import ApiClient


def reference() -> str:
    return f"TRACE-{new_address()[9:17]}"


def test_a_customer_pays_and_is_let_in_without_a_reload(open_page, page_as):
    page, number = open_page(), reference()
    sign_up_paid(page, new_address())
    expect(page.locator("#banner")).to_contain_text("One step left")
    claim(page, number)
    expect(page.locator("#banner")).to_contain_text("We are checking your payment")
    page.goto("/app/")
    page.evaluate("window.isTheSamePage = true")

    approve_in_admin(page_as("approver@demo.test", heaviest=HEAVIEST_OF_ADMIN), number)

    expect(page.locator("#banner")).to_be_empty()
    expect(page.locator("main")).to_contain_text("1,000")
    expect(page.locator("main").get_by_text("Active").first).to_be_visible()
    assert page.evaluate("window.isTheSamePage")
    page.get_by_role("link", name="Invoices", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="Paid")).to_be_visible()
    expect(page.locator("[data-poll]")).to_have_count(0)


def test_a_rejected_customer_reads_why_and_tries_again(open_page, api: ApiClient):
    page, number = open_page(), reference()
    sign_up_paid(page, new_address())
    claim(page, number)
    approver = api.signed_in("approver@demo.test")
    payment = queued(api, number)

    approver.post(
        f"billing/admin/payments/{payment}/reject/",
        {"reason_code": "not_received", "admin_notes": "Nothing with this number on our statement."},
    )

    expect(page.locator("#banner")).to_contain_text("Your payment was not accepted")
    refused = page.locator("main .timeline li.bad")
    expect(refused).to_contain_text("Nothing with this number on our statement.")
    for place in (page.locator("#banner"), refused):  # of this page, and from any other one
        place.get_by_role("link", name="Try again").click()
        page.wait_for_url("**/app/invoices/*/#pay")
        page.reload()
    page.goto("/app/")
    page.locator("#banner").get_by_role("link", name="Try again").click()
    claim(page, f"{number}-2")
    approver.post(f"billing/admin/payments/{queued(api, f'{number}-2')}/approve/")
    expect(page.locator("#banner")).to_be_empty()
    expect(page.locator("main .timeline")).to_contain_text("Paid in full")


def test_a_claim_is_sent_once_however_often_it_is_pressed(open_page, api: ApiClient):
    page, number = open_page(), reference()
    sign_up_paid(page, new_address())
    page.get_by_role("link", name="I have paid").click()
    page.get_by_role("textbox", name="Reference").fill(number)

    page.get_by_role("button", name="Send for review").dblclick()

    expect(page.locator("main").get_by_text("Thank you.")).to_be_visible()
    queued(api, number)


def test_a_customer_takes_a_payment_back(open_page):
    page, number = open_page(), reference()
    sign_up_paid(page, new_address())
    claim(page, number)
    page.get_by_role("link", name="See the payment").first.click()

    page.get_by_role("button", name="Withdraw this payment").click()

    expect(page.locator("main")).to_contain_text("The payment is withdrawn.")
    expect(page.locator("#banner")).to_contain_text("One step left")


def test_the_dialog_keeps_the_focus_and_gives_it_back(open_page):
    page = open_page()
    sign_up_paid(page, new_address())
    opener = page.get_by_role("link", name="I have paid")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="I have paid")
    expect(dialog).to_be_visible()

    for key in ["Tab"] * 14 + ["Shift+Tab"] * 16:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.closest('dialog') !== null"), key

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_mistake_is_said_in_the_dialog_and_nothing_typed_is_lost(open_page):
    page = open_page()
    sign_up_paid(page, new_address())
    page.get_by_role("link", name="I have paid").click()
    dialog = page.get_by_role("dialog", name="I have paid")
    dialog.get_by_label("Amount").fill("89.001")
    dialog.get_by_label("Notes for us").fill("sent this morning")

    dialog.get_by_role("button", name="Send for review").click()

    expect(dialog.get_by_label("Amount")).to_be_focused()
    expect(dialog.get_by_label("Amount")).to_have_accessible_description("USD has fewer digits after the point.")
    expect(dialog.get_by_label("Notes for us")).to_have_value("sent this morning")


def test_every_field_of_a_method_is_one_click_from_the_clipboard(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    sign_up_paid(page, new_address())

    page.get_by_role("button", name="Copy: Amount").click()
    assert page.evaluate("navigator.clipboard.readText()") == "89.00"
    page.get_by_role("button", name="Copy: Routing number").click()
    assert page.evaluate("navigator.clipboard.readText()") == "000000000"
    expect(page.locator("#said")).to_have_text("Copied")

    page.get_by_role("link", name="SWIFT wire").click()
    expect(page.get_by_role("button", name="Copy: IBAN")).to_be_visible()
    page.get_by_role("button", name="Copy: IBAN").click()
    assert page.evaluate("navigator.clipboard.readText()") == "DE89370400440532013000"


def queued(api: ApiClient, number: str) -> str:
    """The one payment of that reference that awaits review."""
    answer = api.signed_in("reviewer@demo.test").get(f"billing/admin/payments/?search={number}")
    (row,) = answer.json()["results"]
    return str(row["id"])
