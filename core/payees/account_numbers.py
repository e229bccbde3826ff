"""Each function returns the form to keep, or raises ValueError with a sentence for the operator."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from stdnum import bic as stdnum_bic
from stdnum import iban as stdnum_iban
from stdnum.br import cnpj, cpf
from stdnum.iso7064 import mod_97_10
from stdnum.us import rtn

from core.payees.latin import NotLatinError, in_latin, is_latin
from core.validation.text import as_code, is_single_line

Check = Callable[[str], str]

# Countries with IBANs that SWIFT's registry of structures (ISO 13616) lacks. A test fails when python-stdnum learns
# one.
UNREGISTERED = frozenset(
    "AO BF BJ CF CG CI CM CV DZ GA GQ GW IR KM MA MG ML MZ NE SN TD TG".split()  # noqa: SIM905
)


def text(longest: int) -> Check:
    def check(typed: str) -> str:
        kept = " ".join(typed.split())
        if not kept or not is_single_line(kept):
            raise ValueError("Write it on a single line.")
        if len(kept) > longest:
            raise ValueError(f"Use at most {longest} characters.")
        return kept

    return check


def shaped(pattern: str, words: str) -> Check:
    """In capitals and without spaces and dashes."""
    compiled = re.compile(pattern, re.ASCII)

    def check(typed: str) -> str:
        kept = _compact(typed)
        if not compiled.fullmatch(kept):
            raise ValueError(words)
        return kept

    return check


def latin_name(typed: str) -> str:
    """Payment codes carry it without its accents."""
    kept = text(70)(typed)
    try:
        in_latin(kept)
    except NotLatinError as error:
        raise ValueError(f"Use Latin letters. {error}") from error
    if not is_latin(kept):
        raise ValueError("Use Latin letters.")
    return kept


def iban(typed: str) -> str:
    """Check digits, and the structure where it is registered (ISO 13616)."""
    kept = _compact(typed)
    is_valid = _has_check_digits(kept) if kept[:2] in UNREGISTERED else stdnum_iban.is_valid(kept)
    if not is_valid:
        raise ValueError("This is no valid IBAN: compare it with your bank's statement.")
    return kept


def iban_warning(kept: str) -> str:
    if kept[:2] not in UNREGISTERED:
        return ""
    return (
        f"IBANs of {kept[:2]} are in no registry, so only the check digits were tested, and not the length: "
        "compare it with your bank's statement."
    )


def _has_check_digits(number: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", number, re.ASCII)) and mod_97_10.is_valid(
        number[4:] + number[:4]
    )


def bic(typed: str) -> str:
    kept = _compact(typed)
    if not stdnum_bic.is_valid(kept):
        raise ValueError("A BIC has 8 or 11 characters, such as DEUTDEFF.")
    return kept


def routing_number(typed: str) -> str:
    """US: nine digits, the last a check digit (ABA)."""
    kept = _compact(typed)
    if not rtn.is_valid(kept):
        raise ValueError("A routing number has nine digits, and these do not belong together.")
    return kept


def sort_code(typed: str) -> str:
    """UK: 12-34-56."""
    digits = shaped(r"[0-9]{6}", "A sort code has six digits, such as 12-34-56.")(typed)
    return "-".join([digits[:2], digits[2:4], digits[4:]])


def nuban(bank_code: str) -> Check:
    """Nigeria: the last digit can be checked only with a bank code of three digits."""

    def check(typed: str) -> str:
        kept = shaped(r"[0-9]{10}", "A Nigerian account number (NUBAN) has ten digits.")(typed)
        # Central Bank of Nigeria, NUBAN standard: weights 3, 7, 3 over bank code and serial number.
        if re.fullmatch(r"[0-9]{3}", bank_code):
            total = sum(int(digit) * weight for digit, weight in zip(bank_code + kept[:9], (3, 7, 3) * 4, strict=True))
            if (10 - total % 10) % 10 != int(kept[9]):
                raise ValueError("This account number (NUBAN) does not belong to that bank code.")
        return kept

    return check


def vpa(typed: str) -> str:
    """UPI: name@handle."""
    kept = typed.strip()
    if not re.fullmatch(r"[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9.-]{1,63}", kept):
        raise ValueError("A UPI address looks like name@bank.")
    return kept


def phone(typed: str) -> str:
    return shaped(r"\+?[0-9]{6,15}", "A phone number has 6 to 15 digits.")(typed)


def pakistani_mobile(typed: str) -> str:
    kept = re.sub(r"^(\+92|0092)", "0", _compact(typed))
    return shaped(r"03[0-9]{9}", "A Pakistani mobile number looks like 03001234567.")(kept)


def bangladeshi_mobile(typed: str) -> str:
    kept = re.sub(r"^(\+88|0088)", "", _compact(typed))
    return shaped(r"01[0-9]{9}", "A Bangladeshi mobile number looks like 01712345678.")(kept)


def raast_id(typed: str) -> str:
    """A mobile number or an IBAN."""
    return iban(typed) if typed.strip()[:2].upper() == "PK" else pakistani_mobile(typed)


def _pix_cpf(typed: str) -> str:
    if not typed.isascii() or not cpf.is_valid(typed):
        raise ValueError("This is no valid CPF.")
    return cpf.compact(typed)


def _pix_cnpj(typed: str) -> str:
    if not typed.isascii() or not cnpj.is_valid(typed):
        raise ValueError("This is no valid CNPJ.")
    return cnpj.compact(typed)


def _pix_email(typed: str) -> str:
    kept = typed.strip().lower()
    try:
        EmailValidator(allowlist=[])(kept)
    except DjangoValidationError as error:
        raise ValueError("This is no valid e-mail address.") from error
    if len(kept) > 77 or not kept.isascii():
        raise ValueError("A PIX key has at most 77 plain characters.")
    return kept


def _pix_phone(typed: str) -> str:
    kept = re.sub(r"[() ]", "", typed)
    return shaped(r"\+55[0-9]{10,11}", "A PIX phone key looks like +5511987654321.")(kept)


def _pix_evp(typed: str) -> str:
    kept = typed.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", kept):
        raise ValueError("A random PIX key is a UUID.")
    return kept


# In the words of the directory's interface (Banco Central do Brasil).
PIX_KEYS: dict[str, Check] = {
    "cpf": _pix_cpf,
    "cnpj": _pix_cnpj,
    "email": _pix_email,
    "phone": _pix_phone,
    "evp": _pix_evp,
}


def pix_key_type(typed: str) -> str:
    kept = typed.strip().lower()
    if kept not in PIX_KEYS:
        raise ValueError(f"Choose one of {', '.join(PIX_KEYS)}.")
    return kept


def _compact(typed: str) -> str:
    """In capitals, digits as 0 to 9, without what people put between."""
    code = as_code(typed)
    if not code.isascii():
        raise ValueError("Use the letters A to Z and the digits 0 to 9.")
    return re.sub(r"[ -]", "", code).upper()
