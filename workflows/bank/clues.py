"""What a line says of what it pays: references, invoice numbers, ids of claims, and who paid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.payees.references import ALPHABET, LENGTH, LETTERS, LOOK_ALIKES, check_reference
from core.validation.number_templates import INVOICE_TEMPLATES, has_year, number_text, prefix_of
from core.validation.text import as_code, search_key

RUN = re.compile(r"[^\W_]+")
COUNT_DIGITS = 3  # a count in a word of its own has as many at least: a shorter one may be a day
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
    text: str,
    *,
    references: Iterable[str] = (),
    bank_id: str = "",
    payer_account: str = "",
    payer_name: str = "",
    templates: Iterable[str] = INVOICE_TEMPLATES,
) -> Clues:
    """Of one line. A blank or a hyphen may stand anywhere in a reference: banks break lines where they like.

    templates: by which invoices were ever numbered.
    """
    forms = sorted(map(_form, templates), key=lambda form: not has_year(form.template))
    runs = [run.upper() for run in RUN.findall(as_code(as_code(text).casefold()))]
    given = [search_key(each) for each in (*references, bank_id)]
    return Clues(
        references=frozenset(_references([*runs, "", *_spaced(given)])),
        numbers=frozenset(_numbers(runs, forms) | {number for each in given for number in _numbers([each], forms)}),
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


@dataclass(frozen=True)
class _Form:
    """How a template's numbers look in text: the prefix, perhaps a year, and the count without its zeros."""

    template: str
    prefix: str
    pattern: re.Pattern[str]
    year: re.Pattern[str]  # the end of a word that has no count


@lru_cache(maxsize=64)
def _form(template: str) -> _Form:
    prefix = prefix_of(template)
    year = "(20[0-9]{2})" if has_year(template) else "()"
    return _Form(
        template, prefix, re.compile(rf"{prefix}{year}0*([1-9][0-9]{{0,11}})"), re.compile(rf"{prefix}20[0-9]{{2}}$")
    )


def _numbers(runs: list[str], forms: Sequence[_Form]) -> set[str]:
    """Invoice numbers behind their prefix, with all their zeros.

    A number ends with its word: "INV-1234" is not read out of "INV-123 4", which may be the day.
    """
    found: set[str] = set()
    for place, run in enumerate(runs):
        read: dict[str, set[str]] = {}  # by prefix: a count behind a year is not read as one without
        for form in forms:
            if form.prefix in run and not read.get(form.prefix):
                read[form.prefix] = set(_read(form, run, runs[place + 1 : place + 3]))
        found |= set().union(*read.values())
    return found


def _read(form: _Form, run: str, following: list[str]) -> Iterator[str]:
    word, rest = run, [*following, "", ""]
    if word.endswith(form.prefix):
        word += rest.pop(0)
    if has_year(form.template) and form.year.search(word) and _is_count(rest[0]):
        word += rest[0]
    for year, count in form.pattern.findall(word):
        yield number_text(form.template, year=int(year or 0), number=int(count))


def _is_count(word: str) -> bool:
    return word.isdigit() and len(word) >= COUNT_DIGITS


def _ids(runs: list[str]) -> Iterator[str]:
    for start in range(len(runs)):
        word = ""
        for run in runs[start : start + CLAIM_RUNS]:
            word += run
            if len(word) >= CLAIM_MIN_LENGTH:
                yield word
