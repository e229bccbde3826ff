from __future__ import annotations

import re

from playwright.sync_api import Page

from tests.browser.accessibility import COLOURS, check_access, look
from tests.browser.watch import HEAVIEST_OF_ADMIN

SUPERUSER, APPROVER, OPERATOR = "admin@demo.test", "approver@demo.test", "operator@demo.test"
# Of fifty rows that are alike five are looked at, and what stands beside every page only on the first.
ALIKE = ["#result_list tbody tr:nth-child(n + 6)", "select option"]
BESIDE = [*ALIKE, "#nav-sidebar"]


def links(page: Page, pattern: str, *, within: str = "#content") -> list[str]:
    """Addresses on the page that match as a whole, each once, without their query."""
    found = page.eval_on_selector_all(f"{within} a[href]", "all => all.map(link => link.pathname)")
    return [path for path in dict.fromkeys(found) if re.fullmatch(pattern, path)]


def check(page: Page, *, without: list[str] = BESIDE) -> list[str]:
    """All rules in light, those about colours in dark. The admin is in English, hence from left to right."""
    look(page, "light")
    found = [f"light: {line}" for line in check_access(page, without=without)]
    look(page, "dark")
    return found + [f"dark: {line}" for line in check_access(page, without=without, rules=COLOURS)]


def test_every_admin_page_is_accessible(page_as):
    """The lists, the first row of each with its history and its removal, and the pages to add one."""
    page = page_as(SUPERUSER, at="/admin/", heaviest=0)
    found = check(page, without=ALIKE)
    lists, adds = links(page, r"/admin/\w+/\w+/"), links(page, r"/admin/\w+/\w+/add/")
    rows, below = [], []
    for path in lists:
        page.goto(path)
        found += check(page)
        rows += links(page, rf"{path}[^/]+/change/", within="#result_list")[:1]
    for path in rows:
        page.goto(path)
        found += check(page)
        below += links(page, rf"{path.removesuffix('change/')}(history|delete)/")
    for path in [*adds, *below]:
        page.goto(path)
        found += check(page)

    assert found == []
    assert len(lists) > 20
    assert len(adds) > 5
    assert len(rows) > 15
    assert sum(path.endswith("/history/") for path in below) == len(rows)


def test_admin_confirmation_pages_are_accessible(page_as, open_page):
    page = open_page(heaviest=HEAVIEST_OF_ADMIN)
    page.goto("/admin/login/")
    found = check(page)
    page = page_as(APPROVER, at="/admin/core/payment/?status__exact=pending_approval", heaviest=HEAVIEST_OF_ADMIN)
    found += act(page, "reject_selected")
    page = page_as(OPERATOR, at="/admin/engine/effect/", heaviest=HEAVIEST_OF_ADMIN)
    found += act(page, "retry_selected")
    for path in ("/admin/mails/", "/admin/mails/payment_approved/0/en/", "/admin/mails/payment_approved/0/ar/"):
        page.goto(path)
        found += check(page)
    page = page_as(SUPERUSER, at="/admin/core/", heaviest=HEAVIEST_OF_ADMIN)
    found += check(page)
    for path in ("/admin/core/membership/add/", "/admin/core/user/add/", "/admin/core/plan/"):  # the heaviest of them
        page.goto(path)
    page.goto("/admin/password_change/")
    found += check(page)

    assert found == []


def act(page: Page, action: str) -> list[str]:
    page.locator("[name=_selected_action]").first.check()
    page.locator("[name=action]").select_option(action)
    page.locator("[name=index]").first.click()
    page.locator("[name=confirmed]").wait_for(state="attached")
    return check(page)
