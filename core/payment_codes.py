"""What stands in the QR code beside an invoice: the payee, the amount and the reference, so that nobody types them.

Pure text of three public standards: EPC069-12 (SEPA credit transfers), NPCI's UPI links, the BR Code of PIX. Draw it
with error correction M, which EPC069-12 asks for. Whoever shows the code of a demo method shows the warning with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote

from stdnum import iso11649

from core.models import PaymentMethod
from core.money import CEILING, money_text
from core.payee_fields import payee_name

# The European Payments Council's list of the SEPA scheme's countries, by the letters of their IBANs.
SEPA = (
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE "
    "SI SK SM VA"
)
# Letters that Unicode does not take apart.
LATIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
     "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "\u0131": "i", "\u2013": "-", "\u2019": "'", "&": "+"}
)  # fmt: skip
NOT_SEPA = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")  # what SEPA's Latin character set leaves out
LONGEST_EPC = 331  # bytes
PIX_SCHEME = "br.gov.bcb.pix"


def payment_code(method: PaymentMethod, amount: Decimal, currency: str, reference: str) -> str | None:
    """The text of the code for sending `amount` with `reference` to a method; None where there is no such code."""
    if not amount.is_finite() or not 0 < amount < CEILING or method.currency not in ("", currency):
        return None
    fields = method.fields
    if method.kind == PaymentMethod.Kind.BANK_TRANSFER and currency == "EUR" and "iban" in fields:
        return epc_code(fields, amount, reference)
    if method.kind == PaymentMethod.Kind.UPI and currency == "INR":
        return upi_link(fields, amount, reference)
    if method.kind == PaymentMethod.Kind.PIX and currency == "BRL":
        return pix_code(fields, amount, reference)
    return None


def epc_code(fields: Mapping[str, str], amount: Decimal, reference: str) -> str | None:
    """EPC069-12 version 002. The reference goes as a creditor reference when it is one (ISO 11649), else as free text.

    None for an account outside SEPA, a name without a Latin letter or digit, or an amount of a billion and more.
    """
    iban, name = re.sub(r"[ -]", "", fields["iban"]).upper(), latin(payee_name(fields))[:70].strip()
    if iban[:2] not in SEPA.split() or not name or amount >= 10**9:
        return None
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
        "" if is_structured else latin(reference)[:140].strip(),
    ]
    code = "\n".join(lines).rstrip("\n")
    return code if len(code.encode()) <= LONGEST_EPC else None


def upi_link(fields: Mapping[str, str], amount: Decimal, reference: str) -> str | None:
    """A link of NPCI's UPI linking specification; None without an address and a name.

    Names of other scripts are kept: the link is percent-encoded UTF-8. Without the merchant category code (`mc`)
    payment apps take a merchant for a private person and may decline an amount that is filled in.
    """
    if not fields.get("vpa") or not payee_name(fields):
        return None
    plain = _letters_and_digits(reference)[:35]
    parameters = {
        "pa": fields["vpa"],
        "pn": payee_name(fields),
        "mc": fields.get("mcc", ""),
        "am": money_text(amount, "INR"),
        "cu": "INR",
        "tr": plain,
        "tn": latin(reference)[:50].strip(),
    }
    return "upi://pay?" + "&".join(f"{name}={quote(text, safe='@')}" for name, text in parameters.items() if text)


def pix_code(fields: Mapping[str, str], amount: Decimal | None, reference: str) -> str | None:
    """A static BR Code: the reference, without its signs, is the txid; `***` says that there is none.

    None without a key, a name and a city in Latin letters, or for more than 13 characters of money.
    """
    name, city = latin(fields.get("name", ""))[:25].strip(), latin(fields.get("city", ""))[:15].strip()
    if not fields.get("key") or not name or not city or len(fields["key"]) > 77:
        return None
    money = "" if amount is None else money_text(amount, "BRL")
    if len(money) > 13:
        return None
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


def latin(text: str) -> str:
    """In SEPA's Latin letters: accents are dropped, what has no Latin form is left out."""
    plain = " ".join(unicodedata.normalize("NFKD", text.translate(LATIN)).split())
    return " ".join(NOT_SEPA.sub("", plain).split())


def _letters_and_digits(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", latin(text))


def _tlv(parts: list[tuple[str, str]]) -> str:
    """Each with its number and its length in two digits; what is empty is left out."""
    return "".join(f"{number}{len(text):02}{text}" for number, text in parts if text)
