from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from core.problems import MalformedRequest, NotAcceptable, PayloadTooLarge, UnsupportedMediaType
from core.validation.text import is_lines

MAX_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
MAX_DEPTH = 32
SEPARATORS = dict.fromkeys((0x2028, 0x2029))  # line and paragraph separators: refused by the field, with its name


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it: UTF-8, no duplicate names, finite numbers; at most 256 kB and 32 levels deep."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        check_encoding(media_type or "", parser_context or {})
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise PayloadTooLarge(f"The body is larger than {MAX_BYTES} bytes.")
        try:
            data = json.loads(
                body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
            )
        except RecursionError as error:
            raise MalformedRequest("The body is nested too deeply.") from error
        except ValueError as error:  # also UnicodeDecodeError, JSONDecodeError
            raise MalformedRequest("The body is not valid JSON.") from error
        _check(data, MAX_DEPTH)
        if not isinstance(data, dict):
            raise MalformedRequest("The body must be a JSON object.")
        return data


class Negotiation(DefaultContentNegotiation):
    """A client that accepts problem documents accepts JSON."""

    def get_accept_list(self, request: Request) -> list[str]:
        accepted = request.headers.get("Accept") or "*/*"
        return [word.strip() for word in accepted.replace("application/problem+json", "application/json").split(",")]

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """By the exact type."""
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except (LookupError, ValueError) as error:  # unknown encoding of a parameter: RFC 2231
            raise NotAcceptable("Accept application/json.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("duplicate name")
    return names


def check_encoding(media_type: str, context: Mapping[str, Any], kind: str = "application/json") -> None:
    """Raises UnsupportedMediaType for another charset than UTF-8, and for a compressed body."""
    try:
        charset = parse_header_parameters(media_type)[1].get("charset", "utf-8")
    except (LookupError, ValueError):  # unknown encoding of a parameter: RFC 2231
        charset = "none"
    coding = context["request"].headers.get("Content-Encoding", "identity") if "request" in context else "identity"
    if charset.lower() not in ("utf-8", "utf8") or coding.lower() != "identity":
        raise UnsupportedMediaType(f"Send {kind}, in UTF-8 and not compressed.")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("larger than any number")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, depth: int) -> None:
    """Raises MalformedRequest."""
    if isinstance(value, str) and not is_lines(value.translate(SEPARATORS)):
        raise MalformedRequest("The body contains control characters.")
    if isinstance(value, dict | list) and depth == 0:
        raise MalformedRequest("The body is nested too deeply.")
    if isinstance(value, dict):
        for name, item in value.items():
            _check(name, depth)
            _check(item, depth - 1)
    if isinstance(value, list):
        for item in value:
            _check(item, depth - 1)
