"""What is forgotten: `workflows.housekeeping`."""

from __future__ import annotations

import pytest

from core.models import KeyedAnswer, Tick
from workflows.housekeeping import tidy

pytestmark = pytest.mark.django_db


def test_answers_are_kept_for_a_week(clock):
    KeyedAnswer.objects.create(scope="s", key="k", fingerprint="f", status=201, content_type="", body=b"")

    clock.advance(days=6)
    assert tidy()
    assert KeyedAnswer.objects.exists()
    clock.advance(days=2)
    assert tidy()
    assert not KeyedAnswer.objects.exists()


def test_of_two_clocks_one_does_the_work(clock):
    assert tidy()
    assert not tidy()
    clock.advance(hours=1)
    assert tidy()
    assert Tick.objects.count() == 2
