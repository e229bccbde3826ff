from __future__ import annotations

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    return _uuid7()


def first_id_at(moment: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond: 48 bits of time come first (RFC 9562 5.7)."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)
