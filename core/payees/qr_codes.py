"""EPC069-12 (SEPA credit transfers; asks for error correction M), NPCI's UPI links, the BR Code of PIX."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

from stdnum import iso11649

from core.money import CEILING, money_text
from core.payees.fields import payee_name, payee_name_key
from core.payees.kinds import Kind
from core.payees.latin import NotLatinError, in_latin

if TYPE_CHECKING:
    from core.models import PaymentMethod

# By the letters of their IBANs.
EEA = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
SEPA = EEA | frozenset("AD AL CH GB GI MC MD ME MK RS SM VA".split())  # noqa: SIM905
LONGEST_EPC = 331  # bytes
PIX_SCHEME = "br.gov.bcb.pix"

Maker = Callable[[Mapping[str, str], Decimal, str], str]


class NoCodeError(ValueError):
    """A code would be wrong or refused; the sentence is for the operator.

    key: of the payee field; blank where it is the amount or the reference.
    """

    def __init__(self, words: str, key: str = "") -> None:
        super().__init__(words)
        self.key = key


def payment_code(method: PaymentMethod, amount: Decimal, currency: str, reference: str) -> str | None:
    """None where there is no such code."""
    make = _maker(method, currency)
    if make is None or not amount.is_finite() or not 0 < amount < CEILING:
        return None
    try:
        code = make(method.fields, amount, reference)
    except NoCodeError:
        return None
    return code if code.isascii() else None  # core/payees/code_drawings.py draws no other


def code_problem(method: PaymentMethod) -> NoCodeError | None:
    """None also for a kind of payment without codes."""
    for make in _makers(method):
        try:
            make(method.fields, Decimal(1), "")
        except NoCodeError as reason:
            return reason
    return None


def has_code(method: PaymentMethod) -> bool:
    return bool(_makers(method)) and code_problem(method) is None


def _makers(method: PaymentMethod) -> list[Maker]:
    return [make for currency in ("EUR", "INR", "BRL") if (make := _maker(method, currency))]


def _maker(method: PaymentMethod, currency: str) -> Maker | None:
    iban = re.sub(r"[ -]", "", method.fields.get("iban", "")).upper()
    makers: dict[tuple[str, str], Maker] = {
        (Kind.UPI, "INR"): upi_link,
        (Kind.PIX, "BRL"): pix_code,
    }
    if iban[:2] in SEPA:
        makers[Kind.BANK_TRANSFER, "EUR"] = epc_code
    return makers.get((method.kind, currency)) if method.currency in ("", currency) else None


def epc_code(fields: Mapping[str, str], amount: Decimal, reference: str) -> str:
    """EPC069-12 version 002.

    A creditor reference (ISO 11649) goes as such, any other as free text. Raises NoCodeError.
    """
    iban = re.sub(r"[ -]", "", fields["iban"]).upper()
    if iban[:2] not in SEPA:
        raise NoCodeError("The account is outside SEPA.", "iban")
    if iban[:2] not in EEA and not fields.get("bic"):
        # Version 002 does without BIC only inside the EEA.
        raise NoCodeError("A code for an account outside the European Economic Area needs the BIC: fill it in.", "bic")
    if not 0 < amount < 10**9:
        raise NoCodeError("A SEPA code carries less than a billion euros.")
    name = epc_name(fields)
    is_structured = reference.isascii() and iso11649.is_valid(reference)
    lines = [
        "BCD",
        "002",
        "1",  # UTF-8
        "SCT",
        fields.get("bic", ""),
        name,
        iban,
        f"EUR{money_text(amount, 'EUR')}",
        "",  # purpose
        iso11649.compact(reference) if is_structured else "",
        "" if is_structured else _note(reference)[:140].strip(),
    ]
    code = "\n".join(lines).rstrip("\n")
    if len(code.encode()) > LONGEST_EPC:
        raise NoCodeError("Payee and reference are too long for one code.")
    return code


def epc_name(fields: Mapping[str, str]) -> str:
    """Raises NoCodeError."""
    if fields.get("latin_name"):
        return _name(fields, "latin_name", 70, "Use Latin letters only.")
    key = payee_name_key(fields)
    country = fields.get("iban", "")[:2].upper()
    return _name(fields, key, 70, 'Fill in "Name in Latin letters", spelled as your bank has it.', country)


def upi_link(fields: Mapping[str, str], amount: Decimal, reference: str) -> str:
    """NPCI's UPI linking specification. Raises NoCodeError without an address and a name.

    Without the merchant category code (`mc`) apps take a merchant for a private person and may decline the amount.
    """
    if not fields.get("vpa") or not payee_name(fields):
        key = "payee_name" if fields.get("vpa") else "vpa"
        raise NoCodeError("A UPI code needs the UPI ID and the name: fill them in.", key)
    parameters = {
        "pa": fields["vpa"],
        "pn": payee_name(fields),
        "mc": fields.get("mcc", ""),
        "am": money_text(amount, "INR"),
        "cu": "INR",
        "tr": _letters_and_digits(reference)[:35],
        "tn": _note(reference)[:50].strip(),
    }
    return "upi://pay?" + "&".join(f"{name}={quote(text, safe='@')}" for name, text in parameters.items() if text)


def pix_code(fields: Mapping[str, str], amount: Decimal | None, reference: str) -> str:
    """A static BR Code; `***` means no reference. Raises NoCodeError."""
    if not fields.get("key") or len(fields["key"]) > 77:
        raise NoCodeError("A PIX code needs a key of at most 77 characters.", "key")
    name = _name(fields, "name", 25, "Write it in Latin letters.")
    city = _name(fields, "city", 15, "Write it in Latin letters.")
    money = "" if amount is None else money_text(amount, "BRL")
    if len(money) > 13:
        raise NoCodeError("A PIX code carries at most 13 characters of money.")
    parts = [
        ("00", "01"),
        ("26", _tlv([("00", PIX_SCHEME), ("01", fields["key"])])),
        ("52", "0000"),
        ("53", "986"),
        ("54", money),
        ("58", "BR"),
        ("59", name),
        ("60", city),
        ("62", _tlv([("05", _letters_and_digits(reference)[:25] or "***")])),
    ]
    code = _tlv(parts) + "6304"
    return f"{code}{crc16(code):04X}"


def crc16(text: str) -> int:
    """CRC-16/CCITT-FALSE: polynomial 1021, begun with FFFF."""
    remainder = 0xFFFF
    for byte in text.encode():
        remainder ^= byte << 8
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x1021 if remainder & 0x8000 else 0)
            remainder &= 0xFFFF
    return remainder


def _name(fields: Mapping[str, str], key: str, longest: int, remedy: str, country: str = "") -> str:
    """Raises NoCodeError."""
    try:
        return in_latin(fields.get(key, ""), country=country)[:longest].strip()
    except NotLatinError as error:
        raise NoCodeError(f"A code cannot carry {fields.get(key) or 'an empty name'}. {error} {remedy}", key) from error


def _note(reference: str) -> str:
    """Raises NoCodeError: a reference that lost a letter would arrive as another one."""
    try:
        return in_latin(reference) if reference.strip() else ""
    except NotLatinError as error:
        raise NoCodeError(f"A code cannot carry the reference {reference}. {error}") from error


def _letters_and_digits(reference: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", _note(reference))


def _tlv(parts: list[tuple[str, str]]) -> str:
    """Number, length in two digits, text; empty parts are left out."""
    return "".join(f"{number}{len(text):02}{text}" for number, text in parts if text)
