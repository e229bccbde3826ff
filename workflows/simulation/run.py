from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models.deletion import ProtectedError
from django.db.transaction import atomic

from core.problems import Problem
from workflows.reporting.invariants import invariants
from workflows.reporting.laws import GUARDS, LAWS, PAYEES, RIGHTS
from workflows.simulation import habits
from workflows.simulation.agreed import AGREED
from workflows.simulation.report import Finding, Report
from workflows.simulation.scope import Laws, Violation, broken_by_anybody
from workflows.simulation.verbs import LEFT_OUT, PAID_PLANS, Broken, Nothing, Verb, sign_up
from workflows.simulation.world import PRICES, Customer, World

ALL_EACH = 30  # days
ANALYZE_ON_DAYS = (5, 10)  # days on which the tables have grown a lot
SETTLING_IN = 60  # days over which the first customers come
# Of the whole installation: the views of some accounts do not show it.
WHOLE = frozenset(
    {
        "the numbers of a series have no gap",
        "each document holds the digest of the one before it",
        *GUARDS,
        *PAYEES,
        *RIGHTS,
    }
)


class Simulation:
    """customers: how many at any time. Deterministic by `seed`."""

    def __init__(
        self,
        world: World,
        *,
        customers: int,
        days: int,
        seed: int,
        skip: Collection[str] = (),
        laws: Mapping[str, str] | None = None,
    ) -> None:
        self.world, self.wanted, self.days, self.seed = world, customers, days, seed
        self.skip = frozenset(skip)
        self.random = Random(seed)  # noqa: S311 - to be the same again
        self.start = world.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self.customers: dict[UUID, Customer] = {}
        self.spoilt: dict[UUID, Customer] = {}
        self.settings: list[tuple[int, str, dict[str, Any]]] = []
        self.report = Report()
        self.daily = Laws(daily_laws() if laws is None else laws)
        self.monthly = {} if laws is not None else monthly_laws()
        self._seen: set[str] = set()  # of no account
        self._failures = UUID(int=0)

    def run(self, *, until: str | None = None) -> Report:
        """To the last day, or to the first on which the law `until` is broken."""
        for day in range(self.days):
            self._live(day)
            if until in self.report.findings:
                break
        self._ask_all(self.days)
        self.report.count_edges()
        return self.report

    def _live(self, day: int) -> None:
        self.world.clock.go_to(moment_of(self.start, self.seed, day))
        if day in ANALYZE_ON_DAYS or day % 25 == 0:
            self.world.analyze()
        with self._timed("effects"):
            self.world.work()
            self.world.note_issued()
        touched = set(self._worked_on())
        with self._timed("people"):
            self._edit_settings(day)
            self._welcome(day)
            touched |= self._act(day)
        with self._timed("effects"):
            self.world.work()
            self.world.note_issued()
        touched |= set(self._worked_on())
        self._notice_failures(day)
        with self._timed("laws"):
            self._ask(self.daily, touched, day)
            if day % ALL_EACH == ALL_EACH - 1:
                self._ask_all(day)
        self._count_desk()

    def _welcome(self, day: int) -> None:
        # Newcomers take the place of those who have left.
        room = self.wanted - len(self.customers)
        if day < SETTLING_IN and len(self.customers) < self.wanted:
            room = min(room, -(-self.wanted // SETTLING_IN))
        for _ in range(room):
            said: dict[str, Any] = {
                "plan": self.random.choice(("free", "free", *PAID_PLANS)),
                "currency": self.random.choice(("USD", "USD", *PRICES)),
                "interval": self.random.choice(("month",) * 3 + ("year",) * 2),
                "method": self.random.choice((0, 1)),
            }
            try:
                customer = sign_up(self.world, **said, diligence=self.random.choice((0.2, 0.6, 1, 1, 2)), day=day)
            except Problem as problem:
                self.report.refused["sign_up", type(problem).__name__] += 1
                continue
            self.report.done["sign_up"] += 1
            self.report.customers += 1
            self.customers[customer.account_id] = customer

    def _act(self, day: int) -> set[UUID]:
        sights = habits.look(list(self.customers.values()))
        touched = set()
        self.report.customer_days += len(self.customers)
        for customer in list(self.customers.values()):
            sight = sights.get(customer.account_id)
            if sight is None:
                touched.add(customer.account_id)  # has just come
                continue
            if sight.account == "closed":
                del self.customers[customer.account_id]
                continue
            for verb in habits.acts_of(customer, sight, self.random):
                said = habits.words_for(verb, self.random)
                if verb.name not in self.skip:
                    touched.add(customer.account_id)
                    self._do(verb, said, customer, day)
                if customer.account_id in self.spoilt:
                    break
        return touched

    def _do(self, verb: Verb, said: dict[str, Any], customer: Customer, day: int) -> None:
        customer.did.append((day, verb.name, said))
        outcome = perform_verb(self.world, verb, said, customer)
        match outcome:
            case None:
                self.report.done[verb.name] += 1
                if verb.is_money:
                    if customer.money_verb:
                        self.report.pairs[customer.money_verb, verb.name] += 1
                    customer.money_verb = verb.name
            case Violation():
                self._find(outcome, day, customer)
            case str():
                if outcome:
                    self.report.refused[verb.name, outcome] += 1
                else:
                    customer.did.pop()

    def _edit_settings(self, day: int) -> None:
        for verb in habits.settings_today(self.random, self.skip):
            said = habits.words_for(verb, self.random)
            outcome = perform_verb(self.world, verb, said)
            if isinstance(outcome, Violation):
                self._find(outcome, day)
            elif outcome:
                self.report.refused[verb.name, outcome] += 1
            elif outcome is None:
                self.report.done[verb.name] += 1
                self.settings.append((day, verb.name, said))

    def _worked_on(self) -> Iterator[UUID]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT account_id FROM engine_effect WHERE done_at >= now() - interval '1 hour'",
            )
            for (key,) in cursor.fetchall():
                if key in self.customers:
                    yield key

    def _ask(self, laws: Laws, accounts: Collection[UUID], day: int) -> None:
        for violation in laws.broken_by([key for key in accounts if key not in self.spoilt]):
            self._find(violation, day)

    def _ask_all(self, day: int) -> None:
        for violation in broken_by_anybody(self.daily.laws | self.monthly):
            self._find(violation, day)

    def _notice_failures(self, day: int) -> None:
        for violation in failures_after(self._failures):
            self._failures = max(self._failures, UUID(violation.facts["event"]))
            self._find(violation, day)

    def _find(self, violation: Violation, day: int, customer: Customer | None = None) -> None:
        account = customer.account_id if customer else violation.account
        if account in self.spoilt or (account is None and str(violation) in self._seen):
            return
        self._seen.add(str(violation))
        self.report.findings[violation.law].append(Finding(violation.law, account, day, str(violation)))
        if account in self.customers:
            self.spoilt[account] = self.customers.pop(account)
            abandon_account(account)

    def _count_desk(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT account_id) FROM engine_effect WHERE state IN ('dead', 'uncertain')")
            self.report.days_on_a_desk += cursor.fetchone()[0]

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.report.seconds[name] += time.monotonic() - started  # type: ignore[assignment]


def perform_verb(
    world: World, verb: Verb, said: Mapping[str, Any], customer: Customer | None = None
) -> str | Violation | None:
    """None: done; "": there was no object for it; the name of a refusal; or a finding.

    A Problem must have changed nothing. Any other exception is a bug of the product.
    """
    since = _next_transaction(customer)
    try:
        with atomic() if connection.in_atomic_block else nullcontext():  # a story must go on after a database error
            verb.run(world, *([customer] if customer else []), **said)
    except Nothing:
        return ""
    except Broken as broken:
        return Violation(broken.law, customer.account_id if customer else None, broken.facts)
    except (Problem, ValidationError, ProtectedError) as problem:
        if customer and (written := _written_since(since, customer.account_id)):
            facts = {"verb": verb.name, "said": dict(said), "written": written}
            return Violation("a refusal changes nothing", customer.account_id, facts)
        return type(problem).__name__
    except Exception as error:
        facts = {"verb": verb.name, "error": f"{type(error).__name__}: {error}".splitlines()[0]}
        return Violation(f"a verb is done or refused: {verb.name}", customer.account_id if customer else None, facts)
    return None


def daily_laws() -> dict[str, str]:
    """Checked each day, for accounts that something happened to."""
    return {name: sql for name, sql in LAWS.items() if name not in WHOLE | LEFT_OUT} | AGREED


def monthly_laws() -> dict[str, str]:
    """Of the engine's own records, and of the whole installation."""
    return {name: sql for name, sql in invariants().items() if name not in daily_laws().keys() | LEFT_OUT}


def moment_of(start: datetime, seed: int, day: int) -> datetime:
    # At another hour each day, so that time zones matter.
    return start + timedelta(days=day, hours=Random(f"{seed}:{day}").randrange(24), minutes=30)  # noqa: S311


def failures_after(event: UUID) -> list[Violation]:
    """Each as a finding: nothing external could be to blame."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT event.id, effect.kind, effect.account_id, event.detail FROM engine_effectevent AS event
               JOIN engine_effect AS effect ON effect.id = event.effect_id WHERE event.id > %s ORDER BY event.id""",
            [event],
        )
        return [
            Violation(f"an effect does not fail: {kind}", account, {"event": str(key), "error": detail})
            for key, kind, account, detail in cursor.fetchall()
        ]


def abandon_account(account: UUID) -> None:
    """End the work of an account that has a finding."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE engine_effect SET state = 'skipped', done_at = NULL WHERE account_id = %s"
            " AND state IN ('waiting', 'ready', 'dead')",
            [account],
        )


def _next_transaction(customer: Customer | None) -> int:
    # The first transaction that has written no row of the customer.
    with connection.cursor() as cursor:
        if customer is not None and connection.in_atomic_block:
            cursor.execute(_LATEST, {"account": customer.account_id, "since": 0})
        else:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        number: int = cursor.fetchone()[0]
    return number


_WRITTEN = " UNION ALL ".join(
    f"SELECT '{table}' AS name, xmin::text::bigint AS by FROM public.{table}"
    f" WHERE {key} = %(account)s AND xmin::text::bigint >= %(since)s"
    for table, key in (
        ("core_account", "id"),
        ("core_subscription", "account_id"),
        ("core_invoice", "account_id"),
        ("core_payment", "account_id"),
        ("core_allocation", "account_id"),
        ("core_balanceentry", "account_id"),
        ("core_creditentry", "account_id"),
        ("engine_effect", "account_id"),
        ("engine_transition", "account_id"),
    )
)


_LATEST = f"SELECT coalesce(max(by), 0) + 1 FROM ({_WRITTEN}) AS written"


def _written_since(transaction: int, account: UUID) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN, {"account": account, "since": transaction})
        return sorted({table for table, _ in cursor.fetchall()})
