from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.people import new_address, sign_up_free


def test_a_stranger_tries_it_and_sees_what_it_used(open_page):
    page = open_page()
    sign_up_free(page, new_address())
    expect(page.locator("main")).to_contain_text("On trial")
    expect(page.locator("main")).to_contain_text("1,000")

    page.get_by_role("link", name="Open a site").click()
    page.get_by_label("Name").fill("Main street")
    page.get_by_label("Industry").select_option(label="Retail")
    page.get_by_role("button", name="Open the site").click()
    expect(page.get_by_role("heading", level=1, name="Main street")).to_be_visible()
    page.get_by_label("Credits").fill("40")
    page.get_by_label("What for").fill("A report")
    page.get_by_role("button", name="Use credits").click()
    expect(page.get_by_text("40 credits used, 960 left.")).to_be_visible()

    page.get_by_role("link", name="Credits", exact=True).click()
    row = page.get_by_role("row").filter(has_text="A report")
    expect(row).to_contain_text("−40")  # noqa: RUF001 - a minus sign
    expect(page.get_by_role("img", name="40 credits used in the last 30 days")).to_be_visible()


def test_page_says_what_exceeds_the_plan(open_page):
    page = open_page()
    sign_up_free(page, new_address())
    page.goto("/app/members/")
    page.get_by_label("E-mail address").fill("colleague@acme.test")

    page.get_by_role("button", name="Invite").click()

    expect(page.get_by_role("alert")).to_contain_text("room for 1 person")
    expect(page.get_by_label("E-mail address")).to_have_value("colleague@acme.test")
