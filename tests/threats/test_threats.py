from __future__ import annotations

import pytest
from django.db import connection

from tests.threats.__main__ import PAGE, page
from tests.threats.marks import marked
from tests.threats.model import ACTORS, ASSETS, THREATS
from tests.threats.without import _DROPS, find, is_file


def test_the_page_is_what_the_marks_say():
    assert PAGE.read_text() == page(), "make threats"


def test_each_threat_names_an_actor_and_an_asset():
    assert {threat.actor for threat in THREATS.values()} <= ACTORS.keys()
    assert {threat.asset for threat in THREATS.values()} <= ASSETS.keys()


def test_each_threat_has_a_test_or_an_answer():
    tested = {mark.threat for mark in marked()}

    assert tested <= THREATS.keys()
    assert {key for key, threat in THREATS.items() if bool(threat.answer) == (key in tested)} == set()


@pytest.mark.django_db
def test_each_guard_exists():
    missing = []
    with connection.cursor() as cursor:
        for guard in {mark.guard for mark in marked()}:
            if is_file(guard):
                continue
            if "." in guard:
                find(guard)
                continue
            cursor.execute(f"{_DROPS} UNION ALL SELECT proname FROM pg_proc WHERE proname = %(name)s", {"name": guard})
            if not cursor.fetchall():
                missing.append(guard)

    assert missing == []
