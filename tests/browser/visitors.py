"""Visitors with a browser profile each. A new profile costs half a second, so they are used again."""

from __future__ import annotations

from collections import defaultdict
from types import TracebackType
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser.accessibility import DESK, look
from tests.browser.watch import HEAVIEST, Watch

PATIENCE = 30_000  # ms, for an open page asks every 4 s what is new, and the machine may be busy
FORGET = "() => { localStorage.clear(); sessionStorage.clear(); }"


class Visitors:
    """Pages that are used again, without cookies, stored values and the last page."""

    def __init__(self, browser: Browser, home: str) -> None:
        self.browser, self.home = browser, home
        self.free: dict[str, list[Page]] = defaultdict(list)
        self.kinds: dict[Page, tuple[str, str]] = {}
        self.contexts: list[BrowserContext] = []

    def __enter__(self) -> Visitors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for context in self.contexts:
            context.close()

    def come(
        self,
        *,
        language: str = "en",
        scripts: bool = True,
        heaviest: int = HEAVIEST,
        once: bool = False,
        **options: Any,
    ) -> Page:
        """heaviest: bytes that a page may weigh. options: those of a new context.

        once: nobody comes after, as a clock that was stopped goes on for no one.
        """
        kind = "" if once else repr((language, scripts, sorted(options.items())))
        page = self.free[kind].pop() if self.free[kind] else self._new(language, scripts, options)
        self.kinds[page] = kind, options.get("color_scheme", "light")
        page.watch.begin(heaviest)  # type: ignore[attr-defined]
        return page

    def leave(self, page: Page) -> None:
        kind, scheme = self.kinds.pop(page)
        if not kind:
            self._end(page)
            return
        try:
            page.evaluate(FORGET)
            page.goto("about:blank")
            page.context.clear_cookies()
            page.set_viewport_size(DESK)
            look(page, scheme)
        except Error:  # a page that fell, or one of no origin: the next of its kind is a new one
            self._end(page)
        else:
            self.free[kind].append(page)

    def _end(self, page: Page) -> None:
        page.context.close()
        self.contexts.remove(page.context)

    def _new(self, language: str, scripts: bool, options: dict[str, Any]) -> Page:
        context = self.browser.new_context(
            base_url=self.home,
            locale=language,
            java_script_enabled=scripts,
            viewport=DESK,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        page = context.new_page()
        page.watch = Watch(page, self.home)  # type: ignore[attr-defined]
        return page
