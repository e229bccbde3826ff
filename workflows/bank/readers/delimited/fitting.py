"""Whether a file that begins so can be read by a profile."""

from __future__ import annotations

from io import BytesIO

from workflows.bank.readers.delimited.made_profiles import columns_found
from workflows.bank.readers.delimited.profile import Profile
from workflows.bank.readers.delimited.reader import read, survey_of
from workflows.bank.readers.delimited.rows import HEAD_LENGTH
from workflows.bank.readers.statement import AccountIdentifier, UnreadableStatementError


def fits(head: bytes, profile: Profile) -> bool:
    """head: at most the first 64 KiB. Headings decide; without them the rows have to be readable."""
    if profile.has_headings:
        return columns_found(head, profile) > 0
    try:
        return bool(survey_of(BytesIO(_whole_rows(head)), profile).groups)
    except UnreadableStatementError:
        return False


def named_account(head: bytes, profile: Profile) -> AccountIdentifier:
    """What the beginning of a file says of its account; empty where it says nothing."""
    try:
        return next((statement.account for statement in read(BytesIO(_whole_rows(head)), profile)), AccountIdentifier())
    except UnreadableStatementError:
        return AccountIdentifier()


def _whole_rows(head: bytes) -> bytes:
    return head if len(head) < HEAD_LENGTH else head[: head.rfind(b"\n") + 1]
