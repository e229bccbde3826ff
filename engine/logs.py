from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.models import Effect

# Error messages of servers repeat what they were given.
_HIDDEN = (
    (re.compile(r"(?<=://)[^\s/@]+@"), "***@"),  # user and password of a URL
    (re.compile(r"DETAIL:  .*"), "DETAIL:  ***"),  # PostgreSQL's: the values of the row that it refused
    (re.compile(r"\b[0-9a-f]{32}(?:\.[0-9A-Za-z]{1,12})?\.[\w-]{43}(?![\w-])"), "***"),  # signed keys
    (re.compile(r"\b[0-9a-f]{32}\.[0-9a-z]+-[0-9a-f]+|\b[0-9a-f]{64}\b"), "***"),  # tokens of links, of the API
    # Addresses of people; a Message-ID is one of an effect.
    (re.compile(r"(?<![\w.%+-])(?![0-9a-f]{8}-[0-9a-f-]{27}@)\w[\w.%+'-]{0,252}@[\w-]+(?:\.[\w-]+)+"), "***@***"),
)

effects_at_work: ContextVar[Sequence[Effect]] = ContextVar("effects_at_work", default=())


@contextmanager
def effect_context(effects: Sequence[Effect]) -> Iterator[None]:
    """Log lines in the block name these effects, which are of one kind."""
    token = effects_at_work.set(effects)
    try:
        yield
    finally:
        effects_at_work.reset(token)


def redact(text: str) -> str:
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text
