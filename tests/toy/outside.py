"""The far side, as a test can look at it: what was sent there, under which key."""

from __future__ import annotations

from uuid import UUID

heard: list[tuple[str, UUID]] = []


def send(what: str, *, key: UUID) -> dict[str, str]:
    heard.append((what, key))
    return {"receipt": f"{what} {key}"}
