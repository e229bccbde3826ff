"""Drawn once and kept under var/, for this user's eyes only."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

PUBLIC_PASSWORD = "demo-demo-demo"  # noqa: S105 - of seed_demo


def secret_key(var: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """A demo has its own key: what is signed with it opens no other."""
    if environment.get("SECRET_KEY") or environment.get("SECRET_KEY_FILE"):
        return {}
    return {"SECRET_KEY": _kept(var / "secret_key", lambda: secrets.token_urlsafe(48))}


def demo_password(var: Path, environment: Mapping[str, str], *, is_wide: bool) -> str:
    """The public one until somebody else can reach the log-ins."""
    file, given = var / "demo_password", environment.get("DEMO_PASSWORD", "")
    if not (given or is_wide or file.exists()):
        return PUBLIC_PASSWORD
    return _kept(file, lambda: given or secrets.token_urlsafe(12))


def _kept(file: Path, draw: Callable[[], str]) -> str:
    if file.exists():
        return file.read_text().strip()
    value = draw()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
        kept.write(f"{value}\n")
    return value
