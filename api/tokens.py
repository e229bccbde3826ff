"""Who asks, by a token."""

from __future__ import annotations

import re
from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class BearerToken(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Bearer <token>`. What cannot be a token is not looked up: the database refuses NUL, say."""

    def authenticate(self, request: Request) -> Any:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header and not re.fullmatch(r"Bearer [A-Za-z0-9_-]{1,200}", header, re.ASCII | re.IGNORECASE):
            raise AuthenticationFailed
        return super().authenticate(request)
