"""Drawn QR codes, read again by another program."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payees.code_drawings import drawn_code
from tests.core.qr_reader import read

CODES = {
    "EPC": "BCD\n002\n1\nSCT\nDEUTDEFFXXX\nExample Demo GmbH\nDE89370400440532013000\nEUR266.56\n\n\nK2M7X4R907",
    "longest EPC": "BCD\n002\n1\nSCT\n" + "N" * 316,
    "UPI": "upi://pay?pa=demo@examplepsp&pn=Example%20Demo%20Pvt%20Ltd&am=7900.00&cu=INR&tr=K2M7X4R907&tn=K2M7X4R907",
    "PIX": "00020126330014br.gov.bcb.pix0110pix@demo.t52040000530398654040.015802BR5904DEMO6004DEMO62070503***6304A7B2",
    "numbers": "0123456789" * 9,
    "letters": "ABC-123 $%*+./:" * 5,
}


@pytest.mark.parametrize("text", CODES.values(), ids=CODES)
def test_another_program_reads_what_is_drawn(text):
    found = read(drawn_code(text))

    assert found.content == text.encode()
    assert found.level == "M"


@given(st.text(st.characters(min_codepoint=1, max_codepoint=127), min_size=1, max_size=300))
def test_any_ascii_text_is_read_as_it_was(text):
    assert read(drawn_code(text)).content == text.encode()


@pytest.mark.parametrize("text", ["Zürich", "Łódź", "株式会社", "€"])
def test_text_that_needs_another_character_set_is_not_drawn(text):
    with pytest.raises(ValueError, match="ASCII"):
        drawn_code(text)


def test_longest_sepa_code_is_no_larger_than_the_scheme_allows():
    assert read(drawn_code(CODES["longest EPC"])).version <= 13


def test_picture_has_one_path_and_nothing_that_a_strict_policy_refuses():
    picture = ET.fromstring(drawn_code(CODES["EPC"]))

    [path] = list(picture)
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert set(picture.attrib) == {"viewBox"}
    assert path.tag == "{http://www.w3.org/2000/svg}path"
    assert set(path.attrib) == {"stroke", "d"}
