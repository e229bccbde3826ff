"""One module a format. `statement.py` says what each of them gives."""

from __future__ import annotations

from workflows.bank.readers import bai2, camt, coda, delimited, mt940, norma43, ocrgiro, ofx
from workflows.bank.readers.statement import Reader

# In the order of trial: what is told apart for certain comes first.
READERS: tuple[Reader, ...] = (
    camt,
    ofx,
    mt940,
    coda,
    norma43,
    ocrgiro,
    bai2,
    delimited,
)


def find_reader(head: bytes) -> Reader | None:
    """The reader of a file that begins with these bytes (at most 64 KiB); None where no format is recognised."""
    return next((reader for reader in READERS if reader.sniff(head)), None)
