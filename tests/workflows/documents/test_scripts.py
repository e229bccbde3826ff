"""Which letters can be printed."""

# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

import pytest

from workflows.documents.rendering.fonts import FONTS, advances, code_points
from workflows.documents.rendering.scripts import missing_letters, script_of, unprintable


@pytest.mark.parametrize(
    "text",
    [
        "Ünïcode ğ Łódź Αθήνα Москва Tiếng Việt e\u0301",
        "اردو ٹ پ چ ژ گ ە ڤ",
        "नमस्ते क्ष बेंगलुरु ₹",
        "বাংলাদেশ ৳ ১২",
        "€ £ ₺ ₦ ½ № ™ – “quoted” …",
        "می\u200cخواهم \u2066x\u2069",
    ],
)
def test_letters_of_our_fonts_are_there(text):
    assert missing_letters(text) == []


@pytest.mark.parametrize(
    ("text", "letters", "script"),
    [
        ("株式", ["株", "式"], "Chinese"),
        ("한국 한", ["한", "국"], "Korean"),
        ("ひら", ["ひ", "ら"], "Japanese"),
        ("ไทย", ["ไ", "ท", "ย"], "Thai"),
        ("שלום", ["ש", "ל", "ו", "ם"], "Hebrew"),
        ("தமிழ", ["த", "ம", "ி", "ழ"], "Tamil"),
        ("\ue000", ["\ue000"], ""),
    ],
)
def test_letters_that_no_font_has_are_named_once(text, letters, script):
    assert missing_letters(text) == letters
    assert {script_of(letter) for letter in letters} == {script}


@pytest.mark.parametrize(
    "name", ["株式会社", "㈱アルファ", "ไทย", "שלום", "தமிழ்", "አማርኛ", "\U00031350", "\U0001e4d0", "Ⓜ №1 ™"]
)
def test_names_in_living_scripts_are_never_unprintable(name):
    assert unprintable(name) == []


@pytest.mark.parametrize(
    "character", ["😀", "❤", "★", "⌚", "\ufe0f", "🇩", "\ue000", "\u0378", "\U000e0041", "→", "\ud800"]
)
def test_emoji_private_and_unassigned_characters_are_unprintable(character):
    assert unprintable(f"Alpha {character} Ltd {character}") == [character]


def test_regular_fonts_have_what_the_bold_ones_have():
    for bold in FONTS.glob("*-Bold.ttf"):
        regular = bold.with_name(bold.name.replace("Bold", "Regular"))

        assert code_points(regular.read_bytes()) == code_points(bold.read_bytes()), bold.name


def test_widths_are_those_of_the_bold_fonts():
    found = advances()

    assert [found[ord(letter)] for letter in "0iW "] == [0.572, 0.305, 0.967, 0.26]
    assert ord("ب") in found
    assert ord("क") in found
    assert ord("株") not in found
