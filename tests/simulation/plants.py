"""Faults to plant, in the database or in the engine, so that they outlive changes of the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from unittest.mock import patch

from django.db import connection

from core.models import Subscription
from workflows.simulation.verbs import PRODUCT


@contextmanager
def never(*kinds: str) -> Iterator[None]:
    """Effects of these kinds are owed and never done."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with writing("engine_effect", f"IF NEW.kind IN ({listed}) THEN NEW.state := 'skipped'; END IF"):
        yield


@contextmanager
def writing(table: str, change: str, *, when: str = "INSERT") -> Iterator[None]:
    """Whatever is written to the table is changed on its way."""
    with connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE FUNCTION planted_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change}; RETURN NEW; END $$;
            CREATE TRIGGER zz_planted BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION planted_{table}()""")
    yield


@contextmanager
def forgetting(machine: str, name: str) -> Iterator[None]:
    """A transition that effects take among others is not written."""
    engine = import_module("engine.transitions")  # the package has a function of that name
    rounds = engine._rounds

    def without(moves):
        is_it = [(move.transition.machine, move.transition.name) == (machine, name) for move in moves]
        left = [move for move, forgotten in zip(moves, is_it, strict=True) if not forgotten]
        return rounds(left if left else moves)

    with patch.object(engine, "_rounds", without):
        yield


@contextmanager
def replacing(verb: str, function: Callable[..., object]) -> Iterator[None]:
    with patch.dict(PRODUCT, {verb: function}):
        yield


def only_marks_the_end(subscription: Subscription, *, by: object) -> None:
    """A cancellation at the period's end that forgets what was chosen and asked for."""
    Subscription.objects.filter(pk=subscription.pk, status="active").update(cancel_at_period_end=True)


def dearer_afterwards(choose: Callable[..., object]) -> Callable[..., object]:
    """Another price than the one that was named."""

    def choosing(*args: object, **words: object) -> object:
        chosen = choose(*args, **words)
        subscription = chosen[0]  # type: ignore[index]
        Subscription.objects.filter(pk=subscription.pk).update(price=subscription.price + 1)
        return chosen

    return choosing
