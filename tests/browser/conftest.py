"""A real browser before the real house. One server and one browser serve all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from stack.application import Application
from tests.application import running_application
from tests.browser.chromium import HOW_TO_GET_ONE, find_chromium, launch
from tests.browser.looks import DESK
from tests.browser.watch import Watch
from tests.stories.house import PASSWORD, House

PATIENCE = 15_000  # ms, for an open page asks every 4 s what is new, and the machine may be busy
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder in one process of pytest-xdist, which so starts one server."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright runs an event loop in this thread
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            if os.environ.get("REQUIRE_BROWSER"):
                pytest.fail(HOW_TO_GET_ONE)
            pytest.skip(HOW_TO_GET_ONE)
        browser = launch(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def application(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with running_application(tmp_path_factory.mktemp("house"), "browser", broker=14) as application:
        yield application


@pytest.fixture
def house(application: Application) -> Iterator[House]:
    """The API of the same house, for what a test needs to have happened before."""
    with House(application.url, mail=Path(application.logs[0]).parents[1] / "mail") as house:
        yield house


@pytest.fixture
def open_page(browser: Browser, application: Application) -> Iterator[Callable[..., Page]]:
    """`open_page(language="ar")`: a watched page of a browser that nobody used before.

    At the end of the test it fails when a page asked another host, erred in its console, broke the
    Content-Security-Policy, weighed too much, or got an error that `page.watch.allow(404)` does not foresee;
    unless it is `watched=False`, as for the admin, whose pages are Django's.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_one(*, language: str = "en", scripts: bool = True, watched: bool = True, **options: Any) -> Page:
        context = browser.new_context(
            base_url=application.url,
            locale=language,
            java_script_enabled=scripts,
            viewport=DESK,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.watch = Watch(page, application.url)  # type: ignore[attr-defined]
        if watched:
            watches.append(page.watch)  # type: ignore[attr-defined]
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [line for watch in watches for line in watch.complaints] == []


@pytest.fixture
def page_as(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """`page_as("owner@demo.test")`: a watched page of somebody who has signed in."""

    def sign_in(email: str, *, password: str = PASSWORD, **options: Any) -> Page:
        page = open_page(**options)
        page.goto("/login/")
        page.locator("[name=username]").fill(email)
        page.locator("[name=password]").fill(password)
        page.locator("main form button").click()
        page.wait_for_url(lambda address: "/login/" not in address)
        return page

    return sign_in
