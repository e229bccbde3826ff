"""The laws, checked for some accounts only.

Tables and the views of `audit` are shadowed by views with the rows of these accounts, so that every law is the same
text as in `check_invariants`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from workflows.simulation.clock import SEARCHED

_SCHEMA = "of_accounts"
_ASKED = f"{_SCHEMA}.laws"  # a function
_SETTING = f"{_SCHEMA}.ids"
_MINE = f"= ANY(current_setting('{_SETTING}')::uuid[])"
_TABLES = (
    "core_allocation",
    "core_balanceentry",
    "core_creditentry",
    "core_creditnote",
    "core_document",
    "engine_effect",
    "core_invoice",
    "core_membership",
    "core_payment",
    "core_subscription",
    "engine_transition",
)
_AUDIT = {
    "accounts": f"SELECT * FROM audit.accounts WHERE id {_MINE}",
    "subscriptions": f"SELECT * FROM audit.subscriptions WHERE account_id {_MINE}",
    "invoices": f"SELECT * FROM audit.invoices WHERE account_id {_MINE}",
    "payments": f"SELECT * FROM audit.payments WHERE account_id {_MINE}",
    "allocations": f"SELECT payment_id, invoice_id, amount FROM public.core_allocation WHERE account_id {_MINE}",
    "balance_entries": f"SELECT * FROM audit.balance_entries WHERE account_id {_MINE}",
    "refunds": f"SELECT * FROM audit.refunds WHERE account_id {_MINE}",
    "credit_entries": f"SELECT * FROM audit.credit_entries WHERE account_id {_MINE}",
    # Of the tables, because the views hide the account in a nullif(), which no index knows.
    "transitions": f"""SELECT id, account_id, machine, object_id, seq, name, source, target, actor_id, cause_id, at
        FROM public.engine_transition WHERE account_id {_MINE}""",
    "effects": f"""SELECT id, account_id, transition_id, key, kind, state, attempts, run_at, done_at, last_error
        FROM public.engine_effect WHERE account_id {_MINE}""",
    "mails": f"""SELECT * FROM audit.mails
        WHERE effect_id IN (SELECT id FROM public.engine_effect WHERE account_id {_MINE})""",
}
# A line has no account until a payment of one stands for it.
_PAID = f"SELECT id FROM public.core_payment WHERE account_id {_MINE}"
_AUDIT |= {
    "line_payments": f"SELECT * FROM audit.line_payments WHERE payment_id IN ({_PAID})",
    "bank_lines": f"""SELECT * FROM audit.bank_lines
        WHERE id IN (SELECT line_id FROM public.core_linepayment WHERE payment_id IN ({_PAID}))""",
}
# No query of the product needs these.
_INDEXES = (
    ("core_allocation", "account_id"),
    ("engine_effect", "account_id"),
    ("engine_effect", "object_id"),
    ("engine_effect", "done_at"),
    ("engine_transition", "account_id"),
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Violation(NamedTuple):
    law: str
    account: UUID | None
    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.law}: " + ", ".join(f"{name} {value}" for name, value in self.facts.items())


class Laws:
    """Laws by name, as in `workflows.reporting.invariants.invariants()`."""

    def __init__(self, laws: Mapping[str, str]) -> None:
        self.laws = dict(laws)
        with connection.cursor() as cursor:
            _set_up(cursor)
            if self.laws:
                cursor.execute(self._function())

    def broken_by(self, accounts: Collection[UUID]) -> list[Violation]:
        if not accounts or not self.laws:
            return []
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT broken_law, found_facts FROM {_ASKED}(%s::uuid[])", [list(accounts)])
            return _with_accounts(cursor.fetchall())

    def _function(self) -> str:
        # plpgsql keeps its plans as long as the session lives.
        asked = " UNION ALL ".join(
            f"SELECT {_text(name)}, to_jsonb(broken) FROM ({sql.replace('audit.', f'{_SCHEMA}.')}) AS broken"
            for name, sql in self.laws.items()
        )
        return f"""
            CREATE OR REPLACE FUNCTION {_ASKED}(asked_of uuid[])
            RETURNS TABLE (broken_law text, found_facts jsonb) LANGUAGE plpgsql
            SET search_path = {_SCHEMA}, {SEARCHED} AS $body$
            BEGIN
                PERFORM set_config('{_SETTING}', asked_of::text, false);
                RETURN QUERY {asked};
            END $body$"""


def broken_by_anybody(laws: Mapping[str, str]) -> list[Violation]:
    """Of all accounts."""
    found: list[tuple[str, Any]] = []
    with connection.cursor() as cursor:
        for name, sql in laws.items():
            cursor.execute(f"SELECT %s, to_jsonb(broken) FROM ({sql.replace('%', '%%')}) AS broken", [name])
            found += cursor.fetchall()
    return _with_accounts(found)


def _set_up(cursor: Any) -> None:
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
    views = {table: f"SELECT * FROM public.{table} WHERE account_id {_MINE}" for table in _TABLES}
    views["core_account"] = f"SELECT * FROM public.core_account WHERE id {_MINE}"
    for name, select in (views | _AUDIT).items():
        cursor.execute(f"CREATE OR REPLACE VIEW {_SCHEMA}.{name} AS {select}")
    for table, column in _INDEXES:
        cursor.execute(f"CREATE INDEX IF NOT EXISTS simulation_{table}_{column} ON public.{table} ({column})")


def _with_accounts(rows: Iterable[tuple[str, Any]]) -> list[Violation]:
    found = [(law, facts if isinstance(facts, dict) else json.loads(facts)) for law, facts in rows]
    named = {key for _, facts in found for key in _UUID.findall(json.dumps(facts))}
    owners = _owners(named)
    return [
        Violation(law, next((owners[key] for key in _UUID.findall(json.dumps(facts)) if key in owners), None), facts)
        for law, facts in found
    ]


def _owners(keys: Collection[str]) -> dict[str, UUID]:
    if not keys:
        return {}
    asked = " UNION ALL ".join(
        f"SELECT id, account_id FROM public.{table} WHERE id = ANY(%(keys)s::uuid[])" for table in _TABLES
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, id FROM public.core_account WHERE id = ANY(%(keys)s::uuid[]) UNION ALL {asked}",
            {"keys": list(keys)},
        )
        return {str(key): account for key, account in cursor.fetchall()}


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
