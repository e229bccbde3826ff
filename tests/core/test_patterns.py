from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.validation.patterns import example, matches, parse
from tests.hypothesis_profile import deterministic


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ("#{12}", "412345678901"),
        ("R-#{4,8}", "r 12345"),
        ("@*{9}", "QAB1CD2EF3"),
        ("E#{20}*{11}", "E" + "1" * 20 + "abcdefghijk"),
        ("#{15} | *{22}", "2026112300ABCDEF123456"),
        ("@#@ #@#", "k1a0b6"),
        ("*{1,5}#", "12345"),
        ("A:B", "a:b"),
        ("#{0,2}", ""),
    ],
)
def test_a_number_fits_its_mask(mask, text):
    assert matches(mask, text)


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        ("#{12}", "41234567890"),
        ("#{12}", "4123456789012"),
        ("#{12}", "41234567890x"),
        ("R-#{4,8}", "R-123"),
        ("R-#{4,8}", "S-1234"),
        ("@#@ #@#", "K1A0BB"),
        ("@@", "ß"),
        ("#", ""),
    ],
)
def test_another_number_does_not(mask, text):
    assert not matches(mask, text)


@pytest.mark.parametrize(
    "mask", ["", "|", "# |", "{4}", "R{4}", "#{0}", "#{8,4}", "#{141}", "#{4", "#}", "(#)", "[0-9]", "é", "#{4}{4}"]
)
def test_a_mask_that_cannot_be_read_is_refused(mask):
    with pytest.raises(ValueError, match=r"cannot stand there|count up|is empty"):
        parse(mask)


def test_no_mask_makes_anybody_wait():
    hopeless = "*{1,140}" * 12 + "/"

    began = time.perf_counter()
    assert not matches(hopeless, "A" * 140)

    assert time.perf_counter() - began < 1


@deterministic
@given(st.text("#@*{},|0123456789AR-. (", max_size=40), st.text(max_size=30))
def test_any_mask_is_read_or_refused(mask, text):
    try:
        parse(mask)
    except ValueError:
        return

    assert matches(mask, text) in {True, False}
    assert matches(mask, example(mask))
