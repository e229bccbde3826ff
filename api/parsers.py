"""What may come in: JSON of a sane size and depth, without characters that no customer types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from core.problems import MalformedRequest, PayloadTooLarge

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
# C0 and C1 controls except tab, line feed, carriage return; lone surrogates; what turns text around.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it: UTF-8, no duplicate names, no NaN; at most 256 kB and 32 levels deep."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise PayloadTooLarge(f"The body is larger than {MAX_BYTES} bytes.")
        try:
            data = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        except RecursionError as error:
            raise MalformedRequest("The body is nested too deeply.") from error
        except ValueError as error:  # also UnicodeDecodeError, JSONDecodeError
            raise MalformedRequest("The body is not valid JSON.") from error
        _check(data, MAX_DEPTH)
        if not isinstance(data, dict):
            raise MalformedRequest("The body must be a JSON object.")
        return data


def is_clean(text: str) -> bool:
    return FORBIDDEN.search(text) is None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("duplicate name")
    return names


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, depth: int) -> None:
    if depth < 0:
        raise MalformedRequest("The body is nested too deeply.")
    if isinstance(value, str) and not is_clean(value):
        raise MalformedRequest("The body contains control characters.")
    if isinstance(value, dict):
        for name, item in value.items():
            _check(name, depth)
            _check(item, depth - 1)
    if isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
