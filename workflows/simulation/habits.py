"""What is done how often; rare edges are made likely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from django.db import connection

from workflows.simulation.verbs import VERBS, Verb
from workflows.simulation.world import Customer

_LOOK = """
    SELECT account.id, account.status, coalesce(living.status, '') AS subscription,
        coalesce(living.cancel_at_period_end, false), living.next_plan_id IS NOT NULL,
        living.period_end - now()::date,
        coalesce(invoices.open, 0), coalesce(invoices.paid_in_part, 0), coalesce(invoices.written_off, 0),
        coalesce(payments.claimed, 0), coalesce(payments.succeeded, 0)
    FROM core_account AS account
    LEFT JOIN core_subscription AS living ON living.account_id = account.id
        AND living.status IN ('active', 'past_due', 'suspended')
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status IN ('pending', 'partially_paid')) AS open,
            count(*) FILTER (WHERE status = 'partially_paid') AS paid_in_part,
            count(*) FILTER (WHERE status = 'uncollectible') AS written_off
        FROM core_invoice WHERE account_id = account.id) AS invoices ON true
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'pending_approval') AS claimed,
            count(*) FILTER (WHERE status = 'succeeded') AS succeeded
        FROM core_payment WHERE account_id = account.id) AS payments ON true
    WHERE account.id = ANY(%s::uuid[])"""


@dataclass(frozen=True)
class Sight:
    account: str
    subscription: str
    ends: bool
    changes: bool
    days_left: int | None
    open: int
    paid_in_part: int
    written_off: int
    claimed: int
    succeeded: int


def look(customers: Sequence[Customer]) -> dict[UUID, Sight]:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [[customer.account_id for customer in customers]])
        return {key: Sight(*facts) for key, *facts in cursor.fetchall()}


def acts_of(customer: Customer, sight: Sight, random: Random) -> Iterator[Verb]:
    for name, rate in _rates(customer, sight):
        if random.random() < rate:
            yield VERBS[name]


def settings_today(random: Random, skip: frozenset[str]) -> Iterator[Verb]:
    for verb in VERBS.values():
        if verb.who == "settings" and verb.name not in skip and random.random() < SETTINGS.get(verb.name, 0.02):
            yield verb


SETTINGS = {
    "edit_price": 0.05,
    "retire_price": 0.01,
    "sell_again": 0.05,
    "edit_credits": 0.05,
    "edit_policy": 0.04,
    "edit_tolerance": 0.03,
    "rename_plan": 0.02,
    "price_with_fractions": 0.01,
    "price_in_no_currency": 0.005,
    "remind_senselessly": 0.005,
}


def words_for(verb: Verb, random: Random) -> dict[str, Any]:
    return {name: random.choice(choices) for name, choices in verb.choices.items()}


def _rates(customer: Customer, sight: Sight) -> Iterator[tuple[str, float]]:
    state = sight.account
    yield "move", 0.004
    yield "use_credits", 0.01
    yield "adjust_credits", 0.003
    if sight.open:
        eager = 0.3 * customer.diligence
        yield "claim", eager if not sight.claimed else 0.04
        yield "claim_once_more", 0.004
        yield "void", 0.02
        yield "write_off", 0.012
        yield "credit", 0.02
        yield "record", 0.03
    elif sight.written_off:
        yield "record", 0.05
    else:
        yield "record", 0.002
    if sight.claimed:
        yield "approve", 0.45
        yield "approve", 0.05
        yield "reject", 0.06
        yield "withdraw", 0.04
    if sight.succeeded:
        yield "reverse", 0.006
        yield "reverse_part", 0.006
        yield "credit", 0.008
        if sight.open or state in ("past_due", "suspended"):
            yield "reverse", 0.02
            yield "reverse_part", 0.02
    match state:
        case "trial":
            yield "choose", 0.06
            yield "close", 0.006
        case "pending_payment":
            yield "choose", 0.02
            yield "cancel", 0.01
            yield "close", 0.006
        case "active":
            yield "choose", 0.01
            yield "cancel", 0.0015
            yield "cancel_at_end", 0.004
            yield "close", 0.0006
            if sight.ends or sight.changes:
                yield "keep", 0.03
                yield "choose", 0.02
            if sight.days_left is not None and sight.days_left <= 2:
                yield "choose", 0.03
        case "past_due":
            yield "cancel", 0.012
            yield "choose", 0.01
            yield "close", 0.01
        case "suspended":
            yield "cancel", 0.012
            yield "choose", 0.01
            yield "close", 0.01
        case "expired":
            yield "choose", 0.05
            yield "close", 0.01
