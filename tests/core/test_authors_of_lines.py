"""The migration that takes the addresses of staff out of the lines that customers read."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection

from core.models import CreditEntry
from tests.factories import AccountFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

migration = import_module("core.migrations.0046_authors_of_lines")


@pytest.fixture
def line():
    """A line as it was written before, without an author in a column."""
    account, balance = AccountFactory(), 0

    def make(words, key, kind="adjust"):
        nonlocal balance
        balance += 1
        return CreditEntry.objects.create(
            account=account, kind=kind, amount=1, balance_after=balance, key=key, description=words
        )

    return make


def move():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # in production these are long over
    migration.move_authors(None, SimpleNamespace(connection=connection))


def lines():
    return list(CreditEntry.objects.order_by("balance_after").values_list("description", "actor__email"))


@pytest.mark.guards("S21", "core.migrations.0046_authors_of_lines.move_authors")
def test_address_of_staff_moves_from_the_text_into_the_column(line):
    """S21: customers read `goodwill (approver@demo.test)`."""
    StaffFactory(email="approver@demo.test")
    StaffFactory(email="long.address.of.staff@demo.test")
    line("goodwill (approver@demo.test)", "adjust:1")
    line("a (b) c (approver@demo.test)", "adjust:2")
    line("cut (long.address.of…)", "adjust:3")

    move()
    move()

    assert lines() == [
        ("goodwill", "approver@demo.test"),
        ("a (b) c", "approver@demo.test"),
        ("cut", "long.address.of.staff@demo.test"),
    ]


def test_address_that_is_nobodys_any_more_is_taken_out_and_kept_in_the_log(line, caplog):
    """S21: somebody left, or has another address now."""
    line("goodwill (gone@demo.test)", "adjust:1")
    UserFactory(email="customer@acme.test")
    line("cut (custom…)", "adjust:2")

    move()

    assert lines() == [("goodwill", None), ("cut", None)]
    assert "gone@demo.test" in caplog.text


def test_texts_of_others_stay_as_they_are(line):
    UserFactory(email="ann@acme.test")
    line("label (ann@acme.test)", "consume:label", kind="consume")
    line("no author", "adjust:1")
    line("(in brackets)", "adjust:2")

    move()

    assert lines() == [("label (ann@acme.test)", None), ("no author", None), ("(in brackets)", None)]


def test_ledger_is_append_only_again_afterwards(line):
    StaffFactory(email="approver@demo.test")
    line("goodwill (approver@demo.test)", "adjust:1")

    move()

    with pytest.raises(IntegrityError, match="append-only"):
        CreditEntry.objects.update(description="")


def test_more_lines_than_one_batch_are_all_moved(line, monkeypatch):
    monkeypatch.setattr(migration, "BATCH", 2)
    StaffFactory(email="approver@demo.test")
    for number in range(5):
        line(f"{number} (approver@demo.test)", f"adjust:{number}")

    move()

    assert lines() == [(str(number), "approver@demo.test") for number in range(5)]
