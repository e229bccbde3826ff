"""A row that was read is the object that Django would have made of it: `core.models.row`."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import Model
from django.db.models.signals import post_init, pre_init

from core.models.row import Row

MODELS = [model for model in apps.get_models() if issubclass(model, Row)]


def held(row):
    return {name: value for name, value in vars(row).items() if name != "_state"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("step", [1, 2, 3], ids=["all columns", "every other", "every third"])
def test_it_is_what_django_makes_of_it(model, step):
    names = [field.attname for field in model._meta.concrete_fields][::step]
    values = [f"value of {name}" for name in names]

    ours, usual = model.from_db("default", names, values), Model.from_db.__func__(model, "default", names, values)

    assert type(ours) is type(usual) is model
    assert held(ours) == held(usual)
    assert ours.get_deferred_fields() == usual.get_deferred_fields()
    assert (ours._state.adding, ours._state.db) == (usual._state.adding, usual._state.db) == (False, "default")
    assert ours._state.fields_cache == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nobody_listens_to_the_signals_that_are_not_sent(model):
    assert not pre_init.has_listeners(model)
    assert not post_init.has_listeners(model)


def test_more_values_than_columns_are_refused():
    with pytest.raises(ValueError, match="longer"):
        MODELS[0].from_db("default", ["id"], [1, 2])
