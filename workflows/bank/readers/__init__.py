"""One module a format. `statement.py` says what each of them gives."""

from __future__ import annotations

from workflows.bank.readers import camt, ofx
from workflows.bank.readers.statement import Reader

# In the order of trial: what is told apart for certain comes first.
READERS: tuple[Reader, ...] = (
    camt,
    ofx,
)


def find_reader(head: bytes) -> Reader | None:
    """The reader of a file that begins with these bytes (at most 64 KiB); None where no format is recognised."""
    return next((reader for reader in READERS if reader.sniff(head)), None)
