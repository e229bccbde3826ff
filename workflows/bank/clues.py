"""What a line says of what it pays: references, invoice numbers, ids of claims, and who paid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.payees.references import ALPHABET, LENGTH, LETTERS, LOOK_ALIKES, check_reference
from core.validation.text import as_code, search_key

RUN = re.compile(r"[^\W_]+")
NUMBER_PREFIX = "INV"
# Our prefix, perhaps broken by signs, and digits; zeros before them may be left out.
NUMBER = re.compile(rf"{NUMBER_PREFIX}0*([1-9][0-9]{{0,11}})")
NUMBER_DIGITS = 6
CLAIM_MIN_LENGTH = 5  # of an id that is looked for in text: shorter ones are found by chance
CLAIM_RUNS = 3  # an id may be written in so many groups
SHAPE = re.compile(rf"[{LETTERS}][{ALPHABET}]{{{LENGTH - 1}}}")


@dataclass(frozen=True, slots=True)
class Clues:
    references: frozenset[str] = frozenset()  # with a right check character
    numbers: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()  # what may be a claim's reference
    payer_account: str = ""
    payer_name: str = ""


def find_clues(
    text: str, *, references: Iterable[str] = (), bank_id: str = "", payer_account: str = "", payer_name: str = ""
) -> Clues:
    """Of one line. A blank or a hyphen may stand anywhere in a reference: banks break lines where they like."""
    runs = [run.upper() for run in RUN.findall(as_code(as_code(text).casefold()))]
    given = [search_key(each) for each in (*references, bank_id)]
    return Clues(
        references=frozenset(_references([*runs, "", *_spaced(given)])),
        numbers=frozenset(_numbers(runs) | {number for each in given for number in _numbers([each])}),
        ids=frozenset(_ids(runs)) | frozenset(each for each in given if len(each) >= CLAIM_MIN_LENGTH),
        payer_account=fold_account(payer_account),
        payer_name=search_key(payer_name)[:200],
    )


def fold_account(number: str) -> str:
    """An IBAN or number as PayerIdentity keeps it."""
    return search_key(number)[:200]


def _spaced(given: list[str]) -> Iterator[str]:
    for each in given:
        yield each
        yield ""  # what stands in two fields is not one word


def _references(runs: list[str]) -> Iterator[str]:
    """Words, and neighbours together, that are as long as a reference; and parts of longer words."""
    folded = [run.translate(LOOK_ALIKES) for run in runs]
    for start, run in enumerate(folded):
        if len(run) > LENGTH:
            yield from filter(_is_reference, (run[at : at + LENGTH] for at in range(len(run) - LENGTH + 1)))
            continue
        word = ""
        for part in folded[start:]:
            if not part or len(word) >= LENGTH:
                break
            word += part
        if len(word) == LENGTH and _is_reference(word):
            yield word


def _is_reference(word: str) -> bool:
    return SHAPE.fullmatch(word) is not None and check_reference(word)


def _numbers(runs: list[str]) -> set[str]:
    """Invoice numbers behind their prefix, with all their zeros.

    A number ends with its word: "INV-1234" is not read out of "INV-123 4", which may be the day.
    """
    found: set[str] = set()
    for place, run in enumerate(runs):
        if NUMBER_PREFIX not in run:
            continue
        following = runs[place + 1] if run.endswith(NUMBER_PREFIX) and place + 1 < len(runs) else ""
        found |= {f"{NUMBER_PREFIX}-{digits.zfill(NUMBER_DIGITS)}" for digits in NUMBER.findall(run + following)}
    return found


def _ids(runs: list[str]) -> Iterator[str]:
    for start in range(len(runs)):
        word = ""
        for run in runs[start : start + CLAIM_RUNS]:
            word += run
            if len(word) >= CLAIM_MIN_LENGTH:
                yield word
