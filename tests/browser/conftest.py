"""One server and one browser serve all tests of this folder in one process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from stack.application import Application
from tests.application import running_application
from tests.browser.chromium import HOW_TO_GET_ONE, fault_of_the_driver, find_chromium, launch
from tests.browser.visitors import PATIENCE, Visitors
from tests.stories.api_client import PASSWORD, ApiClient

expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In one process of pytest-xdist: two browsers on two cores keep each other waiting, and miss what they wait for.

    What a test may take is for one that hangs, on the slowest machine.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with this folder: playwright runs an event loop in this thread, in which `async_to_sync` refuses to work."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    if fault := fault_of_the_driver():
        do_without(fault)
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            do_without(HOW_TO_GET_ONE)
        browser = launch(playwright, path)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def do_without(why: str) -> NoReturn:
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="package")
def application(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    broker = (14, 11, 10, 9)[number % 4]  # two applications at one broker would take each other's messages
    with running_application(tmp_path_factory.mktemp("application"), "browser", broker=broker) as application:
        yield application


@pytest.fixture
def api(application: Application) -> Iterator[ApiClient]:
    """The API of the same server, for what has to happen before a test."""
    with ApiClient(application.url, mail=Path(application.logs[0]).parents[1] / "mail") as api:
        yield api


@pytest.fixture(scope="package")
def visitors(browser: Browser, application: Application) -> Iterator[Visitors]:
    with Visitors(browser, application.url) as visitors:
        yield visitors


@pytest.fixture
def open_page(visitors: Visitors) -> Iterator[Callable[..., Page]]:
    """`open_page(language="ar")`: a watched page of a browser that knows nothing of anybody.

    At the end of the test it fails when a page asked another host, erred in its console, broke the
    Content-Security-Policy, weighed more than `heaviest` bytes, or got an error that `page.watch.allow(404)` does not
    foresee.
    """
    pages: list[Page] = []

    def open_one(**options: Any) -> Page:
        pages.append(visitors.come(**options))
        return pages[-1]

    yield open_one
    complaints = [line for page in pages for line in page.watch.complaints]  # type: ignore[attr-defined]
    for page in pages:
        visitors.leave(page)
    assert complaints == []


@pytest.fixture
def page_as(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """`page_as("owner@demo.test")`: a watched page of somebody who has signed in, at their home or at `at`.

    The form is sent without being drawn; that it can be filled in is test_signing_in's to prove.
    """

    def sign_in(email: str, *, password: str = PASSWORD, at: str = "/home/", **options: Any) -> Page:
        page = open_page(**options)
        door = page.context.request
        door.get("/login/")
        token = next(str(cookie["value"]) for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
        form = {"username": email, "password": password, "csrfmiddlewaretoken": token}
        answer = door.post("/login/", form=form, max_redirects=0)
        assert answer.status == 302, f"{email} is not let in"
        page.goto(at)
        return page

    return sign_in
