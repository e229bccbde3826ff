from __future__ import annotations

import os

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest

from core.http.request import LenientRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")


class Request(LenientRequest, ASGIRequest):
    pass


class Handler(ASGIHandler):
    request_class = Request


django.setup(set_prefix=False)
application = Handler()
