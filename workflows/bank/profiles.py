"""Which profile an uploaded table is read by: the one sent with it, its account's, or a made one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.models import BankAccount
from core.problems import ValidationError
from workflows.bank.accounts import is_named, names_account, unresolved_words
from workflows.bank.readers.delimited.fitting import fits, named_account
from workflows.bank.readers.delimited.made_profiles import PROFILES, find_profile, made_profile
from workflows.bank.readers.delimited.profile import Profile
from workflows.bank.readers.statement import AccountIdentifier, UnreadableStatementError
from workflows.bank.reading import HEAD_BYTES, stored_profile
from workflows.bank.tables import UnknownTable, guess_table, propose

ANSWERS = "answers"
Given = Mapping[str, Any] | str | None


def profile_for(
    content: bytes, account: BankAccount | None, given: Given
) -> tuple[BankAccount | None, dict[str, Any] | None]:
    """The account, and the profile to be stored with the file; None: a made one, found by its headings.

    A profile that does not have the columns of this table is never used. Raises UnknownTable, ValidationError.
    """
    head = content[:HEAD_BYTES]
    told = given_profile(content, account, given)
    if told is not None:
        if not fits(head, told):
            raise ValidationError({"profile": ["This table does not have the columns of the profile."]})
        return account, told.as_dict()
    if account is None:
        account = _account_of(head)
    if account is not None and account.profile:
        if _saved_fits(head, account):
            return account, _saved(account).as_dict()
    elif find_profile(head) is not None:
        return account, None
    elif account is None and any(_saved_fits(head, one) for one in _with_profile()):
        raise ValidationError({"bank_account": [unresolved_words(AccountIdentifier())]})
    raise UnknownTable(guess_table(content), account)


def given_profile(content: bytes, account: BankAccount | None, given: Given) -> Profile | None:
    """What was sent with the file. Raises ValidationError; UnknownTable while an answer is missing."""
    if not given:
        return None
    if isinstance(given, str):
        made = made_profile(given)
        if made is None:
            names = ", ".join(profile.name for profile in PROFILES)
            raise ValidationError({"profile": [f"There is no profile {given[:40]!r}. There are: {names}."]})
        return made
    if ANSWERS not in given:
        try:
            return stored_profile(given)
        except UnreadableStatementError as error:
            raise ValidationError({"profile": [error.detail]}) from error
    answers = given[ANSWERS]
    if len(given) > 1 or not isinstance(answers, dict) or not all(isinstance(one, str) for one in answers.values()):
        raise ValidationError({"profile": ["Send the answers as one object of texts, and nothing beside it."]})
    proposal = propose(content, answers, account)
    if proposal.profile is None:
        raise UnknownTable(proposal.guess, account)
    return proposal.profile


def _account_of(head: bytes) -> BankAccount | None:
    """The account that the table names, read by that account's own profile."""
    found = []
    for account in _with_profile():
        if _saved_fits(head, account):
            named = named_account(head, _saved(account))
            if is_named(named) and names_account(named, account):
                found.append(account)
    return found[0] if len(found) == 1 else None


def _saved_fits(head: bytes, account: BankAccount) -> bool:
    try:
        return fits(head, _saved(account))
    except UnreadableStatementError:
        return False


def _saved(account: BankAccount) -> Profile:
    return stored_profile(account.profile or {})


def _with_profile() -> list[BankAccount]:
    return list(BankAccount.objects.filter(profile__isnull=False))
