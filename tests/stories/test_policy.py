"""Pages obey their own Content-Security-Policy in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Page, sync_playwright

from stack.application import Application
from tests.browser.chromium import fault_of_the_driver
from tests.stories.api_client import PASSWORD

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.xdist_group("stories"),
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]


class Visitor:
    """A browser, and what it said about breaches of the policy."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))

    def breaches(self) -> list[str]:
        self.page.wait_for_timeout(50)
        return [text for text in self.said if "Content Security Policy" in text]

    def open(self, path: str) -> list[str]:
        self.said.clear()
        answer = self.page.goto(self.url + path, wait_until="load")
        assert answer is not None
        assert (answer.status, "content-security-policy" in answer.headers) == (200, True), path
        return self.breaches()


@pytest.fixture
def visitor(application: Application) -> Iterator[Visitor]:
    if fault := fault_of_the_driver():
        pytest.skip(fault)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield Visitor(browser.new_page(), application.url)
        browser.close()


def test_browser_blocks_what_the_policy_forbids(visitor: Visitor):
    assert visitor.open("/") == []

    visitor.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    (breach,) = visitor.breaches()

    assert "inline style" in breach


def test_no_page_of_ours_breaks_its_policy(visitor: Visitor, application: Application):
    assert visitor.open("/admin/login/") == []
    visitor.page.fill("#id_username", "admin@demo.test")
    visitor.page.fill("#id_password", PASSWORD)
    visitor.page.click("[type=submit]")
    with psycopg.connect(application.database_url) as connection:
        effect, fact = connection.execute(
            "SELECT id, transition_id FROM engine_effect WHERE transition_id IS NOT NULL LIMIT 1"
        ).fetchone()  # type: ignore[misc]
    paths = [
        "/",
        "/problems/",
        "/admin/",
        "/admin/core/payment/",
        "/admin/core/plan/add/",
        "/admin/core/user/add/",
        "/admin/engine/effect/",
        f"/admin/engine/effect/{effect}/change/",
        f"/admin/engine/transition/{fact}/change/",
    ]

    assert {path: said for path in paths if (said := visitor.open(path))} == {}
