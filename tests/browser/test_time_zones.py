from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.people import new_address, sign_up_free


def test_browser_s_zone_is_the_new_account_s_under_its_present_name(open_page):
    page = open_page(timezone_id="Asia/Calcutta")
    sign_up_free(page, new_address())

    page.goto("/app/billing/")

    expect(page.get_by_label("Time zone")).to_have_value("Asia/Kolkata")


def test_zone_is_changed_with_the_billing_details(open_page):
    page = open_page(timezone_id="Asia/Calcutta")
    sign_up_free(page, new_address())
    page.goto("/app/billing/")

    page.get_by_label("Time zone").select_option("America/St_Johns")
    page.get_by_role("button", name="Save").click()

    expect(page.locator("main")).to_contain_text("Saved.")
    page.reload()
    expect(page.get_by_label("Time zone")).to_have_value("America/St_Johns")
    expect(page.get_by_label("Time zone")).to_contain_text(re.compile(r"America/St Johns .UTC-0[23]:30."))


def test_signing_up_without_a_script_counts_days_in_utc(open_page):
    page = open_page(timezone_id="Asia/Calcutta", scripts=False)
    sign_up_free(page, new_address())

    page.goto("/app/billing/")

    expect(page.get_by_label("Time zone")).to_have_value("UTC")
