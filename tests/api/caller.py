from __future__ import annotations

from collections import deque
from typing import Any

from django.contrib.auth.models import Permission
from knox.models import AuthToken
from rest_framework.test import APIClient

from core.models import User
from tests.api.published import must_conform
from tests.factories import StaffFactory

BASE = "/api/v1/"

answered: deque[tuple[str, str, int]] = deque(maxlen=1000)  # method, path and status of what Callers were answered


class Client(APIClient):
    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        answered.append((answer.request["REQUEST_METHOD"], answer.request["PATH_INFO"], answer.status_code))
        return answer


class Caller:
    """An API client that speaks JSON, starts every path at the base, and holds each answer against the schema."""

    def __init__(self, user: User | None = None) -> None:
        self.user = user
        self.client = Client(raise_request_exception=False)
        if user is not None:
            _, token = AuthToken.objects.create(user)
            self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def get(self, path: str, **headers: str) -> Any:
        return self._checked(self.client.get(BASE + path, headers=headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._checked(self.client.post(BASE + path, body or {}, format="json", headers=headers))

    def patch(self, path: str, body: Any) -> Any:
        return self._checked(self.client.patch(BASE + path, body, format="json"))

    def post_form(self, path: str, form: dict[str, Any], **headers: str) -> Any:
        return self._checked(self.client.post(BASE + path, form, format="multipart", headers=headers))

    def post_raw(self, path: str, body: bytes, content_type: str = "application/json") -> Any:
        return self._checked(self.client.post(BASE + path, body, content_type=content_type))

    def _checked(self, answer: Any) -> Any:
        must_conform(answer)
        return answer


def is_problem(answer: Any, status: int, slug: str) -> bool:
    """Whether an answer is that problem document, whole."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"/problems/{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"].startswith("/api/")
    assert body["request_id"] == answer["X-Request-ID"]
    return True


def staff(*permissions: str) -> Caller:
    """Staff who may decide, and what these permissions allow."""
    user = StaffFactory()
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return Caller(user)
