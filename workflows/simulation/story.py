"""What one customer did: replayed on a new account, in a transaction that is rolled back, and shortened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min, Q
from django.db.transaction import atomic, set_rollback

from core.problems import Problem
from engine import run_due
from engine.models import Effect, EffectEvent
from workflows.simulation.run import Simulation, failures_after, moment_of, perform_verb
from workflows.simulation.scope import Laws, Violation
from workflows.simulation.verbs import VERBS, sign_up
from workflows.simulation.world import Customer, World, mark_external_done

PAYEES = "payee.put_in_force"  # follows from what staff changed, and is of no account

Event = tuple[int, str, dict[str, Any]]  # day of the simulation, verb, words


@dataclass(frozen=True)
class Story:
    """until: the day on which the end is seen."""

    events: tuple[Event, ...]
    until: int

    def lines(self) -> Iterator[str]:
        first = self.events[0][0]
        for day, name, said in self.events:
            words = ", ".join(
                f"{key}={value}" for key, value in said.items() if value not in (None, False, 0, "1", "plain")
            )
            yield f"day {day - first:3}: {name}({words})"


class Teller:
    def __init__(self, world: World, laws: Laws, *, start: datetime, seed: int) -> None:
        self.world, self.laws, self.start, self.seed = world, laws, start, seed
        latest = EffectEvent.objects.order_by("-id").values_list("id", flat=True).first()
        self.seen = latest or UUID(int=0)  # later failures are the story's

    def tell(self, story: Story, law: str | None = None) -> tuple[Violation, int] | None:
        """The first finding of that law, or of any, with its day; None if there is none."""
        with undone(self.world):
            self.world.restore()
            return next(
                ((found, day) for found, day in self._live(story) if law in (None, found.law)),
                None,
            )

    def shorten(self, story: Story, law: str, *, seconds: float = 60) -> Story:
        """Leave out what that finding does not need. seconds: when to stop."""
        deadline = time.monotonic() + seconds

        def ends_badly(events: Sequence[Event]) -> bool:
            return time.monotonic() < deadline and self.tell(Story(tuple(events), story.until), law) is not None

        first, rest = story.events[0], list(story.events[1:])
        own = [event for event in rest if VERBS[event[1]].who != "settings"]  # others' acts mostly do not matter
        if len(own) < len(rest) and ends_badly([first, *own]):
            rest = own
        events = [first, *_fewer(rest, lambda some: ends_badly([first, *some]))]
        short = Story(tuple(events), story.until)
        end = self.tell(short, law)
        return short if end is None else Story(short.events, end[1])

    def _live(self, story: Story) -> Iterator[tuple[Violation, int]]:
        (first_day, _, said), *rest = story.events
        self.world.clock.go_to(moment_of(self.start, self.seed, first_day))
        try:
            customer = sign_up(self.world, **said)
        except Problem:
            return
        day, on_day = first_day, [event for event in rest if event[0] == first_day]
        while True:
            self.work(customer)
            for _, name, words in on_day:
                verb = VERBS[name]
                outcome = perform_verb(self.world, verb, words, None if verb.who == "settings" else customer)
                if isinstance(outcome, Violation):
                    yield outcome, day
            self.work(customer)
            for failure in failures_after(self.seen):
                yield failure, day
            for broken in self.laws.broken_by([customer.account_id]):
                yield broken, day
            following = self._next_day(customer, day, [event[0] for event in rest], story.until)
            if following is None:
                return
            day, on_day = following, [event for event in rest if event[0] == following]
            self.world.clock.go_to(moment_of(self.start, self.seed, day))

    def _next_day(self, customer: Customer, day: int, days: Sequence[int], until: int) -> int | None:
        # When something is done, is due, or a month has passed.
        waiting = Effect.objects.filter(account_id=customer.account_id, state=Effect.State.WAITING)
        due = waiting.aggregate(at=Min("run_at"))["at"]
        candidates = [day + 30, until, *(each for each in days if each > day)]
        if due is not None:
            on = max(day + 1, (due - self.start).days)
            candidates.append(on if moment_of(self.start, self.seed, on) >= due else on + 1)
        found = [each for each in candidates if day < each <= until]
        return min(found) if found else None

    def live_through(self, customer: Customer, days: int) -> None:
        end = self.world.clock.now() + timedelta(days=days)
        while True:
            self.work(customer)
            waiting = Effect.objects.filter(account_id=customer.account_id, state=Effect.State.WAITING)
            due = waiting.aggregate(at=Min("run_at"))["at"]
            if due is None or due >= end:
                break
            self.world.clock.go_to(due + timedelta(seconds=1))
        self.world.clock.go_to(end)
        self.work(customer)

    def work(self, customer: Customer) -> None:
        mine = Effect.objects.filter(Q(account_id=customer.account_id) | Q(kind=PAYEES))
        while True:
            now = self.world.clock.now()
            mark_external_done([customer.account_id])
            mine.filter(state=Effect.State.WAITING, run_at__lte=now).update(state=Effect.State.READY)
            due = list(mine.filter(state=Effect.State.READY).exclude(lane="outward").values_list("pk", flat=True))
            if not due or not run_due(due):
                break
        self.world.note_issued()


def story_of(simulation: Simulation, account: UUID, day: int) -> Story:
    customer = simulation.customers.get(account) or simulation.spoilt[account]
    settings = [event for event in simulation.settings if event[0] <= day]
    mine = [event for event in customer.did if event[0] <= day]
    first, rest = mine[0], mine[1:]
    # Settings are changed before anybody acts; those from before the sign-up come with it.
    before = [(max(when, first[0]), name, said) for when, name, said in settings]
    return Story((first, *sorted([*before, *rest], key=lambda event: event[0])), day)


def _fewer(events: list[Event], is_enough: Callable[[list[Event]], bool]) -> list[Event]:
    """Delta debugging: leave out ever smaller parts, as long as the rest is enough."""
    size = max(1, len(events) // 2)
    while events:
        for start in range(0, len(events), size):
            rest = events[:start] + events[start + size :]
            if is_enough(rest):
                events = rest
                break
        else:
            if size == 1:
                break
            size //= 2
            continue
        size = min(size, max(1, len(events) // 2))
    return events


@contextmanager
def undone(world: World) -> Iterator[None]:
    """Roll back all writes, and put the clock back."""
    offset, noted, sign_ups = world.clock.offset, world.notes_position(), world.sign_ups
    block = atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # not the engine's: it may run effects inside
    block.__enter__()
    try:
        yield
    finally:
        set_rollback(True)
        block.__exit__(None, None, None)
        world.restore_notes_position(noted)
        world.sign_ups = sign_ups
        world.clock.advance(days=(offset - world.clock.offset) / timedelta(days=1))
        connection.ensure_connection()
