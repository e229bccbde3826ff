"""How a page must be, whatever is on it: readable by everybody, in every scheme, on a small phone."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 860}


def check_access(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it is now."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {rule['id']}: {node['html'][:160]} {' '.join(check['message'] for check in node['any'])[:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def check_width(page: Page) -> list[str]:
    """Whether a phone of 360 px would have to scroll sideways."""
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [] if wide <= PHONE["width"] else [f"{page.url} is {wide} px wide on a phone"]


def check_everywhere(page: Page) -> list[str]:
    """The page on a desk in light and on a phone in dark: two looks for four questions."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = [f"light: {line}" for line in check_access(page)]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += check_width(page)
    found += [f"dark, on a phone: {line}" for line in check_access(page)]
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(DESK)
    return found


def shoot(page: Page, folder: Path, name: str) -> list[Path]:
    """Pictures of the page as it is: light and dark, and on a phone."""
    made = []
    for suffix, scheme, size in (("", "light", DESK), ("-dark", "dark", DESK), ("-phone", "light", PHONE)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        made.append(folder / f"{name}{suffix}.png")
        page.screenshot(path=made[-1], full_page=True)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(DESK)
    return made
