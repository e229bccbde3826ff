"""Invariants as SQL that returns the rows that break them: bugs, or changes by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.models import (
    Account,
    CreditNote,
    Document,
    Invoice,
    Payment,
    Refund,
    StatementFile,
    StatementLine,
    Subscription,
)
from core.time_zones import table_names
from engine.lease import LENGTH
from engine.purge import PURGED
from engine.registry import follow_ups, machine_name
from workflows.reporting.laws import LAWS

MACHINES = (Account, Subscription, Invoice, Payment, Refund, StatementFile, StatementLine, Document, CreditNote)

HISTORY = {
    "the transitions of an object count 1, 2, 3 without a gap": """
        SELECT machine, object_id, seq, expected FROM (
            SELECT machine, object_id, seq, row_number() OVER (PARTITION BY machine, object_id ORDER BY seq) AS expected
            FROM engine_transition) AS numbered
        WHERE seq <> expected""",
    "a transition starts where the one before it ended": """
        SELECT machine, object_id, seq, source, ended FROM (
            SELECT machine, object_id, seq, source,
                lag(target, 1, '') OVER (PARTITION BY machine, object_id ORDER BY seq) AS ended
            FROM engine_transition) AS chained
        WHERE source <> ended""",
}
EFFECTS = {
    "what is done says when, and nothing else does": """
        SELECT id AS effect, kind, state, done_at FROM engine_effect WHERE (state = 'done') <> (done_at IS NOT NULL)""",
    "what is dead or uncertain says why": """
        SELECT id AS effect, kind, state FROM engine_effect
        WHERE state = 'dead' AND last_error = '' OR state = 'uncertain' AND attempts > 0 AND last_error = ''""",
    "no lease outlives its end": f"""
        SELECT id AS effect, kind, lease_until FROM engine_effect AS effect
        WHERE state = 'leased' AND coalesce(lease_until, '-infinity') < now() - interval '1 minute'
            OR lease_until > now() + {LENGTH}""",
}
BATCHES = {
    # A complete batch counts also what was done and purged since.
    "a batch counts what became of its effects": """
        SELECT coalesce(batch.id, member.batch_id) AS batch, batch.total, batch.done, batch.skipped,
            member.effects, member.done AS are_done, member.skipped AS are_skipped
        FROM engine_batch AS batch FULL JOIN (
            SELECT batch_id, count(*) AS effects, count(*) FILTER (WHERE state = 'done') AS done,
                count(*) FILTER (WHERE state = 'skipped') AS skipped
            FROM engine_effect WHERE batch_id IS NOT NULL GROUP BY batch_id) AS member ON member.batch_id = batch.id
        WHERE batch.id IS NULL OR batch.skipped <> coalesce(member.skipped, 0)
            OR batch.total - coalesce(member.effects, 0) <> batch.done - coalesce(member.done, 0)
            OR batch.done <> coalesce(member.done, 0) AND (batch.completed_at IS NULL OR batch.done < member.done)""",
    "what follows a batch is due when the batch is complete, and not before": """
        SELECT batch.id AS batch, batch.completed_at, following.id AS effect, following.state
        FROM engine_batch AS batch LEFT JOIN engine_effect AS following ON following.id = batch.then_id
        WHERE following.id IS NULL
            OR (following.state = 'waiting' AND following.fence = 0) <> (batch.completed_at IS NULL)""",
}
TENANTS = {
    "a row is of the same account as its parent": """
        SELECT 'invoice' AS child, invoice.id FROM core_invoice AS invoice
        JOIN core_subscription AS parent ON parent.id = invoice.subscription_id
        WHERE parent.account_id <> invoice.account_id
        UNION ALL SELECT 'payment', payment.id FROM core_payment AS payment
        JOIN core_invoice AS parent ON parent.id = payment.invoice_id WHERE parent.account_id <> payment.account_id
        UNION ALL SELECT 'allocation', allocation.id FROM core_allocation AS allocation
        JOIN core_payment AS payment ON payment.id = allocation.payment_id
        JOIN core_invoice AS invoice ON invoice.id = allocation.invoice_id
        WHERE allocation.account_id <> payment.account_id OR allocation.account_id <> invoice.account_id
        UNION ALL SELECT 'credit note', note.id FROM core_creditnote AS note
        JOIN core_invoice AS parent ON parent.id = note.invoice_id
        WHERE parent.account_id <> note.account_id OR parent.currency <> note.currency
        UNION ALL SELECT 'balance entry', entry.id FROM core_balanceentry AS entry
        JOIN core_payment AS parent ON parent.id = entry.payment_id WHERE parent.account_id <> entry.account_id
        UNION ALL SELECT 'effect', effect.id FROM engine_effect AS effect
        JOIN engine_transition AS parent ON parent.id = effect.transition_id
        WHERE parent.account_id <> effect.account_id""",
}


# What is looked at again later follows from the same transition; its key says so.
_REPEATED = r"^(escalate|payment\.escalate):"


def invariants() -> dict[str, str]:
    """SQL by the invariant's name."""
    return HISTORY | _machines() | EFFECTS | BATCHES | _declared() | LAWS | TENANTS | _zones()


def findings(cursor: Any) -> Iterator[str]:
    """cursor: Django's or psycopg's."""
    for name, sql in invariants().items():
        cursor.execute(sql)
        columns = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            facts = ", ".join(f"{column} {value}" for column, value in zip(columns, row, strict=True))
            yield f"NOT SO: {name}: {facts}"


def _machines() -> dict[str, str]:
    rows = " UNION ALL ".join(
        f"SELECT '{machine_name(model)}' AS machine, id, status, version FROM {model._meta.db_table}"
        for model in MACHINES
    )
    names = ", ".join(f"'{machine_name(model)}'" for model in MACHINES)
    return {
        "an object is where its last transition led": f"""
            SELECT coalesce(row.machine, last.machine) AS machine, coalesce(row.id, last.object_id) AS id,
                row.status, row.version, last.target, last.seq
            FROM ({rows}) AS row FULL JOIN (
                SELECT DISTINCT ON (machine, object_id) machine, object_id, target, seq FROM engine_transition
                WHERE machine IN ({names}) ORDER BY machine, object_id, seq DESC
            ) AS last ON last.machine = row.machine AND last.object_id = row.id
            WHERE (row.status, row.version) IS DISTINCT FROM (last.target, last.seq)"""
    }


def _declared() -> dict[str, str]:
    # A line counts from its first effect on, and not for what may have been purged.
    lines = ", ".join(
        f"('{machine}', '{name}', '{line.kind.name}', {_text(line.to)})"
        for (machine, name), declared in follow_ups.items()
        for line in declared
    )
    follows = f"""
        WITH line(machine, name, kind, target) AS (VALUES {lines}),
        expected AS (
            SELECT line.machine, line.name, line.kind, min(fact.at) AS since
            FROM line JOIN engine_transition AS fact ON fact.machine = line.machine AND fact.name = line.name
            JOIN engine_effect AS effect ON effect.transition_id = fact.id AND effect.kind = line.kind
            GROUP BY 1, 2, 3)"""
    return {
        "a transition has the effects that follow from it": f"""{follows}
            SELECT fact.machine, fact.name, fact.id AS transition, line.kind
            FROM line JOIN expected USING (machine, name, kind)
            JOIN engine_transition AS fact ON fact.machine = line.machine AND fact.name = line.name
                AND fact.at >= greatest(
                    expected.since, (SELECT max(slot) FROM engine_scheduledrun WHERE schedule = '{PURGED}'))
                AND fact.target = coalesce(line.target, fact.target)
            WHERE NOT EXISTS (SELECT FROM engine_effect AS effect WHERE effect.transition_id = fact.id
                AND effect.key = concat_ws(':', fact.machine, fact.object_id, fact.seq, line.kind))""",
        "a transition has each effect once, and none that follows from another": f"""{follows}
            SELECT fact.machine, fact.name, fact.id AS transition, effect.kind, count(*) AS times
            FROM expected
            JOIN engine_transition AS fact ON fact.machine = expected.machine AND fact.name = expected.name
            JOIN engine_effect AS effect ON effect.transition_id = fact.id AND effect.kind = expected.kind
                AND effect.key !~ '{_REPEATED}'
            GROUP BY fact.id, fact.machine, fact.name, fact.target, effect.kind
            HAVING count(*) > 1 OR NOT EXISTS (
                SELECT FROM line WHERE line.machine = fact.machine AND line.name = fact.name
                    AND line.kind = effect.kind AND fact.target = coalesce(line.target, fact.target))""",
    }


def _zones() -> dict[str, str]:
    names = ", ".join(f"'{name}'" for name in table_names())
    return {
        "an account's days are counted in a time zone that is known": f"""
            SELECT id AS account, time_zone FROM core_account WHERE time_zone NOT IN ({names})"""
    }


def _text(word: str | None) -> str:
    return f"'{word}'" if word else "NULL"
