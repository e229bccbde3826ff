from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.stories.api_client import PASSWORD


@pytest.mark.parametrize("scripts", [True, False])
def test_a_customer_signs_in_and_out(open_page, scripts):
    page = open_page(scripts=scripts)
    page.goto("/login/")
    page.get_by_label("E-mail address").fill("owner@demo.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/app/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    page.goto("/app/")
    assert "/login/" in page.url


def test_a_wrong_password_says_so_and_keeps_the_address(open_page):
    page = open_page()
    page.goto("/login/")
    page.get_by_label("E-mail address").fill("owner@demo.test")
    page.get_by_label("Password").fill("something else")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong.")
    expect(page.get_by_label("E-mail address")).to_have_value("owner@demo.test")


def test_staff_land_on_the_desk_after_sign_in(page_as):
    page = page_as("approver@demo.test")

    assert page.url.endswith("/desk/")


def test_the_language_is_one_click_away(open_page):
    page = open_page()
    page.goto("/login/")

    page.get_by_role("button", name="العربيّة").click()

    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert page.url.endswith("/login/")
