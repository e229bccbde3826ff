from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pages
from tests.browser.accessibility import check_everywhere, check_mirrored
from tests.stories.api_client import eventually
from tests.workflows.documents.logos import PNG

SUPERUSER = "admin@demo.test"


def key_of(page: Page, listing: str, name: str) -> str:
    """Of the row of that name, out of the address that its link leads to."""
    page.goto(listing)
    address = page.locator("main").get_by_role("link", name=name, exact=True).get_attribute("href")
    assert address is not None
    return address.rstrip("/").rpartition("/")[2]


@pytest.fixture
def page(page_as):
    return page_as(SUPERUSER, at="/desk/settings/")


def test_settings_are_accessible(page):
    keys = {
        "plan": key_of(page, "/desk/settings/plans/", "Growth"),
        "method": key_of(page, "/desk/settings/ways-to-pay/", "SEPA (instant) transfer"),
    }
    found = []
    for path in pages.SETTER:
        page.goto(path.format(**keys))
        found += check_everywhere(page) + check_mirrored(page)

    assert found == []


def test_preview_of_reminders_follows_what_is_typed(page):
    page.goto("/desk/settings/reminders/")
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Reminder, 10 days late")

    page.get_by_label("Reminders").fill("-2, 5")
    expect(preview).to_contain_text("Reminder, 5 days late")
    expect(preview).not_to_contain_text("Reminder, 10 days late")
    page.get_by_label("Days of grace").fill("a week")
    expect(preview).to_contain_text("Days of grace: Enter a whole number.")

    page.reload()
    expect(page.get_by_label("Reminders")).to_have_value("-7, -3, 0, 3, 10")


def test_preview_of_a_way_to_pay_follows_what_is_typed(page):
    page.goto(f"/desk/settings/ways-to-pay/{key_of(page, '/desk/settings/ways-to-pay/', 'Faster Payments')}/")
    preview = page.locator("#preview")

    page.get_by_role("textbox", name="English").fill("Send **{amount}** to us.")
    expect(preview.locator("strong", has_text="70.00")).to_be_visible()
    page.get_by_role("textbox", name="Name", exact=True).last.fill("Paper Boats Ltd")
    expect(preview).to_contain_text("Paper Boats Ltd")
    page.get_by_role("textbox", name="IBAN").fill("GB1")
    expect(preview).to_contain_text("cannot be saved yet")

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("textbox", name="IBAN")).to_be_focused()


def test_without_scripts_a_button_shows_the_preview(page_as):
    page = page_as(SUPERUSER, at="/desk/settings/reminders/", scripts=False)

    page.get_by_label("Reminders").fill("5")
    page.get_by_role("button", name="Show what happens").click()

    expect(page.locator("#preview")).to_contain_text("Reminder, 5 days late")
    expect(page.locator("#preview")).not_to_contain_text("Reminder, 10 days late")


def test_sent_test_mail_is_told_as_delivered_on_the_open_page(page, application):
    page.goto("/desk/settings/mail/")
    mails = application.logs[0].parents[1] / "mail"

    page.get_by_role("button", name="Send a test").click()

    expect(page.locator("#tests")).to_contain_text("delivered to the server")
    eventually(lambda: any("Subject: A test: mail works" in file.read_text() for file in mails.glob("*.eml")))


def test_company_and_brand_are_saved_and_shown(page):
    page.goto("/desk/settings/brand/")

    page.get_by_label("Name of the brand").fill("Paper Boats")
    page.get_by_label("Logo").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": PNG})
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status").first).to_contain_text("Saved as version")
    expect(page.get_by_role("img", name="The logo")).to_be_visible()
    assert page.get_by_role("img", name="The logo").evaluate("picture => picture.naturalWidth") == 12
