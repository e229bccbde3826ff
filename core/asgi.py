"""The same door for an ASGI server."""

from __future__ import annotations

import os

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest

from core.http.request import PlainRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")


class Request(PlainRequest, ASGIRequest):
    """One that an ASGI server hands over."""


class Door(ASGIHandler):
    request_class = Request


django.setup(set_prefix=False)
application = Door()
