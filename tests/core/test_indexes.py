"""A change of status writes each index of the row again, so a redundant one costs every transition."""

from __future__ import annotations

import pytest
from django.db import connection

# What a settlement writes.
BUSY = [
    *(
        f"core_{noun}"
        for noun in ["account", "allocation", "balanceentry", "creditentry", "invoice", "payment", "subscription"]
    ),
    *(f"engine_{noun}" for noun in ["effect", "effectevent", "transition"]),
]
# One that begins as another does, without being unique, answers nothing that the other does not.
SPARE = """
    SELECT short.indexrelid::regclass::text, long.indexrelid::regclass::text
    FROM pg_index AS short
    JOIN pg_index AS long ON long.indrelid = short.indrelid AND long.indexrelid <> short.indexrelid
    JOIN pg_class AS tables ON tables.oid = short.indrelid
    WHERE tables.relname = ANY(%s) AND NOT short.indisunique
        AND short.indpred IS NULL AND long.indpred IS NULL AND short.indexprs IS NULL AND long.indexprs IS NULL
        AND (long.indkey::int[])[0:short.indnkeyatts - 1] = (short.indkey::int[])[0:short.indnkeyatts - 1]
        AND (long.indclass::oid[])[0:short.indnkeyatts - 1] = (short.indclass::oid[])[0:short.indnkeyatts - 1]"""


def spare() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(SPARE, [BUSY])
        return set(cursor.fetchall())


@pytest.mark.django_db
def test_no_index_begins_as_another_does():
    assert spare() == set()


@pytest.mark.django_db
def test_redundant_index_is_found():
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX spare ON core_payment (account_id)")

    assert spare() == {("spare", "payment_of_account")}


@pytest.mark.django_db
def test_hot_tables_have_no_pattern_indexes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%%pattern_ops%%' AND tablename = ANY(%s)",
            [[*BUSY, "core_ratelimitbucket"]],
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_tables_that_are_looked_at_exist():
    """A name that is none would be looked at in vain."""
    assert set(BUSY) <= set(connection.introspection.table_names())
