"""What a payer writes into the bank's form, with a check character: one wrong sign never names another invoice."""

from __future__ import annotations

import re
import secrets

from stdnum import iso11649
from stdnum.iso7064 import mod_37_36, mod_97_10

from core.validation.text import search_key

# No O I L Q S B Z U, which people read as others. An even number: with an odd one the system of ISO 7064 misses errors.
ALPHABET = "0123456789ACDEFGHJKMNPRTVWXY"
LETTERS = ALPHABET[10:]
LENGTH = 10
CREDITOR_LENGTH = LENGTH + 4  # RF and two digits before it
# The first is a letter, so that no spreadsheet takes it for a number.
FORM = f"^[{LETTERS}][{ALPHABET}]{{{LENGTH - 1}}}$"
LOOK_ALIKES = str.maketrans("OQILZSBU", "0011258V")
RF_OF_OURS = re.compile(rf"RF[0-9]{{2}}(?=[{ALPHABET}]{{{LENGTH}}}$)")


def new_reference() -> str:
    """Random, so that nobody counts to another customer's."""
    payload = secrets.choice(LETTERS) + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 2))
    return payload + mod_37_36.calc_check_digit(payload, ALPHABET)  # the library takes any alphabet: ISO 7064 (29, 28)


def check_reference(text: str) -> bool:
    """Whether it is a reference of ours, however it is typed; whether an invoice has it, only the database knows."""
    reference = normalise(text)
    return re.fullmatch(FORM, reference) is not None and mod_37_36.is_valid(reference, ALPHABET)


def normalise(text: str) -> str:
    """As it would be stored: without blanks and signs, in capitals, look-alikes folded, without a valid RF before it.

    It is not checked: of a text that is no reference something comes out that is none either.
    """
    reference = search_key(text).translate(LOOK_ALIKES)
    if RF_OF_OURS.match(reference) and iso11649.is_valid(reference):
        return reference[4:]
    return reference


def on_paper(reference: str) -> str:
    """In two groups of five, for who reads it off and types it."""
    return f"{reference[:5]} {reference[5:]}"


def as_creditor_reference(reference: str) -> str:
    """The same as a creditor reference (ISO 11649), for banks and methods that take no other."""
    return f"RF{mod_97_10.calc_check_digits(f'{reference}RF')}{reference}"
