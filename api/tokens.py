"""The database holds digests only, also of tokens in stored answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from knox.auth import TokenAuthentication
from knox.crypto import create_token_string, hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS, knox_settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from core.models import User

# In a stored answer, where the token is always the first field.
TOKEN_PLACEHOLDER = re.compile(rb'\A\{"token":"~([0-9a-f]{32})"')


class BearerToken(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Bearer <token>`. Malformed tokens are not looked up: PostgreSQL refuses NUL."""

    def authenticate(self, request: Request) -> Any:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header and not re.fullmatch(r"Bearer [A-Za-z0-9_-]{1,200}", header, re.ASCII | re.IGNORECASE):
            raise AuthenticationFailed
        return super().authenticate(request)

    def _cleanup_token(self, auth_token: AuthToken) -> bool:
        """Knox's own reads all tokens of the user each time."""
        return auth_token.expiry is not None and auth_token.expiry < timezone.now()


@dataclass(frozen=True)
class KeyedToken:
    """Derived from the request's body: the same request gets it again, and nothing stored reveals it."""

    salt: str
    text: str

    @classmethod
    def of(cls, request_body: bytes) -> KeyedToken:
        salt = token_hex(16)
        return cls(salt, _derived(salt, request_body, settings.SECRET_KEY))

    def taken_out_of(self, answer: bytes) -> bytes:
        """With a placeholder, to be stored."""
        given, blank = f'{{"token":"{self.text}"'.encode(), f'{{"token":"~{self.salt}"'.encode()
        assert answer.startswith(given), "a token is the first field of its answer"
        return blank + answer.removeprefix(given)


def new_token() -> str:
    token: str = create_token_string()
    return token


def register_token(user: User, token: str) -> AuthToken:
    row = AuthToken(
        user=user,
        digest=hash_token(token),
        token_key=token[: CONSTANTS.TOKEN_KEY_LENGTH],
        expiry=timezone.now() + knox_settings.TOKEN_TTL,
    )
    row.save(force_insert=True)
    return row


def with_token(answer: bytes, request_body: bytes) -> bytes:
    """For a repetition of the same request."""
    blank = TOKEN_PLACEHOLDER.match(answer)
    # After a change of SECRET_KEY: the one that is registered.
    if blank is None:
        return answer
    salt = blank[1].decode()
    tokens = [_derived(salt, request_body, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    digests = {hash_token(token): token for token in tokens}
    known = AuthToken.objects.filter(digest__in=digests).values_list("digest", flat=True).first()
    token = digests[known] if known else tokens[0]
    return f'{{"token":"{token}"'.encode() + answer[blank.end() :]


def _derived(salt: str, request_body: bytes, secret: str) -> str:
    """64 hexadecimal digits, like knox's."""
    return salted_hmac(f"api.tokens {salt}", request_body, secret=secret, algorithm="sha256").hexdigest()
