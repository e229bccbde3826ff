from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from re import fullmatch

from django.db.transaction import atomic
from stdnum import bic, iban

from core.models import Account, BalanceEntry, BankAccount, Payment, Refund, User
from core.money import check_amount, money_text
from core.payees.latin import NotLatinError, in_latin
from core.problems import PermissionDenied, ValidationError
from core.security.events import record_event
from core.validation.text import check_name
from engine import create
from workflows.settlement.balances import balance_of, open_remainders
from workflows.settlement.locking import lock_account

NAME_LENGTH = 70  # what SEPA takes


@dataclass(frozen=True)
class Payee:
    """account: an IBAN, or the number of an account or wallet; bank: BIC or national code, where it is needed."""

    name: str
    account: str = ""
    bank: str = ""


def request_refund(
    account: Account,
    *,
    amount: Decimal,
    currency: str,
    payee: Payee,
    reason: str,
    by: User,
    bank_account: BankAccount | None = None,
    note: str = "",
) -> Refund:
    """Takes the money out of the balance; a colleague approves. bank_account: None if it is paid by hand.

    Raises PermissionDenied; ValidationError for more than the balance, and for a payee that the bank could not pay.
    """
    if not by.may_decide_on(account.pk, "core.request_refund"):
        raise PermissionDenied("You may not request refunds of this account.")
    check_amount(amount, currency, field="amount")
    if reason not in Refund.Reason.values:
        raise ValidationError({"reason": ["There is no such reason."]})
    if bank_account is not None and bank_account.currency != currency:
        raise ValidationError({"bank_account": [f"{bank_account} is in {bank_account.currency}."]})
    payee = _checked_payee(payee, bank_account)
    with atomic():
        account = lock_account(account)
        taken = _take(account, amount, currency)
        refund = Refund(
            account=account,
            currency=currency,
            amount=amount,
            reason=reason,
            note=note,
            bank_account=bank_account,
            payee_name=payee.name,
            payee_account=payee.account,
            payee_bank=payee.bank,
            requested_by=by,
        )
        refund.check_texts()
        create(refund, by=by, amount=amount, currency=currency)
        BalanceEntry.objects.bulk_create(
            BalanceEntry(
                account=account,
                payment=payment,
                refund=refund,
                currency=currency,
                amount=-part,
                key=f"refund:{refund.pk}:{payment.pk.hex}",
            )
            for payment, part in taken
        )
        record_event("refund_requested", actor=by, refund=str(refund.pk), account=str(account.pk))
    return refund


def _checked_payee(payee: Payee, bank_account: BankAccount | None) -> Payee:
    """As it is stored. Raises ValidationError."""
    name = " ".join(payee.name.split())
    check_name(name, field="payee_name", longest=NAME_LENGTH)
    if not name[0].isalnum():  # a spreadsheet would calculate with it
        raise ValidationError({"payee_name": ["A name begins with a letter or digit."]})
    account, bank = ("".join(text.split()).upper() for text in (payee.account, payee.bank))
    for field, text, longest in (("payee_account", account, 34), ("payee_bank", bank, 20)):
        if not fullmatch(rf"([A-Z0-9][A-Z0-9@.+/_-]{{0,{longest - 1}}})?", text):
            raise ValidationError({field: [f"Write it in at most {longest} letters A to Z, digits and signs."]})
    if account[:2].isalpha() and account[2:4].isdigit() and not iban.is_valid(account):
        raise ValidationError({"payee_account": ["This is no IBAN: its check digits are wrong."]})
    if bank_account is None:
        return Payee(name, account, bank)
    if not account:
        raise ValidationError({"payee_account": ["Say to which account the bank pays."]})
    if account in (bank_account.iban, bank_account.number):
        raise ValidationError({"payee_account": ["This is your own account."]})
    if bank_account.iban and bank_account.currency == "EUR":
        _check_sepa(name, account, bank)
    return Payee(name, account, bank)


def _check_sepa(name: str, account: str, bank: str) -> None:
    if not iban.is_valid(account):
        raise ValidationError({"payee_account": ["Banks pay euros to an IBAN only."]})
    if bank and not bic.is_valid(bank):
        raise ValidationError({"payee_bank": ["This is no BIC."]})
    try:
        written = in_latin(name, country=account[:2])
    except NotLatinError as error:
        raise ValidationError(
            {"payee_name": [f"Write the name in Latin letters, as the bank has it. {error}"]}
        ) from error
    if len(written) > NAME_LENGTH:
        raise ValidationError({"payee_name": [f"In Latin letters it is longer than {NAME_LENGTH}."]})


def _take(account: Account, amount: Decimal, currency: str) -> list[tuple[Payment, Decimal]]:
    """Parts of payments, the oldest first. The caller has locked the account."""
    there = balance_of(account.pk).get(currency, Decimal(0))
    if amount > there:
        has = f"{money_text(max(there, Decimal(0)), currency)} {currency}"
        raise ValidationError({"amount": [f"The balance is {has}: no more can go back."]})
    taken, left = [], amount
    for payment, rest in open_remainders(account.pk, currency):
        part = min(rest, left)
        taken.append((payment, part))
        left -= part
        if not left:
            break
    if left:  # a balance is the rests of payments
        raise ValidationError({"amount": ["Of the balance, so much belongs to no payment that stands."]})
    return taken
