"""Checks of contrast, labels and width, in each colour scheme and on a small phone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 860}

# All rules that axe-core runs by itself. It is not asked to describe what is right, nor to fetch the style sheets once
# more for a rule that is not among them.
FIND = """async ([without, rules, but]) => {
    await Promise.all(document.getAnimations().map(one => one.finished.catch(() => {})));  // not colours on their way
    const context = {include: [["html"]], exclude: without.map(place => [place])};
    const found = await axe.run(context, {
        resultTypes: ["violations"], preload: false, ...(rules.length ? {runOnly: rules} : {}),
        rules: Object.fromEntries(but.map(rule => [rule, {enabled: false}])),
    });
    return found.violations
        .filter(rule => ["serious", "critical"].includes(rule.impact))
        .flatMap(rule => rule.nodes.map(node => [
            rule.id, node.html.slice(0, 160), node.any.map(check => check.message).join(" ").slice(0, 200),
        ].join(" ")));
}"""


COLOURS = ["color-contrast", "link-in-text-block"]  # all that the scheme decides


def check_access(
    page: Page, *, without: Sequence[str] = (), rules: Sequence[str] = (), but: Sequence[str] = ()
) -> list[str]:
    """What axe-core finds serious or critical on the page as it is now, but for the places `without`.

    rules: these alone, where only they could find another thing than a look before.
    but: all except these, where they could find nothing else than a look before.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return [f"{page.url} {line}" for line in page.evaluate(FIND, [[*without], [*rules], [*but]])]


def check_width(page: Page) -> list[str]:
    """Whether a phone of 360 px would have to scroll sideways."""
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth")
    return [] if wide <= PHONE["width"] else [f"{page.url} is {wide} px wide on a phone"]


def check_everywhere(page: Page) -> list[str]:
    """The page on a desk in light and on a phone in dark: two looks for four questions."""
    look(page, "light")
    found = [f"light: {line}" for line in check_access(page)]
    look(page, "dark")
    found += check_width(page)
    found += [f"dark, on a phone: {line}" for line in check_access(page)]
    look(page, "light")
    page.set_viewport_size(DESK)
    return found


def check_mirrored(page: Page) -> list[str]:
    """The page from right to left, on a phone in dark, for pages whose words are in English only."""
    look(page, "dark")
    page.evaluate("document.documentElement.dir = 'rtl'")
    found = [f"from right to left: {line}" for line in check_width(page) + check_access(page, but=COLOURS)]
    look(page, "light")
    page.set_viewport_size(DESK)
    return found


def look(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


def shoot(page: Page, folder: Path, name: str) -> list[Path]:
    """Pictures of the page as it is: light and dark, and on a phone."""
    made = []
    for suffix, scheme, size in (("", "light", DESK), ("-dark", "dark", DESK), ("-phone", "light", PHONE)):
        look(page, scheme)
        page.set_viewport_size(size)
        made.append(folder / f"{name}{suffix}.png")
        page.screenshot(path=made[-1], full_page=True)
    look(page, "light")
    page.set_viewport_size(DESK)
    return made
