"""Taking a file: what its beginning shows is refused at once, the rest is read by a worker."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet
from django.db.transaction import atomic

from core.models import BankAccount, StatementFile, User
from core.models.statement import FILE_MAX_BYTES
from core.problems import PayloadTooLarge, PermissionDenied, ValidationError
from engine import create, lanes, run_due
from engine.models import Effect
from workflows.bank.accounts import is_named, resolve_account, unresolved_words
from workflows.bank.contents import store_content
from workflows.bank.profiles import given_profile, profile_for
from workflows.bank.readers import archives, delimited, find_reader
from workflows.bank.readers.statement import AccountIdentifier, Reader, UnreadableStatementError
from workflows.bank.reading import HEAD_BYTES, UNKNOWN
from workflows.bank.service_users import statement_user
from workflows.bank.summary import READS


def import_statement(
    content: bytes,
    *,
    name: str,
    by: User,
    bank_account: BankAccount | None = None,
    profile: Mapping[str, Any] | str | None = None,
) -> tuple[StatementFile, bool]:
    """Store a file that a worker will read. The second value: whether it was here before; then that row is returned.

    bank_account: where the file does not name its account. profile: of a table: its fields, the name of a made one, or
    `answers` to the questions of UnknownTable.
    Raises PermissionDenied; PayloadTooLarge; ValidationError for an unknown form and an account that is not ours;
    UnknownTable.
    """
    check_may_import(by)
    return _take(content, name=name, by=by, bank_account=bank_account, profile=profile)


def check_may_import(by: User) -> None:
    """Raises PermissionDenied."""
    if not by.is_granted("core.import_statements"):
        raise PermissionDenied("You may not import statements.")


def import_here(content: bytes, *, name: str, bank_account: BankAccount | None = None) -> tuple[StatementFile, bool]:
    """For the operator of the machine: take a file and read it in this process. Returns and raises as above."""
    file, is_duplicate = _take(content, name=name, by=statement_user(), bank_account=bank_account, profile=None)
    while reads := list(_reads_of(file)):
        run_due(reads, of=lanes())
    file.refresh_from_db()
    return file, is_duplicate


def _reads_of(file: StatementFile) -> QuerySet[Effect, UUID]:
    """What is to be done for it now."""
    effects = Effect.objects.filter(machine="statementfile", object_id=file.pk, kind__in=READS)
    return effects.filter(state=Effect.State.READY).values_list("pk", flat=True)


def _take(
    content: bytes,
    *,
    name: str,
    by: User,
    bank_account: BankAccount | None,
    profile: Mapping[str, Any] | str | None,
) -> tuple[StatementFile, bool]:
    if len(content) > FILE_MAX_BYTES:
        raise PayloadTooLarge("A statement file has at most 20 MB.")
    digest = sha256(content).hexdigest()
    if earlier := earlier_file(digest):
        return earlier, True
    bank_account, chosen = _checked(content, bank_account, profile)
    file = StatementFile(
        sha256=digest,
        name=shown_name(name),
        size=len(content),
        bank_account=bank_account,
        profile=chosen,
        uploaded_by=by,
    )
    try:
        with atomic():
            create(file, by=by, sha256=digest)
            store_content(file.pk, content)
    except IntegrityError as error:
        earlier = earlier_file(digest)
        if earlier is None or "statement_file_once" not in str(error):
            raise
        return earlier, True  # somebody else sent it at the same moment
    return file, False


def earlier_file(digest: str) -> StatementFile | None:
    return StatementFile.objects.filter(sha256=digest).exclude(status=StatementFile.Status.REFUSED).first()


def _checked(
    content: bytes, account: BankAccount | None, profile: Mapping[str, Any] | str | None
) -> tuple[BankAccount | None, dict[str, Any] | None]:
    """The account and the profile to read it with, as far as its beginning tells."""
    head = content[:HEAD_BYTES]
    reader = None if archives.is_archive(head[:4]) else find_reader(head)
    if reader is delimited:
        return profile_for(content, account, profile)
    given = given_profile(content, account, profile)
    if reader is not None:
        _check_account(reader, head, account)
    elif not archives.is_archive(head[:4]):
        raise ValidationError({"file": [UNKNOWN]})
    return account, given.as_dict() if given else None


def _check_account(reader: Reader, head: bytes, account: BankAccount | None) -> None:
    first = _first_account(reader, head)
    if first is None:
        return
    identifier, currency = first
    if resolve_account(identifier, currency, account) is None:
        field = "file" if is_named(identifier) else "bank_account"
        raise ValidationError({field: [unresolved_words(identifier)]})


def _first_account(reader: Reader, head: bytes) -> tuple[AccountIdentifier, str] | None:
    """Of the first statement; None where the head ends before it."""
    try:
        for statement in islice(reader.read(BytesIO(head)), 1):
            return statement.account, statement.currency
    except UnreadableStatementError:
        return None  # perhaps because the head ends there: what is wrong is said when the file is read as a whole
    return None


def shown_name(name: str) -> str:
    plain = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in plain if sign.isprintable())[:255]
