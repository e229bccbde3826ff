from __future__ import annotations

import json
import re
import reprlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

MAX_BYTES = 64 * 1024  # of a payload, or of inputs


_shown = reprlib.Repr()  # limits depth, and survives a __repr__ that raises
_shown.maxstring = _shown.maxother = 1000
NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")  # as JSON writes it, not a backslash before "u0000"


class InvalidPayload(ValueError):
    """Too large, too deep, not JSON, or with a NUL, which PostgreSQL refuses."""


def to_json(value: Any) -> str:
    """Amounts, dates and keys become the strings that PostgreSQL reads back."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidPayload(str(error)) from error


def validate_payload(value: Any) -> None:
    """Raises InvalidPayload."""
    text = to_json(value)
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidPayload("half a surrogate pair cannot be kept") from error
    if size > MAX_BYTES:
        raise InvalidPayload(f"{size} bytes are too many, at most {MAX_BYTES} are kept: keep the key of a row instead")
    if NUL.search(text):
        raise InvalidPayload("text with NUL cannot be kept")


def as_storable(value: Any) -> Any:
    """A description of what cannot be stored: the call that returned it has happened."""
    try:
        validate_payload(value)
    except InvalidPayload as error:
        return {
            "not_keepable": str(error),
            "text": _shown.repr(value).encode("ascii", "backslashreplace").decode()[:1000],
        }
    return value


def _plain(value: object) -> str:
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} seconds"
    raise TypeError(f"{type(value).__name__} cannot be kept")
