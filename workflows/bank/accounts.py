from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import BankAccount, PaymentMethod, User
from core.money import check_amount
from core.problems import Conflict, PermissionDenied, ValidationError
from core.security.events import record_event
from workflows.bank.matching import RULES
from workflows.bank.readers.statement import AccountIdentifier

NUMBER_MIN_LENGTH = 5  # fewer signs end the IBAN of many accounts


def find_bank_account(identifier: AccountIdentifier, currency: str = "") -> BankAccount | None:
    """Our account that a file names, by its IBAN or number; None where the file names none, or one that is not ours.

    An IBAN may stand for several accounts, one for each currency; without a currency it must be one alone.
    """
    found: list[BankAccount] = []
    if identifier.iban:
        found = list(BankAccount.objects.filter(iban=identifier.iban))
    if not found and identifier.number:
        found = list(BankAccount.objects.filter(number=identifier.number))
        if identifier.bank:
            found = [one for one in found if not one.bank or one.bank == identifier.bank]
    if currency:
        found = [one for one in found if one.currency == currency]
    return found[0] if len(found) == 1 else None


def resolve_account(identifier: AccountIdentifier, currency: str, given: BankAccount | None) -> BankAccount | None:
    """Our account whose statement this is; `given` by who sent the file, unless the file names another."""
    if given is not None and names_account(identifier, given):
        return given
    return find_bank_account(identifier, currency)


def unresolved_words(identifier: AccountIdentifier) -> str:
    """Why there is none."""
    if is_named(identifier):
        return f"This is a statement of {identifier.iban or identifier.number}, which is no bank account of yours."
    return "The file does not say which account it is of: choose one."


def is_named(identifier: AccountIdentifier) -> bool:
    return bool(identifier.iban or identifier.number)


def names_account(identifier: AccountIdentifier, account: BankAccount) -> bool:
    """Whether what a file says of its account can be this one."""
    if identifier.iban and account.iban:
        return identifier.iban == account.iban
    if identifier.number and account.number:
        return identifier.number == account.number
    if identifier.number and account.iban:  # many formats give the number that ends the IBAN
        digits = identifier.number.lstrip("0")
        return len(digits) >= NUMBER_MIN_LENGTH and account.iban.endswith(digits)
    return not is_named(identifier)


def save_bank_account(
    account: BankAccount, *, by: User, payment_methods: Sequence[PaymentMethod] | None = None, **fields: Any
) -> BankAccount:
    """Add an account, or change one. fields: columns of BankAccount.

    Raises PermissionDenied, also for who switches automatic approvals on without the right to approve;
    ValidationError; Conflict if another has this name or number.
    """
    if not by.is_granted("core.import_statements"):
        raise PermissionDenied("You may not manage bank accounts.")
    if not account._state.adding and fields.get("currency", account.currency) != account.currency:
        raise ValidationError({"currency": ["The currency of an account stays: its lines are in it."]})
    for name, value in fields.items():
        setattr(account, name, value)
    if (fields.get("is_automatic") or "automatic_limit" in fields) and not by.is_granted("core.approve_payment"):
        raise PermissionDenied("Only those who approve payments switch on that a match approves them.")
    if "rules_by_hand" in fields:
        _check_rules(account.rules_by_hand, by)
    if account.automatic_limit is not None:
        check_amount(account.automatic_limit, account.currency, field="automatic_limit")
    try:
        account.full_clean(validate_unique=False, validate_constraints=False)
    except Invalid as error:
        raise ValidationError(error.message_dict) from error
    try:
        with atomic():
            account.save()
            if payment_methods is not None:
                account.payment_methods.set(payment_methods)
            record_event("bank_account_saved", actor=by, bank_account=str(account.pk), changed=sorted(fields))
    except IntegrityError as error:
        raise Conflict("Another bank account has this name or number.") from error
    return account


def _check_rules(names: Sequence[str], by: User) -> None:
    if not by.is_granted("core.approve_payment"):
        raise PermissionDenied("Only those who approve payments say which rules match by themselves.")
    if unknown := sorted(set(names) - {rule.name for rule in RULES}):
        raise ValidationError({"rules_by_hand": [f"There is no rule {unknown[0]!r}."]})
    if len(set(names)) < len(names):
        raise ValidationError({"rules_by_hand": ["Name each rule once."]})
