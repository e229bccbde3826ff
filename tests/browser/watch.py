"""Fails the test when a page logs an error, breaks its policy, is too heavy or asks another host."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, Response

HEAVIEST = 100_000  # bytes on the wire for one page, with all that it loads
HEAVIEST_OF_ADMIN = 400_000  # which brings jQuery and Select2 of its own

REPORT_CSP = """document.addEventListener('securitypolicyviolation', event => console.error(
    `CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`))"""


class Watch:
    def __init__(self, page: Page, home: str) -> None:
        self.home = urlsplit(home).netloc
        self._page, self._weight = "", 0
        page.add_init_script(REPORT_CSP)
        page.on("request", self._request)
        page.on("response", self._response)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error in a script: {error}"))
        self._scales = page.context.new_cdp_session(page)
        self._scales.on("Network.requestWillBeSent", self._begin)
        self._scales.on("Network.loadingFinished", self._weigh)
        self._scales.send("Network.enable")
        self.begin()

    def begin(self, most: int = HEAVIEST) -> None:
        """Forget what was before. most: bytes that a page may weigh from now on; 0: anything, and the cache is used."""
        self.most = most
        self._scales.send("Network.setCacheDisabled", {"cacheDisabled": most > 0})  # every page as if it were the first
        self.complaints: list[str] = []
        self.allowed: set[int] = set()  # statuses that a test provokes on purpose
        self.heaviest = 0

    def allow(self, status: int) -> None:
        self.allowed.add(status)

    def _request(self, request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme in ("http", "https", "ws", "wss") and where.netloc != self.home:
            self.complaints.append(f"a request to another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.complaints.append(f"{response.status} for {response.request.method} {response.url}")

    def _begin(self, event: dict[str, Any]) -> None:
        if event.get("type") == "Document":
            self._page, self._weight = event["request"]["url"], 0

    def _weigh(self, event: dict[str, Any]) -> None:
        self._weight += int(event["encodedDataLength"])
        self.heaviest = max(self.heaviest, self._weight)
        if self._weight > self.most > 0:
            self.complaints.append(f"{self._page} weighs {self._weight} bytes")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        if "Failed to load resource" in message.text and any(f" {status} " in message.text for status in self.allowed):
            return
        self.complaints.append(f"console: {message.text} at {message.location}")
