"""Callers of the API, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from knox.models import AuthToken
from rest_framework.test import APIClient

from core.models import User

BASE = "/api/v1/"


class Caller:
    """An API client that speaks JSON and starts every path at the base."""

    def __init__(self, user: User | None = None) -> None:
        self.client = APIClient(raise_request_exception=False)
        if user is not None:
            _, token = AuthToken.objects.create(user)
            self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(BASE + path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(BASE + path, body or {}, format="json", headers=headers)

    def post_raw(self, path: str, body: bytes, content_type: str = "application/json") -> Any:
        return self.client.post(BASE + path, body, content_type=content_type)


@pytest.fixture
def anybody(db: None) -> Caller:
    return Caller()


@pytest.fixture
def digest(db: None) -> Callable[[], dict[str, int]]:
    """How many rows each table of ours has: what a refused request must not change."""

    def count() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT relname FROM pg_class
                   WHERE relkind = 'r' AND (relname LIKE 'core_%' OR relname LIKE 'knox_%')
                       AND relname <> 'core_attempt'  -- where refusals are counted"""
            )
            tables = [row[0] for row in cursor.fetchall()]
            counts = {}
            for table in tables:
                cursor.execute(f'SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM "{table}" t')
                counts[table] = cursor.fetchone()
        return counts

    return count


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
