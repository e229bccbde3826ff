"""Two words: enough to recognise a session in a list, not a fingerprint."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core.security.sessions import record_session_start

# Most browsers also name others in their User-Agent.
NAMES = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox", "FxiOS/": "Firefox",
    "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "CrOS": "ChromeOS",
    "Mac OS X": "macOS", "Linux": "Linux",
}  # fmt: skip


def browser_of(agent: str) -> str:
    """`Firefox, Windows`; unknown parts are left out."""
    known = (next((words for sign, words in table.items() if sign in agent), "") for table in (NAMES, SYSTEMS))
    return ", ".join(filter(None, known))


def remember_browser(request: HttpRequest, **_: Any) -> None:
    record_session_start(request.session, browser_of(request.META.get("HTTP_USER_AGENT", "")))
