from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from engine.registry import machine_name
from engine.stateful import edges_of, initial_states
from workflows.reporting.invariants import MACHINES
from workflows.simulation.verbs import VERBS

Edge = tuple[str, str, str, str]  # machine, transition, source, target
# Every invoice is issued in the transaction that makes it: no verb leaves a draft behind.
UNREACHABLE: frozenset[Edge] = frozenset({("invoice", "lapse", "draft", "void"), ("invoice", "void", "draft", "void")})


@dataclass(frozen=True)
class Finding:
    law: str
    account_id: UUID | None
    day: int
    facts: str


@dataclass
class Report:
    edges: Counter[Edge] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: dict[str, list[Finding]] = field(default_factory=lambda: defaultdict(list))
    effects: Counter[str] = field(default_factory=Counter)
    customers: int = 0
    customer_days: int = 0
    days_on_a_desk: int = 0
    seconds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        for name in ("edges", "pairs", "done", "refused", "effects", "seconds"):
            getattr(self, name).update(getattr(other, name))
        for law, found in other.findings.items():
            self.findings[law] += found
        self.customers += other.customers
        self.customer_days += other.customer_days
        self.days_on_a_desk += other.days_on_a_desk

    def count_edges(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT machine, name, source, target, count(*) FROM engine_transition GROUP BY 1, 2, 3, 4")
            self.edges.update({(machine, name, source, target): n for machine, name, source, target, n in cursor})
            cursor.execute("SELECT kind, count(*) FROM engine_effect WHERE state = 'done' GROUP BY kind")
            self.effects.update(dict(cursor.fetchall()))

    def rare_edges(self, at_least: int) -> dict[Edge, int]:
        return {edge: self.edges[edge] for edge in all_edges() - UNREACHABLE if self.edges[edge] < at_least}

    def rare_pairs(self, at_least: int) -> dict[tuple[str, str], int]:
        return {pair: self.pairs[pair] for pair in all_pairs() if self.pairs[pair] < at_least}

    def lines(self) -> Iterator[str]:
        share = self.days_on_a_desk / max(1, self.customer_days)
        yield f"{self.customers} customers, {self.customer_days} customer-days, {share:.3%} of them on operators' desk"
        yield "seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in sorted(self.seconds.items()))
        yield f"{sum(self.edges.values())} transitions, {sum(self.effects.values())} effects"
        yield ""
        yield "edges"
        for edge in sorted(all_edges()):
            machine, name, source, target = edge
            said = "  no verb leads there" if edge in UNREACHABLE else ""
            yield f"{self.edges[edge]:8}  {machine} {name}: {source or '[*]'} > {target}{said}"
        yield ""
        yield "pairs of money verbs, one after the other on one account"
        verbs = money_verbs()
        yield " " * 12 + "".join(f"{name:>10}" for name in verbs)
        for first in verbs:
            yield f"{first:>12}" + "".join(f"{self.pairs[first, then]:10}" for then in verbs)
        yield ""
        yield "verbs done, and refused"
        for name in VERBS:
            refusals = {why: n for (verb, why), n in self.refused.items() if verb == name}
            words = ", ".join(f"{why} {n}" for why, n in sorted(refusals.items()))
            yield f"{self.done[name]:8}  {name}" + (f"; refused: {words}" if words else "")
        yield ""
        yield f"{sum(map(len, self.findings.values()))} findings"
        for law, found in sorted(self.findings.items()):
            yield f"{len(found):8}  {law}"
            for finding in found[:2]:
                yield f"          day {finding.day}: {finding.facts}"


def all_edges() -> set[Edge]:
    """Every edge that docs/workflows.md draws, births among them."""
    moves = {(machine_name(model), *edge) for model in MACHINES for edge in edges_of(model)}
    births: set[Any] = {
        (machine_name(model), "begin", "", state) for model in MACHINES for state in initial_states(model)
    }
    return moves | births


def money_verbs() -> list[str]:
    return [verb.name for verb in VERBS.values() if verb.is_money]


def all_pairs() -> set[tuple[str, str]]:
    return {(first, then) for first in money_verbs() for then in money_verbs()}
