"""What a payer types into the bank's form, by kind of method.

Keys that are not in this table are the operator's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.payees import account_numbers as numbers
from core.payees.account_numbers import Check, shaped, text

BANK, WALLET, UPI, PIX, CASH = "bank_transfer", "mobile_wallet", "upi", "pix", "cash"
MOST_FIELDS = 30
A_LINE = text(140)
OWN_KEY = re.compile(r"[a-z][a-z0-9_]{0,29}")


@dataclass(frozen=True)
class PayeeField:
    key: str
    kind: str
    label: Any  # translated when it is shown
    check: Check = A_LINE
    is_needed: bool = False
    is_copyable: bool = False


@dataclass(frozen=True)
class PayeeLine:
    key: str
    label: str
    value: str
    is_copyable: bool


def _copied(key: str, kind: str, label: Any, check: Check = A_LINE, *, needed: bool = False) -> PayeeField:
    return PayeeField(key, kind, label, check, needed, is_copyable=True)


FIELDS = (
    _copied("beneficiary", BANK, _("Beneficiary")),
    _copied("holder", BANK, _("Account holder")),
    _copied("title", BANK, _("Account title")),
    _copied("name", BANK, _("Name")),
    _copied("account_name", BANK, _("Account name")),
    _copied("latin_name", BANK, _("Name in Latin letters"), numbers.latin_name),
    PayeeField("bank", BANK, _("Bank")),
    PayeeField("branch", BANK, _("Branch")),
    _copied("bank_code", BANK, _("Bank code"), shaped(r"[0-9]{3,6}", "A bank code has 3 to 6 digits.")),
    _copied("iban", BANK, "IBAN", numbers.iban),
    _copied("bic", BANK, "BIC", numbers.bic),
    _copied("routing_number", BANK, _("Routing number"), numbers.routing_number),
    _copied("sort_code", BANK, _("Sort code"), numbers.sort_code),
    _copied("ifsc", BANK, "IFSC", shaped(r"[A-Z]{4}0[A-Z0-9]{6}", "An IFSC looks like ABCD0123456.")),
    _copied("account_number", BANK, _("Account number")),  # see _check_of()
    PayeeField("account_type", BANK, _("Account type"), text(40)),
    _copied("raast_id", BANK, "Raast ID", numbers.raast_id),
    PayeeField("bank_address", BANK, _("Address of the bank"), text(200)),
    PayeeField("remit_address", BANK, _("Address for cheques"), text(200)),
    PayeeField("charges", BANK, _("Charges"), shaped("OUR|SHA|BEN", "Choose OUR, SHA or BEN.")),
    PayeeField("trn", BANK, "TRN", shaped(r"[0-9]{15}", "A tax registration number has 15 digits.")),
    PayeeField("wallet", WALLET, _("Wallet"), text(60)),
    _copied("business_name", WALLET, _("Business name")),
    _copied("account_title", WALLET, _("Account title")),
    _copied("paybill", WALLET, "Paybill", shaped(r"[0-9]{5,7}", "A paybill has 5 to 7 digits.")),
    _copied("till", WALLET, "Till", shaped(r"[0-9]{5,7}", "A till has 5 to 7 digits.")),
    _copied("number", WALLET, _("Wallet number"), numbers.phone),  # see _check_of()
    PayeeField("account_number", WALLET, _("Account number"), text(60)),  # often in words
    PayeeField("type", WALLET, _("Account type"), text(40)),
    PayeeField("counter_number", WALLET, _("Counter number"), text(20)),
    _copied("vpa", UPI, "UPI ID", numbers.vpa, needed=True),
    _copied("payee_name", UPI, _("Name"), text(99), needed=True),
    PayeeField("mcc", UPI, "MCC", shaped(r"[0-9]{4}", "A merchant category code has four digits.")),
    PayeeField("key_type", PIX, _("Type of key"), numbers.pix_key_type, is_needed=True),
    _copied("key", PIX, _("PIX key"), text(77), needed=True),  # see _check_of()
    _copied("name", PIX, _("Name"), text(25), needed=True),
    PayeeField("city", PIX, _("City"), text(15), is_needed=True),
    PayeeField("location", CASH, _("Place"), text(200), is_needed=True),
    PayeeField("opening_hours", CASH, _("Opening hours")),
    PayeeField("collector", CASH, _("Collected by")),
    PayeeField("receipt_book_prefix", CASH, _("Receipts begin with"), text(10)),
)

NAMES = ("beneficiary", "holder", "title", "name", "account_name", "account_title", "business_name", "payee_name")

# One of each row is needed.
ONE_OF = {
    BANK: (NAMES[:5], ("iban", "account_number", "raast_id", "remit_address")),
    WALLET: (("number", "paybill", "till"),),
}
NEEDS_ACCOUNT_NUMBER = ("routing_number", "sort_code", "ifsc")

WALLET_NUMBERS = {"PK": numbers.pakistani_mobile, "BD": numbers.bangladeshi_mobile}


def fields_of(kind: str) -> list[PayeeField]:
    return [field for field in FIELDS if field.kind == kind]


def clean_payee(
    kind: str, country: str, fields: Mapping[str, Any], *, is_offered: bool = True
) -> tuple[dict[str, str], dict[str, str]]:
    """(fields to keep, errors by key). country: blank for everywhere. is_offered: False allows missing fields."""
    typed = {key: value for key, value in fields.items() if value != ""}
    kept: dict[str, str] = {}
    errors: dict[str, str] = {}
    for key, value in typed.items():
        try:
            kept[key] = _check_of(key, kind, country, typed)(value)
        except ValueError as error:
            errors[key] = str(error)
    if len(typed) > MOST_FIELDS:
        errors.setdefault(next(iter(typed)), "These are too many fields.")
    if is_offered:
        errors = _missing(kind, typed) | errors
    return kept, errors


def payee_lines(kind: str, fields: Mapping[str, str]) -> list[PayeeLine]:
    """In the order of the table; the operator's own come last."""
    known = {field.key: field for field in fields_of(kind)}
    lines = [
        PayeeLine(key, str(field.label), fields[key], field.is_copyable)
        for key, field in known.items()
        if fields.get(key)
    ]
    own = sorted(key for key in fields if key not in known)
    return lines + [PayeeLine(key, key.replace("_", " ").capitalize(), fields[key], True) for key in own]


def payee_name(fields: Mapping[str, str]) -> str:
    return fields.get(payee_name_key(fields), "")


def payee_name_key(fields: Mapping[str, str]) -> str:
    return next((key for key in NAMES if fields.get(key)), NAMES[0])


def payee_warnings(fields: Mapping[str, str]) -> dict[str, str]:
    return {"iban": words} if (words := numbers.iban_warning(fields.get("iban", ""))) else {}


def _missing(kind: str, typed: Mapping[str, Any]) -> dict[str, str]:
    errors = {field.key: "This is needed." for field in fields_of(kind) if field.is_needed}
    labels = {field.key: str(field.label) for field in fields_of(kind)}
    for group in ONE_OF.get(kind, ()):
        if not any(key in typed for key in group):
            words = ", ".join(labels[key] for key in group)
            errors[group[0]] = f"One of these is needed: {words}."
    if any(key in typed for key in NEEDS_ACCOUNT_NUMBER):
        errors["account_number"] = "This is needed."
    return {key: words for key, words in errors.items() if key not in typed}


def _check_of(key: str, kind: str, country: str, typed: Mapping[str, Any]) -> Check:
    field = next((field for field in FIELDS if (field.key, field.kind) == (key, kind)), None)
    check = field.check if field else _own(key)
    if (key, kind) == ("account_number", BANK):
        check = _account_number(country, typed)
    elif (key, kind) == ("number", WALLET):
        check = WALLET_NUMBERS.get(country, numbers.phone)
    elif (key, kind) == ("key", PIX):
        check = numbers.PIX_KEYS.get(str(typed.get("key_type")).strip().lower(), check)
    return lambda value: check(_plain(value))


def _account_number(country: str, typed: Mapping[str, Any]) -> Check:
    if "routing_number" in typed:
        return shaped(r"[0-9]{4,17}", "An account number in the US has 4 to 17 digits.")
    if "sort_code" in typed:
        return shaped(r"[0-9]{8}", "An account number in the UK has 8 digits, zeros in front.")
    if "ifsc" in typed:
        return shaped(r"[0-9]{9,18}", "An account number in India has 9 to 18 digits.")
    if country == "NG":
        return numbers.nuban(str(typed.get("bank_code", "")))
    return shaped(r"[A-Z0-9./]{4,34}", "An account number has 4 to 34 letters and digits.")


def _own(key: str) -> Check:
    if not OWN_KEY.fullmatch(key):
        raise ValueError("Name a field in small letters, digits and underscores.")
    if any(field.key == key for field in FIELDS):
        raise ValueError("This kind of method has no such field.")
    return text(200)


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("Write text.")  # noqa: TRY004 - of the person, not of the program
    return value
