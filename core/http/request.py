"""A Content-Type may be anything: Django reads it before any middleware could answer."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import parse_header_parameters


class LenientRequest(HttpRequest):
    """A request whose Content-Type is taken for none when it cannot be read.

    Addresses and forms are UTF-8, whatever charset stands beside it.
    """

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):  # parameters in an encoding that is none: RFC 2231
            self.content_type, self.content_params = "", {}
