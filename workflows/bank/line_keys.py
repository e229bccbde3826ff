"""Knowing a line again: by account, day, amount, currency, its words, and its number among equal ones of that day.

A bank's own ids are no help: they repeat, shift and change (Banco do Brasil gives one to three lines).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from engine.pipeline import ask
from workflows.bank.readers.statement import Line

# One look into the unique index for each line: a join is planned badly while the table has no statistics, which is
# in the very first import (12,000 lines: 17 s instead of 0.2).
KNOWN = """
    SELECT wanted.place, (
        SELECT line.occurrence FROM core_statementline AS line
        WHERE line.bank_account_id = %s::uuid AND line.booked_on = wanted.booked_on AND line.amount = wanted.amount
            AND line.currency = %s::text AND line.content_key = wanted.key
        ORDER BY line.occurrence DESC LIMIT 1)
    FROM unnest(%s::date[], %s::numeric[], %s::bytea[]) WITH ORDINALITY AS wanted(booked_on, amount, key, place)"""


def content_key(line: Line) -> bytes:
    """16 bytes of what the bank wrote: the same however it was broken into rows."""
    words = "\x1f".join(folded(text) for text in (line.text, line.payer_name, line.payer_account))
    return blake2b(words.encode(), digest_size=16).digest()


def folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass
class _Count:
    known: int
    seen: int = 0


class Occurrences:
    """Numbers the lines of one file and account; knows how many equal ones are stored.

    Used under a lock of the account, so that nobody else adds lines meanwhile.
    """

    def __init__(self, account_id: UUID, currency: str) -> None:
        self._account_id, self._currency = account_id, currency
        self._counts: dict[bytes, _Count] = {}  # by a digest, which is all that is kept of a line

    def number(self, lines: Sequence[tuple[Line, bytes]]) -> list[int | None]:
        """The occurrence of each line, None for those that are stored already. lines: each with its content_key."""
        digests = [_digest(line, key) for line, key in lines]
        missing = [place for place, digest in enumerate(digests) if digest not in self._counts]
        if missing:
            self._look_up([lines[place] for place in missing], [digests[place] for place in missing])
        return [self._next(digest) for digest in digests]

    def _next(self, digest: bytes) -> int | None:
        count = self._counts[digest]
        count.seen += 1
        return count.seen if count.seen > count.known else None

    def _look_up(self, lines: Sequence[tuple[Line, bytes]], digests: Sequence[bytes]) -> None:
        days, amounts = [line.booked_on for line, _ in lines], [line.amount for line, _ in lines]
        keys = [key for _, key in lines]
        params = [self._account_id, self._currency, days, amounts, keys]
        known = dict(ask(KNOWN, params, prepare=False).fetchall())
        for place, digest in enumerate(digests, 1):
            self._counts.setdefault(digest, _Count(known[place] or 0))


def _digest(line: Line, key: bytes) -> bytes:
    return blake2b(f"{line.booked_on} {line.amount.normalize()} ".encode() + key, digest_size=12).digest()
