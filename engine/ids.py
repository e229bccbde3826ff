"""Keys made by the application: UUIDv7 (RFC 9562), so that rows lie on disk in the order of their birth."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    return _uuid7()
