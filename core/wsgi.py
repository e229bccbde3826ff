from __future__ import annotations

import os

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

from core.http.request import LenientRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")


class Request(LenientRequest, WSGIRequest):
    pass


class Handler(WSGIHandler):
    request_class = Request


django.setup(set_prefix=False)
application = Handler()
