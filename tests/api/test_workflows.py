from __future__ import annotations

import pytest

from tests.api.conftest import Caller, is_problem
from tests.factories import MembershipFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

MISSING = "01900000-0000-7000-8000-000000000000"

READS = [
    "workflows/machines/",
    "workflows/transitions/",
    "workflows/batches/",
    "workflows/effects/",
    f"workflows/effects/{MISSING}/",
]

WRITES = [
    "workflows/effects/bulk-retry/",
    f"workflows/effects/{MISSING}/retry/",
    f"workflows/effects/{MISSING}/skip/",
]


@pytest.mark.parametrize("path", READS)
def test_only_operators_look(anybody, path):
    assert is_problem(anybody.get(path), 401, "authentication-required")
    for user in (UserFactory(), StaffFactory(), MembershipFactory().user):
        assert is_problem(Caller(user).get(path), 403, "permission-denied")


@pytest.mark.parametrize("path", WRITES)
def test_only_operators_act(anybody, digest, path):
    customer, staff = Caller(MembershipFactory().user), Caller(StaffFactory())
    before = digest()

    assert is_problem(anybody.post(path, {"reason": "x"}), 401, "authentication-required")
    assert is_problem(customer.post(path, {"reason": "x"}), 403, "permission-denied")
    assert is_problem(staff.post(path, {"reason": "x"}), 403, "permission-denied")

    assert digest() == before


def test_a_superuser_may_operate():
    assert Caller(UserFactory(is_superuser=True)).get("workflows/effects/").status_code == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("effects/?stat=dead", "stat"),
        ("effects/?state=late", "state"),
        ("effects/?state=", "state"),
        ("effects/?state=dead&state=done", "state"),
        ("effects/?object_id=1", "object_id"),
        ("effects/?page_size=0", "page_size"),
        ("effects/?page_size=101", "page_size"),
        ("effects/?page_size=1e1", "page_size"),
        ("effects/?page_size=%D9%A1", "page_size"),
        ("effects/?ordering=kind", "ordering"),
        ("effects/?batch_id=1", "batch_id"),
        ("batches/?state=late", "state"),
        ("effects/?cursor=x", "cursor"),
        ("effects/?cursor=cD1hYmM%3D", "cursor"),  # p=abc
        ("effects/?cursor=cD0lMDA%3D", "cursor"),  # p=%00
        ("transitions/?machine=toaster", "machine"),
        ("transitions/?actor=me", "actor"),
        ("transitions/?state=dead", "state"),
        ("machines/?format=xml", "format"),
        ("machines/?machine=toaster", "machine"),
        ("machines/?page_size=5", "page_size"),
        (f"effects/{MISSING}/?verbose=1", "verbose"),
    ],
)
def test_invalid_filter_is_refused(operator, path, field):
    answer = operator.get(f"workflows/{path}")

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
