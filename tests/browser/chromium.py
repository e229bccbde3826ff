from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, Playwright

HOW_TO_GET_ONE = (
    "no Chromium on this machine: `apt-get install chromium-headless-shell libatomic1`, or "
    "`.venv/bin/playwright install chromium`, or name one in CHROMIUM"
)
NAMES = (
    "chromium-headless-shell",  # without the windows that the full one draws for nobody
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
)
ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def fault_of_the_driver() -> str:
    """Why playwright's own program, a Node.js, does not start on this machine; empty where it does."""
    done = subprocess.run(
        [sys.executable, "-m", "playwright", "--version"], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return ""
    return f"playwright's driver does not start (Debian: `apt-get install libatomic1`): {done.stderr.strip()}"


def find_chromium(playwright: Playwright) -> str | None:
    """CHROMIUM, else the one that playwright downloaded, else one of the system's."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    with suppress(Exception):
        if Path(playwright.chromium.executable_path).exists():
            return playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (ON_MACOS if Path(ON_MACOS).exists() else None)


def launch(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=path,
        chromium_sandbox=os.geteuid() != 0,  # which it refuses for root
        args=[*QUIET],
    )
