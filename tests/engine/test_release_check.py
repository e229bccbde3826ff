from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from engine import create_many, run_due
from engine.checks import rows_can_be_done
from engine.models import Effect
from tests.toy.models import Door

pytestmark = pytest.mark.django_db


@pytest.fixture
def greetings():
    create_many([Door() for _ in range(5)])
    return list(Effect.objects.order_by("id"))


def asked():
    return [(warning.id, warning.msg) for warning in rows_can_be_done(databases=["default"])]


def change(rows, **fields):
    Effect.objects.filter(pk__in=[row.pk for row in rows]).update(**fields)


def test_release_check_is_silent_when_every_effect_is_known(greetings):
    assert asked() == []


@pytest.mark.parametrize("state", ["ready", "waiting", "leased", "dead", "uncertain"])
def test_each_reason_is_one_line_with_a_count(greetings, state):
    change(greetings, state=state)
    change(greetings[:2], kind="toy.sing")
    change(greetings[2:3], revision=9)
    change(greetings[3:4], machine="gate")
    change(greetings[4:], lane="attic")

    assert asked() == [
        (f"engine.W00{number}", f"Effects that this release cannot do: {which}.")
        for number, which in [
            (1, "2 of the unknown kind 'toy.sing'"),
            (2, "1 of toy.greet in revision 9, which is known up to 1"),
            (3, "1 of toy.greet about a 'gate', and no model is called so"),
            (4, "1 of toy.greet in the lane 'attic', which no kind has, until a sweep has moved them"),
        ]
    ]


def test_finished_effects_are_not_counted(greetings):
    run_due()
    change(greetings, kind="toy.sing")

    assert asked() == []


def test_a_check_of_the_database_says_so_and_one_without_reads_no_rows(greetings, capsys, django_assert_num_queries):
    change(greetings[:2], kind="toy.sing")

    call_command("check", databases=["default"])
    assert "(engine.W001) Effects that this release cannot do: 2 of" in capsys.readouterr().err
    with django_assert_num_queries(0):
        call_command("check")


def test_before_the_first_migration_nothing_is_said(greetings):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE engine_effect RENAME TO core_effect_of_later")

    assert asked() == []
