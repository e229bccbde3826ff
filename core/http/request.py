from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import parse_header_parameters


class LenientRequest(HttpRequest):
    """Django reads Content-Type before any middleware could answer: an unreadable one counts as none."""

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):  # parameters in an unknown encoding: RFC 2231
            self.content_type, self.content_params = "", {}
