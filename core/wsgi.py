"""The door that a web server opens."""

from __future__ import annotations

import os

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")


class PlainRequest(WSGIRequest):
    """A request whose Content-Type may be anything: Django reads it before any middleware could answer.

    Addresses and forms are UTF-8, whatever charset stands beside it.
    """

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):  # parameters in an encoding that is none: RFC 2231
            self.content_type, self.content_params = "", {}


class Door(WSGIHandler):
    request_class = PlainRequest


django.setup(set_prefix=False)
application = Door()
