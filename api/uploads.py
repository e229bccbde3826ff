"""Routes that take a file: multipart/form-data instead of JSON."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from api.parsers import MAX_BYTES, check_encoding
from api.views import ApiView
from core.models import User
from core.problems import MalformedRequest, PayloadTooLarge, Problem

TAIL_BYTES = 1000  # more than a boundary has


class UploadView(ApiView):
    """BODY_MAX_BYTES: of files and fields together. Fields alone have the limit of every other body."""

    BODY_MAX_BYTES: int
    permission: str
    parser_classes = (MultiPartParser,)
    _unreadable: Problem | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The body is taken from its sender before a transaction begins: a slow one keeps no rows waiting.

        Of somebody who may not send it, nothing is read: `initial` says why.
        """
        if request.content_type == "multipart/form-data" and self._may_send(request):
            try:
                _read(request)
            except RequestDataTooBig:
                self._unreadable = PayloadTooLarge(f"The fields beside the file are larger than {MAX_BYTES} bytes.")
            except (MultiPartParserError, SuspiciousOperation, OSError):  # OSError: its sender is gone
                self._unreadable = MalformedRequest("The body is not valid multipart/form-data.")
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._check_form(request)

    def _may_send(self, request: HttpRequest) -> bool:
        try:
            user = self.initialize_request(request).user
        except APIException:  # a token that is none
            return False
        return isinstance(user, User) and user.is_granted(self.permission)

    def content_for_key(self, request: Request) -> bytes:
        """Fields and digests of files: the boundary of a repetition is another."""
        self._check_form(request)
        files = [(name, _digest(file)) for name, each in request.FILES.lists() for file in each]
        return json.dumps([sorted(request.POST.lists()), sorted(files)]).encode()

    def _check_form(self, request: Request) -> None:
        """Raises UnsupportedMediaType, PayloadTooLarge or MalformedRequest."""
        if request.content_type.startswith("multipart/"):
            check_encoding(request.content_type, {"request": request}, "multipart/form-data")
        if self._unreadable is not None:
            raise self._unreadable
        texts = [text for name, values in request.POST.lists() for text in (name, *values)]
        if any("\ufffd" in text for text in texts):  # in its place Django puts what is no UTF-8
            raise MalformedRequest("The fields are not valid UTF-8.")


class _Tail:
    """A body that remembers how it ended."""

    def __init__(self, body: HttpRequest) -> None:
        self.body, self.end = body, b""

    def read(self, size: int = -1) -> bytes:
        data: bytes = self.body.read(size)
        self.end = (self.end + data)[-TAIL_BYTES:]
        return data


def _read(request: HttpRequest) -> None:
    """Like `request.FILES`, which takes a body that was cut on its way for a whole one. Raises MultiPartParserError."""
    tail: Any = _Tail(request)
    found = request.parse_file_upload(request.META, tail)
    boundary = parse_header_parameters(request.META["CONTENT_TYPE"])[1]["boundary"]
    if f"--{boundary}--".encode() not in tail.end:
        raise MultiPartParserError("The body ends before the form does.")
    request._post, request._files = found  # type: ignore[attr-defined]


def _digest(file: Any) -> str:
    digest = sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
