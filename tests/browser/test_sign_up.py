from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.people import ADDRESS, fill, new_address, sign_up_free
from tests.stories.api_client import PASSWORD


def test_another_country_changes_the_words_and_keeps_what_was_typed(open_page):
    page = open_page()
    page.goto("/signup/?plan=growth")
    fill(page, email="you@acme.test", password=PASSWORD, account_name="Acme", city="Lahore")

    page.locator("[name=country]").select_option("US")
    expect(page.get_by_label("ZIP code")).to_be_visible()
    expect(page.get_by_role("radio", name="ACH / Fedwire / check")).to_be_visible()
    page.locator("[name=country]").select_option("IN")
    expect(page.get_by_label("GSTIN")).to_be_visible()
    page.get_by_role("button", name="Show prices in INR").click()
    expect(page.get_by_role("radio", name="UPI")).to_be_visible()
    expect(page.locator("#summary")).to_contain_text("INR")

    expect(page.locator("[name=city]")).to_have_value("Lahore")
    expect(page.locator("[name=password]")).to_have_value(PASSWORD)
    expect(page.get_by_role("radio", name="Growth")).to_be_checked()


def test_a_free_plan_asks_for_no_address(open_page):
    page = open_page()
    page.goto("/signup/")
    expect(page.get_by_label("City")).to_be_hidden()

    page.get_by_role("radio", name="Starter").check()

    expect(page.get_by_label("City")).to_be_visible()


def test_mistakes_stand_beside_their_fields(open_page):
    page = open_page()
    page.goto("/signup/?plan=starter&country=US")
    fill(page, **{**ADDRESS, "postal_code": "ABC", "city": ""})
    fill(page, email="not an address", password="short", account_name="Acme")

    page.get_by_role("button", name="Create the account").click()

    expect(page.get_by_label("E-mail address")).to_be_focused()
    for label in ("E-mail address", "Password", "City", "ZIP code"):
        expect(page.get_by_label(label)).to_have_attribute("aria-invalid", "true")
        assert page.locator(f"#{page.get_by_label(label).get_attribute('id')}_error").inner_text()
    expect(page.locator("main")).to_contain_text("Choose how you will pay.")
    expect(page.get_by_label("ZIP code")).to_have_value("ABC")


@pytest.mark.parametrize("scripts", [True, False])
def test_enter_in_a_field_sends_the_form(open_page, scripts):
    page = open_page(scripts=scripts)
    page.goto("/signup/")
    fill(page, email=new_address(), password=PASSWORD, account_name="Acme")

    page.locator("[name=account_name]").press("Enter")

    page.wait_for_url("**/app/")


def test_an_address_that_is_taken_is_said_beside_it(open_page):
    page = open_page()
    page.goto("/signup/")
    fill(page, email="owner@demo.test", password=PASSWORD, account_name="Acme")

    page.get_by_role("button", name="Create the account").click()

    expect(page.locator("#id_email_error")).to_contain_text("has an account already")


def test_signing_up_and_paying_need_no_script(open_page):
    page = open_page(scripts=False)
    page.goto("/signup/?plan=starter")
    fill(page, email=new_address(), password=PASSWORD, account_name="Acme", **ADDRESS)
    page.locator("[name=country]").select_option("US")
    page.get_by_role("button", name="Show what your country needs").click()
    expect(page.get_by_label("ZIP code")).to_have_value("62701")
    page.get_by_role("radio", name="ACH / Fedwire / check").check()
    page.get_by_role("button", name="Create the account").click()
    page.get_by_role("link", name="I have paid").click()
    page.get_by_role("button", name="Send for review").click()
    expect(page.locator("main")).to_contain_text("needs this.")
    page.get_by_role("textbox", name="Reference").fill(f"PAPER-{new_address()[9:17]}")

    page.get_by_role("button", name="Send for review").click()

    expect(page.locator("main")).to_contain_text("Thank you.")
    expect(page.locator("#banner")).to_contain_text("We are checking your payment")


def test_a_trial_needs_no_script(open_page):
    page = open_page(scripts=False)

    sign_up_free(page, new_address())

    expect(page.locator("main")).to_contain_text("On trial")


def test_a_year_is_paid_at_once(open_page):
    page = open_page()
    page.goto("/signup/?plan=starter&country=US")
    page.get_by_text("Yearly").click()
    expect(page.locator("#summary")).to_contain_text("890.00 USD")
    fill(page, email=new_address(), password=PASSWORD, account_name="Acme", **ADDRESS)
    page.get_by_role("radio", name="SWIFT wire").check()

    page.get_by_role("button", name="Create the account").click()

    page.wait_for_url("**/app/invoices/*/")
    expect(page.locator("main")).to_contain_text("890.00 USD")
