"""The door that a web server opens."""

from __future__ import annotations

import os

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

from core.http.request import PlainRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")


class Request(PlainRequest, WSGIRequest):
    """One that a WSGI server hands over."""


class Door(WSGIHandler):
    request_class = Request


django.setup(set_prefix=False)
application = Door()
