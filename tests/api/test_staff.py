from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api.conftest import Caller, is_problem
from tests.factories import (
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ADMIN = "billing/admin/"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "payments/", None),
        ("get", "accounts/", None),
        ("post", "payments/bulk-approve/", {"ids": [str(uuid4())]}),
        ("post", "payments/bulk-reject/", {"ids": [str(uuid4())]}),
        ("post", "payments/record/", {}),
        ("post", "credits/adjust/", {}),
    ],
)
def test_caller_who_is_not_staff_is_refused(method, path, body, digest):
    for user in (MembershipFactory().user, UserFactory(is_staff=True), UserFactory(is_staff=True, is_superuser=True)):
        caller = Caller(user)
        before = digest()
        answer = caller.get(ADMIN + path) if method == "get" else caller.post(ADMIN + path, body)
        assert is_problem(answer, 403, "permission-denied")
        assert digest() == before
