from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payees.references import ALPHABET, new_reference, on_paper
from tests.hypothesis_profile import deterministic
from workflows.bank.clues import find_clues

REFERENCE = new_reference()
LETTERS = st.text("abcdefghijklmnop .,-/", max_size=30)


@pytest.mark.parametrize(
    "text",
    [
        "{0}",
        "Rechnung {0} danke",
        "{1}",
        "ref:{2}/2026",
        "EREF+{0}SVWZ+thanks",
        "{3}",
        "paid\n{4}\nthanks",
    ],
)
def test_reference_is_found_however_it_is_written(text):
    split = f"{REFERENCE[:3]} {REFERENCE[3:]}"
    broken = f"{REFERENCE[:7]}\n{REFERENCE[7:]}"
    written = text.format(REFERENCE, on_paper(REFERENCE), REFERENCE.lower(), split, broken)

    assert REFERENCE in find_clues(written).references


def test_look_alikes_are_read_as_what_they_stand_for():
    reference = next(one for one in iter(new_reference, "") if "0" in one and "1" in one)

    assert reference in find_clues(reference.replace("0", "O").replace("1", "I")).references


@deterministic
@given(st.integers(0, 9), st.sampled_from(ALPHABET))
def test_reference_with_one_wrong_sign_is_none(place, sign):
    wrong = REFERENCE[:place] + sign + REFERENCE[place + 1 :]

    assert (wrong == REFERENCE) == bool(find_clues(wrong).references)


@deterministic
@given(before=LETTERS, after=LETTERS)
def test_reference_is_found_among_any_words(before, after):
    assert REFERENCE in find_clues(f"{before} {REFERENCE} {after}").references


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("INV-000123", {"INV-000123"}),
        ("inv 123", {"INV-000123"}),
        ("INV000123", {"INV-000123"}),
        ("Invoice INV-100123 INV-100456", {"INV-100123", "INV-100456"}),
        ("INV-100123INV-100456", {"INV-100123", "INV-100456"}),
        ("INV-1234567", {"INV-1234567"}),
        ("INV-000123 4 March", {"INV-000123"}),
        ("INV-١٢٣", {"INV-000123"}),
        ("000123", set()),
        ("INV", set()),
        ("INV-0", set()),
    ],
)
def test_invoice_number_is_found_behind_its_prefix(text, numbers):
    assert find_clues(text).numbers == numbers


def test_claim_id_is_a_whole_word_or_neighbours_and_never_a_part():
    clues = find_clues("UTR 4123 5678 9012, thanks", references=["AB-12345"], bank_id="X1234567")

    assert {"412356789012", "AB12345", "X1234567"} <= clues.ids
    assert "35678" not in clues.ids


def test_payers_in_any_script_are_told_apart():
    first, second = find_clues("", payer_name="شركة الأمل"), find_clues("", payer_name="شركة النور")

    assert first.payer_name
    assert first.payer_name != second.payer_name
