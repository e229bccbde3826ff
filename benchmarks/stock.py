"""Customers by the thousand: one goes through the product itself, the others are its copies, made by SQL.

Copy n differs in its keys (a UUIDv7 whose first 48 bits count n) and in what must be unique. Triggers are off: what
is copied was checked once.
"""

from __future__ import annotations

import copy
import json
import re
import time
from typing import Any

import psycopg

from benchmarks.rig import SQL, Rig

OWN = "account_id = %(account)s"
TABLES = {
    "core_user": "id IN (SELECT user_id FROM core_membership WHERE account_id = %(account)s)",
    "core_account": "id = %(account)s",
    **dict.fromkeys(
        [
            "core_membership",
            "core_subscription",
            "core_invoice",
            "core_payment",
            "core_allocation",
            "core_creditentry",
            "engine_transition",
            "engine_effect",
        ],
        OWN,
    ),
}
# One in an account, however many invoices it has.
OF_THE_ACCOUNT = {"core_user", "core_account", "core_membership", "core_subscription"}
MACHINES_OF_THE_ACCOUNT = {"account", "subscription", ""}
UNIQUE_WORDS = {"email", "email_canonical", "number", "reference", "reference_key"}
ROWS_AT_ONCE = 50_000


class Stock:
    def __init__(self, rig: Rig, database: str = "countersign") -> None:
        self._rig = rig
        self._connect(database)
        with rig.inside(database) as inside:
            self.claim = inside.ask("template", settled=False)
            self.settled = inside.ask("template", settled=True)
        self.base = int(time.time() * 1000) - 10**9  # older than what the product will write
        self.count = 0
        self.staff = self.claim["staff"]
        functions = "".join(
            f"""CREATE OR REPLACE FUNCTION bench_{noun}(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
                $$ SELECT {self._copied(self.claim[noun], "n")} $$;"""
            for noun in ("account", "subscription", "invoice", "payment")
        )
        self._db.execute(f"""{functions} CREATE OR REPLACE FUNCTION bench_staff() RETURNS uuid LANGUAGE sql IMMUTABLE
            AS $$ SELECT '{self.staff}'::uuid $$""")

    def in_copy(self, database: str) -> Stock:
        """In a new database that is a copy of this one; nobody may be connected here."""
        self._db.close()
        with self._rig.owner("postgres") as db:
            db.execute(f"CREATE DATABASE {database} TEMPLATE {self.database} OWNER countersign")
        other = copy.copy(self)
        other._connect(database)
        return other

    def _connect(self, database: str) -> None:
        self.database = database
        self._db = self._rig.owner(database)
        self._db.execute("SET session_replication_role = replica")

    @property
    def invoice_tail(self) -> str:
        return _digits(self.claim["invoice"])[12:]

    @property
    def tail(self) -> str:
        """Of a claim's payment: its key is the hexadecimal base + n, then this."""
        return _digits(self.claim["payment"])[12:]

    def add(self, count: int) -> int:
        """Adds customers who wait for a decision; returns the number of the first."""
        first = self.count + 1
        self._copy(self.claim["account"], first, count, per_account=1)
        self.count += count
        return first

    def add_history(self, invoices: int, *, per_account: int = 10) -> None:
        """Invoices that were paid long ago, with all that the product remembers of them."""
        self._copy(self.settled["account"], 0, invoices, per_account=per_account)

    def make_late(self, first: int, count: int) -> None:
        """As if they were to pay some days ago, and had claimed nothing."""
        self._db.execute(f"UPDATE core_payment SET status = 'failed' WHERE {self._is_copy('payment', first, count)}")
        self._db.execute(
            f"""UPDATE core_invoice SET due_on = current_date - 1, issued_on = issued_on - 10,
                    created_at = created_at - interval '10 days'
                WHERE {self._is_copy("invoice", first, count)}"""
        )

    def tidy(self) -> None:
        """As autovacuum does."""
        self._db.execute("VACUUM (ANALYZE, FREEZE)")
        self._db.execute("CHECKPOINT")

    def _copy(self, account: str, first: int, count: int, *, per_account: int) -> None:
        rows = [
            (table, row)
            for table, which in TABLES.items()
            for (row,) in self._db.execute(
                f"SELECT to_jsonb(t) FROM {table} AS t WHERE {which}", {"account": account}
            ).fetchall()
        ]
        ids = {row["id"]: self._is_of_the_account(table, row) for table, row in rows}
        for start in range(first, first + count, ROWS_AT_ONCE):
            end = min(start + ROWS_AT_ONCE, first + count) - 1
            for table, row in rows:
                every = per_account if ids[row["id"]] else 1
                columns = self._columns(table)
                values = ", ".join(
                    self._value(table, name, type_, row[name], ids, per_account) for name, type_ in columns.items()
                )
                self._db.execute(
                    f"""INSERT INTO {table} ({", ".join(f'"{name}"' for name in columns)})
                        SELECT {values} FROM generate_series({start}::bigint, {end}::bigint) AS n
                        WHERE n % {every} = 0"""
                )

    def _is_copy(self, noun: str, first: int, count: int) -> str:
        numbers = f"generate_series({first}::bigint, {first + count - 1}::bigint) AS n"
        return f"id IN (SELECT {self._copied(self.claim[noun], 'n')} FROM {numbers})"

    def _is_of_the_account(self, table: str, row: dict[str, Any]) -> bool:
        return table in OF_THE_ACCOUNT or row.get("machine") in MACHINES_OF_THE_ACCOUNT

    def _value(self, table: str, name: str, type_: str, value: Any, ids: dict[str, bool], per_account: int) -> str:
        if value is None:
            return "NULL"
        if name == "payment_reference":  # of the form that the table wants, with any sign at its end
            return f"{_quoted(value[:3])} || translate(lpad(to_hex(n), 7, '0'), 'abcdef', 'ACDEFG')"
        text = json.dumps(value) if isinstance(value, dict | list) else str(value)
        pieces = re.split("(" + "|".join(ids) + ")", text)
        words = [
            f"({self._copied(piece, f'(n / {per_account})' if ids[piece] else 'n')})::text"
            if piece in ids
            else _quoted(piece)
            for piece in pieces
            if piece
        ] or ["''"]
        is_own_key = table == "core_creditentry" or not any(piece in ids for piece in pieces)
        if name in UNIQUE_WORDS or (name == "key" and is_own_key):
            words.append("':' || n")
        return f"({' || '.join(words)})::{type_}"

    def _copied(self, key: str, n: str) -> str:
        return f"(lpad(to_hex({self.base} + {n}), 12, '0') || '{_digits(key)[12:]}')::uuid"

    def _columns(self, table: str) -> dict[str, str]:
        rows = self._db.execute(
            """SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
               WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''""",
            [table],
        )
        return dict(rows.fetchall())


def verify(db: psycopg.Connection, first: int, count: int) -> None:
    """Raises if a claim is not exactly as a settled one: its figure does not count."""
    sql = (SQL / "verify.sql").read_text()
    wrong = [
        f"{what}: {number}"
        for what, number in db.execute(sql, {"first": first, "last": first + count - 1}).fetchall()  # type: ignore[arg-type]
        if number
    ]
    if wrong:
        raise AssertionError(f"claims {first} to {first + count - 1}: " + "; ".join(wrong))


def _digits(key: str) -> str:
    return key.replace("-", "")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
