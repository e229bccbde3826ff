"""Texts as the template takes them."""

# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

import pytest

from workflows.documents.rendering.texts import clean, runs

ZWSP = "\u200b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \t b\nc\x00d ", "a b c d"),
        ("a\u202eb\u2066c\u2069\u200e\u061cd", "abcd"),
        ("soft\u00adware \ufeff❤\ufe0f", "software ❤"),
        ("1\u00a0000\u202f000", "1\u00a0000\u202f000"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_text_is_one_line_of_what_is_printed(text, expected):
    assert clean(text) == expected


def test_only_a_word_that_is_too_wide_may_break():
    made = clean("short " + "W" * 30, width=10)

    assert made.startswith("short W")
    assert made.replace(ZWSP, "") == "short " + "W" * 30
    assert max(map(len, made.partition(" ")[2].split(ZWSP))) <= 10


def test_letters_that_are_drawn_as_one_do_not_break():
    assert not any(part.startswith(("\u094d", "\u0937")) for part in clean("क्ष" * 30, width=5).split(ZWSP))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("الرياض", "الرياض"),
        ("2026", "2026"),
        ("3 مايو 2026", "3 مايو 2026"),
        ("INV-2026-000001", [("ltr", "INV-2026-000001")]),
        ("+971 4 123", [("ltr", "+971 4 123")]),
        ("-16.56 AED", [("ltr", "-16.56 AED")]),
        ("5 %", [("ltr", "5 %")]),
        ("من 2026-05-01 إلى الآن", [("rtl", "من "), ("ltr", "2026-05-01"), ("rtl", " إلى الآن")]),
        ("شركة Müller & Söhne (Berlin) دبي", [("rtl", "شركة "), ("ltr", "Müller & Söhne (Berlin)"), ("rtl", " دبي")]),
        ("(Alpha Ltd) شركة", [("rtl", "("), ("ltr", "Alpha Ltd"), ("rtl", ") شركة")]),
    ],
)
def test_in_a_text_from_right_to_left_numbers_and_foreign_names_are_runs_of_their_own(text, expected):
    assert runs(text, "rtl") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alpha شركة", "Alpha شركة"),
        ("INV-1", "INV-1"),
        ("شركة النور (فرع 2)", [("rtl", "شركة النور (فرع 2)")]),
        ("22 شارع النور", [("rtl", "22 شارع النور")]),
    ],
)
def test_in_a_text_from_left_to_right_a_name_from_right_to_left_is_a_run(text, expected):
    assert runs(text, "ltr") == expected
