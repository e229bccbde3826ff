from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from core.models import BankAccount
from workflows.bank.readers import archives, delimited, find_reader
from workflows.bank.readers.delimited.made_profiles import find_profile
from workflows.bank.readers.delimited.profile import Profile, ProfileError
from workflows.bank.readers.statement import Statement, UnreadableStatementError

HEAD_BYTES = 64 * 1024
FORMATS = "CAMT, MT940, OFX, Norma 43, CODA, BAI2, OCR giro, or a table (CSV)"
UNKNOWN = f"This is no statement that can be read: it is not {FORMATS}."
NO_PROFILE = "The columns of this table are not known. Say once what they are."


@dataclass
class Source:
    """One file, or one of a zip, and how it is read."""

    format: str
    version: str
    statements: Iterator[Statement]


def read_sources(
    content: bytes, *, profile: Mapping[str, Any] | None = None, account: BankAccount | None = None
) -> Iterator[Source]:
    """The file, or each file of a zip. Raises UnreadableStatementError, at any time.

    profile: of a table; else the account's, else one of those that are known by their headings.
    """
    if not archives.is_archive(content[:4]):
        yield _source(content, profile, account)
        return
    for name, member in archives.members(BytesIO(content)):
        try:
            yield _source(member.read(), profile, account)
        except UnreadableStatementError as error:
            raise UnreadableStatementError(f"{name}: {error.detail}", row=error.row, column=error.column) from error


def _source(content: bytes, profile: Mapping[str, Any] | None, account: BankAccount | None) -> Source:
    head = content[:HEAD_BYTES]
    reader = find_reader(head)
    if reader is None:
        raise UnreadableStatementError(UNKNOWN)
    if reader is not delimited:
        return Source(reader.NAME, reader.VERSION, reader.read(BytesIO(content)))
    chosen = choose_profile(head, profile, account)
    return Source(reader.NAME, reader.VERSION, delimited.read(BytesIO(content), chosen))


def choose_profile(head: bytes, profile: Mapping[str, Any] | None, account: BankAccount | None) -> Profile:
    """Raises UnreadableStatementError where nobody has said what the columns are."""
    own = profile or (account.profile if account else None)
    chosen = stored_profile(own) if own else find_profile(head)
    if chosen is None:
        raise UnreadableStatementError(NO_PROFILE)
    return chosen


def stored_profile(data: Mapping[str, Any]) -> Profile:
    """Raises UnreadableStatementError."""
    try:
        return Profile.from_json(json.dumps(data))
    except ProfileError as error:
        raise UnreadableStatementError(f"The profile cannot be used: {error}.") from error
