from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.accessibility import check_everywhere, check_mirrored
from tests.stories.api_client import BILLING, eventually

APPROVER = "approver@demo.test"


def test_statement_is_dropped_on_the_page_and_a_line_is_matched_by_one_key(page_as, api, tmp_path):
    name = f"Bank {uuid4().hex[:8]} Ltd"
    customer, signed = api.signed_up(
        f"bank-{uuid4().hex[:8]}@acme.test", account_name=name, plan="starter", payment_method="us_bank", **BILLING
    )
    page = page_as(APPROVER, at="/desk/bank/")
    statement = tmp_path / "demo.xml"
    statement.write_bytes(page.context.request.get("/desk/bank/demo/").body())

    page.get_by_label("File of the bank").set_input_files(statement)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("It adds up.")).to_be_visible()  # by itself, when the worker has read it
    found = check_everywhere(page) + check_mirrored(page)
    page.get_by_role("link", name="To the lines").click()
    page.get_by_role("link", name="How lines are matched").click()
    expect(page.get_by_role("row", name="Demo bank")).to_contain_text("off")
    found += check_everywhere(page) + check_mirrored(page)
    page.keyboard.press("u")
    page.get_by_label("Words, payer or account").fill(name)
    page.get_by_role("button", name="Search").click()
    page.locator("main table a").first.click()
    found += check_everywhere(page) + check_mirrored(page)
    expect(page.get_by_role("button", name="It pays this")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Matched.")).to_be_visible()
    invoice = signed["invoice"]["id"]
    eventually(lambda: customer.get(f"billing/invoices/{invoice}/").json()["status"] == "paid")
    assert found == []


def test_columns_of_an_unknown_table_are_named_without_a_script(page_as, tmp_path):
    """On a phone, by night and from right to left, too."""
    page = page_as(APPROVER, at="/desk/bank/")
    table = tmp_path / "may.csv"
    name = uuid4().hex[:8]
    rows = f"13.05.2026;\u0639\u0644\u064a {name};Rent;12,00;112,00\n14.05.2026;Bo;Fee;-2,00;110,00\n"
    table.write_text(f"Tag;Wer;Wof\u00fcr;Summe;Stand\n{rows}")

    page.get_by_label("File of the bank").set_input_files(table)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_label("1. Tag")).to_have_value("date")
    found = check_everywhere(page) + check_mirrored(page)
    page.get_by_label("Bank account").select_option(index=1)
    page.get_by_label("Which column is the amount?").select_option("4")
    page.get_by_label("2. Wer").select_option("payer")
    page.get_by_label("5. Stand").select_option("balance")
    page.get_by_role("button", name="Show how it is read").click()

    expect(page.get_by_text("It adds up.")).to_be_visible()
    expect(page.get_by_role("table").get_by_text(name)).to_be_visible()
    found += check_everywhere(page) + check_mirrored(page)
    assert found == []


def test_lines_are_decided_by_keyboard_alone(page_as, api, tmp_path):
    name = f"Keys {uuid4().hex[:8]} Ltd"
    api.signed_up(
        f"keys-{uuid4().hex[:8]}@acme.test", account_name=name, plan="starter", payment_method="us_bank", **BILLING
    )
    page = page_as(APPROVER, at="/desk/bank/")
    statement = tmp_path / "demo.xml"
    statement.write_bytes(page.context.request.get("/desk/bank/demo/").body())
    page.get_by_label("File of the bank").set_input_files(statement)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("It adds up.")).to_be_visible()
    page.get_by_role("link", name="To the lines").click()
    page.wait_for_url("**/desk/bank/", wait_until="load")

    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.pathname")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.pathname") != first
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.pathname") == first
    page.keyboard.press("/")
    expect(page.get_by_label("Words, payer or account")).to_be_focused()
    page.keyboard.type("jkx/")  # written, not done
    expect(page.get_by_label("Words, payer or account")).to_have_value("jkx/")
    page.get_by_label("Words, payer or account").fill(name)
    page.keyboard.press("Enter")
    page.wait_for_url("**q=Keys*", wait_until="load")

    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("x")
    expect(page.get_by_label("Reason")).to_have_value("x")
    page.get_by_label("Reason").fill("")
    page.get_by_role("heading", name="What it may pay").click()
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="It pays this")).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("no customer of ours")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The line is ignored.")).to_be_visible()
