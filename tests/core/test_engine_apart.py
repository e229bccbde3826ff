"""The migrations that make the engine an app of its own: who could see effects still can, and the tables stay."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from core.models import DutyGrant, User
from engine.models import Effect
from tests.factories import UserFactory
from workflows.laws import RIGHTS

pytestmark = pytest.mark.django_db

migration = import_module("core.migrations.0101_engine_apart")
EDITOR = SimpleNamespace(connection=connection)


@pytest.fixture
def before():
    """As it was: a person and a group that may see effects, by the names of then."""
    ContentType.objects.clear_cache()
    person, group = UserFactory(is_staff=True), Group.objects.create(name="operators")
    seeing = Permission.objects.get(codename="view_effect")
    operating = Permission.objects.get(codename="operate_effects")
    migration.backwards(apps, EDITOR)
    person.user_permissions.set([seeing, operating])
    group.permissions.set([seeing])
    yield person, group
    ContentType.objects.clear_cache()


def words_of(person):
    return {
        f"{label}.{name}" for label, name in person.user_permissions.values_list("content_type__app_label", "codename")
    }


def wrongs():
    with connection.cursor() as cursor:
        for law in RIGHTS.values():
            cursor.execute(law)
            yield from cursor.fetchall()


def test_rights_are_the_same_ones_under_the_names_of_the_new_app(before):
    person, group = before
    assert words_of(person) == {"core.view_effect", "core.operate_effects"}

    migration.forwards(apps, EDITOR)

    assert words_of(person) == {"engine.view_effect", "core.operate_effects"}
    assert User.objects.get(pk=person.pk).is_granted("engine.view_effect")
    assert list(group.permissions.values_list("content_type__app_label", flat=True)) == ["engine"]
    said = DutyGrant.objects.filter(
        origin="before", reason__contains="app of their own", duties__contains=["engine.view_effect"]
    )
    assert set(said.values_list("person", "group_name")) == {(person.pk, ""), (None, "operators")}
    assert list(wrongs()) == []


def test_back_and_forth_again_loses_nothing(before):
    person, _ = before
    for move in (migration.forwards, migration.backwards, migration.forwards):
        move(apps, EDITOR)

    assert words_of(person) == {"engine.view_effect", "core.operate_effects"}
    assert list(wrongs()) == []


def test_an_empty_house_has_nothing_to_move():
    ContentType.objects.filter(app_label="engine").update(app_label="elsewhere")
    ContentType.objects.clear_cache()

    migration.forwards(apps, EDITOR)

    assert not ContentType.objects.filter(app_label="engine").exists()


def test_the_tables_have_the_names_under_which_they_were_made():
    names = {model._meta.model_name: model._meta.db_table for model in apps.get_app_config("engine").get_models()}

    assert names == {name: f"core_{name}" for name in names}
    assert set(names) == set(migration.MOVED)
    assert Effect._meta.app_label == "engine"
