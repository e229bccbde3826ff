"""What is said to the workers: `tasks.doorbell`."""

from __future__ import annotations

from uuid import uuid4

from tasks.doorbell import messages


def test_a_few_are_named_and_many_are_not():
    few, many = [uuid4() for _ in range(25)], [uuid4() for _ in range(500)]

    assert messages(few) == [[str(key) for key in few]]
    assert messages([]) == [[]]
    assert messages(many[:26]) == [[]]
    assert messages(many) == [[]] * 4
