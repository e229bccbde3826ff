"""`make screenshots`: the twelve main screens as docs/img/*.png, on a fresh demo."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.application import running_application
from tests.browser.chromium import HOW_TO_GET_ONE, find_chromium, launch
from tests.stories.api_client import BILLING, PASSWORD, ApiClient, eventually

FOLDER = Path(__file__).parents[2] / "docs" / "img"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

# Who claims how much, how, and under which reference: what a reviewer meets in a morning.
CLAIMS = [
    ("Alder Print", "starter", "89.00", "021000021000101"),
    ("Blue Harbour Freight", "growth", "189.00", "091000019000202"),
    ("Cedar and Sons", "starter", "77.00", "021000021000303"),
    ("Dune Analytics", "scale", "449.00", "021000021777001"),
    ("Eastgate Clinics", "starter", "89.00", "021000021777001"),
    ("Fernway Foods", "starter", "890.00", "091000019000404"),
    ("Gulf Stream Media", "growth", "189.00", "GSM 44 2190"),
    ("Hilltop Schools", "starter", "89.00", "021000021000505"),
    ("Indigo Textiles", "starter", "89.00", "021000021000606"),
    ("Juniper Labs", "growth", "189.00", "091000019000707"),
]


DUBAI = {
    "billing_email": "dubai@example.com",
    "address_line1": "1 Example Street",
    "city": "Dubai",
    "country": "AE",
    "language": "ar",
}


def main() -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(HOW_TO_GET_ONE)
        browser = launch(playwright, path)
        with (
            running_application(Path(folder), "pictures", broker=13) as application,
            ApiClient(application.url, mail=Path(folder) / "mail") as api,
        ):
            draw(browser, application.url, api)


def draw(browser: Browser, url: str, api: ApiClient) -> None:
    payments = [claim(api, n, *words) for n, words in enumerate(CLAIMS)]
    with visitor(browser, url) as page:
        page.goto("/")
        keep(page, "landing")
        page.goto("/signup/?plan=growth&country=PK&currency=PKR")
        page.locator("[name=payment_method]").first.check()
        page.mouse.wheel(0, 4000)
        keep(page, "sign-up")
    # Of the demo's stories: one that uses its credits, and has paid for a larger plan.
    baker = api.signed_in("exact@example.com")
    larger = baker.post("billing/subscriptions/", {"plan": "growth"}).json()["invoice"]
    body = {"invoice_id": larger["id"], "payment_method": "us_bank", "amount": larger["total"]}
    baker.post("billing/admin/payments/confirm/", {**body, "manual_reference": "021000021004801"})
    with visitor(browser, url, "exact@example.com") as page:
        page.goto("/app/")
        keep(page, "dashboard")
    with visitor(browser, url, "owner@demo.test") as page:
        page.goto("/app/invoices/")
        page.locator("main a[href^='/app/invoices/']").first.click()
        page.get_by_role("link", name="I have paid").first.click()
        keep(page, "claim")
    _, dubai = api.signed_up(
        "dubai@example.com",
        account_name="شركة الواحة",
        plan="starter",
        currency="AED",
        payment_method="ae_bank",
        **DUBAI,
    )
    with visitor(browser, url, "dubai@example.com", language="ar", size=PHONE) as page:
        page.goto(f"/app/invoices/{dubai['invoice']['id']}/")
        keep(page, "invoice-arabic")
    with visitor(browser, url, "approver@demo.test") as page:
        page.goto("/desk/")
        keep(page, "review")
        page.goto(f"/desk/{payments[4]['id']}/")
        keep(page, "payment")
        page.goto("/desk/bank/")
        statement = page.context.request.get("/desk/bank/demo/").body()
        file = {"name": "demo-statement.xml", "mimeType": "application/xml", "buffer": statement}
        page.get_by_label("File of the bank").set_input_files(file)  # type: ignore[arg-type]
        page.get_by_role("button", name="Import").click()
        page.get_by_text("It adds up.").wait_for()
        page.goto("/desk/bank/")
        keep(page, "bank")
        page.get_by_role("row").filter(has_text="Cedar and Sons").get_by_role("link").first.click()
        keep(page, "bank-line")
        page.goto("/desk/")
        for payment in payments[5:]:
            page.locator(f"[name=id][value='{payment['id']}']").check()
        page.get_by_role("button", name="Approve chosen").click()
        # A colleague was faster with one of them.
        staff = api.signed_in("approver@demo.test")
        staff.post(f"billing/admin/payments/{payments[5]['id']}/reject/", {"reason_code": "amount_short"})
        page.get_by_role("button", name="Approve all").click()
        page.get_by_role("link", name="Back to the queue").wait_for()
        keep(page, "many")
        eventually(lambda: staff.get(f"billing/payments/{payments[9]['id']}/").json()["status"] == "succeeded")
    with visitor(browser, url, "operator@demo.test") as page:
        page.goto("/desk/workflows/")
        keep(page, "machines", height=980)
        page.goto(f"/desk/workflows/payment/{payments[9]['id']}/")
        keep(page, "story")


def claim(api: ApiClient, n: int, name: str, plan: str, amount: str, reference: str) -> dict[str, Any]:
    person, signed = api.signed_up(
        f"owner{n}@example.com", account_name=name, plan=plan, payment_method="us_bank", **BILLING
    )
    body = {"invoice_id": signed["invoice"]["id"], "payment_method": "us_bank", "amount": amount}
    answer = person.post("billing/admin/payments/confirm/", {**body, "manual_reference": reference})
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()
    return row


@contextmanager
def visitor(
    browser: Browser, url: str, email: str = "", *, language: str = "en", size: dict[str, int] = DESK
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=url,
        locale=language,
        viewport=size,  # type: ignore[arg-type]
        reduced_motion="reduce",
        color_scheme="light",
    )
    page = context.new_page()
    if email:
        page.goto("/login/")
        page.locator("[name=username]").fill(email)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button").click()
        page.wait_for_url(lambda address: "/login/" not in address)
    yield page
    context.close()


def keep(page: Page, name: str, *, height: int = 0) -> None:
    """The window as it is when nothing moves any more."""
    if height:
        page.set_viewport_size({"width": DESK["width"], "height": height})
    page.wait_for_timeout(900)  # for the numbers that are asked for after the page is there
    page.screenshot(path=FOLDER / f"{name}.png", caret="hide", animations="disabled")


if __name__ == "__main__":
    main()
