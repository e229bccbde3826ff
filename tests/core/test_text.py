# ruff: noqa: RUF001 - digits, dashes and letters of other scripts are meant

from __future__ import annotations

import sys
import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.payment import Payment, normal_reference
from core.problems import ValidationError
from core.validation.patterns import matches
from core.validation.payment_days import day_error
from core.validation.postal_codes import is_postal_code
from core.validation.proof_links import TYPED_HTTPS, is_plain_https, plain_https
from core.validation.tax_ids import is_tax_id
from core.validation.text import as_code, ascii_digits, check_name, composed, has_visible_character, search_key
from tests.hypothesis_profile import deterministic

KEY_LENGTH = Payment._meta.get_field("reference_key").max_length
LONGEST_REFERENCE = Payment._meta.get_field("reference").max_length
DIGITS = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.decimal(chr(code), None) is not None]


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u200b", "\u3164", "\u115f", "\u2800", "\u00ad", "\u200f", "\ufeff", "\u0301\u0308\u0303", "\u00b4"],
)
def test_text_of_which_nothing_is_seen_is_not_drawn(text):
    assert not has_visible_character(text)


@pytest.mark.parametrize("text", ["a", "\u200bä", "株式会社", "إيصال", "9", "\U0001f4b8", "€", "-", "क\u093f"])
def test_text_with_one_letter_digit_or_symbol_is_drawn(text):
    assert has_visible_character(text)


# U+00AD soft hyphen, U+200B zero width space, U+200F mark, U+2060 word joiner, U+3164 filler, U+FE0F selector, a tag.
@pytest.mark.guards("S25", "core.validation.text.has_no_hidden_characters")
@pytest.mark.parametrize(
    "text",
    [
        "Ac\u200bme",
        "Acme\u200b",
        "Ac\u200cme",
        "Ac\u200dme",
        "Acme\u200f",
        "\u2060Acme",
        "Ac\u00adme",
        "\ufeffAcme",
        "Acme\u3164",
        "Acme\u2800",
        "Acme\ufe0f",
        "Ac\u034fme",
        "Acme\U000e0041",
        "دار\u200cالسلام",  # after a letter that does not join what follows
        "\U0001f468\u200d",
    ],
)
def test_name_with_a_character_that_cannot_be_seen_is_refused(text):
    """S25"""
    with pytest.raises(ValidationError):
        check_name(text, field="name", longest=150)


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian is written so
        "क्\u200dष",  # Indic half forms
        "ක්\u200dරි",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # one family
        "\u2764\ufe0f Care",
        "1\ufe0f\u20e3 Shop",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "葛\U000e0100城",  # a form of a Chinese character, in Japanese names
        "Müller & Söhne",
        "naïve cafe\u0301",
    ],
)
def test_joiners_that_words_are_written_with_are_taken(text):
    check_name(text, field="name", longest=150)


def test_a_decimal_digit_of_every_script_is_folded():
    assert len(DIGITS) > 600
    assert {ascii_digits(digit) for digit in DIGITS} == set("0123456789")
    assert ascii_digits("x²½") == "x²½"


def test_every_dash_and_space_of_a_code_is_folded():
    odd = "".join(chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Pd")

    assert set(as_code(odd)) == {"-"}
    assert as_code("\u200bA\u00a0B\u2009C\u3000") == "A B C"


@given(st.text(max_size=200))
@deterministic
def test_folding_a_code_twice_changes_nothing_more(text):
    assert as_code(as_code(text)) == as_code(text)


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("EG", "١٢٣٤٥"),
        ("DE", "１０１１５"),
        ("DE", "D–10115"),
        ("PL", "00–950"),
        ("JP", "100‐0001"),
        ("JP", "〒100-0001"),
        ("JP", "〒１００ー０００１"),
        ("IN", "११०००१"),
        ("AE", "٠٠٠٠٠"),
    ],
)
def test_postal_code_in_digits_and_dashes_of_the_country_is_taken(country, text):
    assert is_postal_code(country, text)


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("SA", "٣٠٠١٢٣٤٥٦٧٠٠٠٠٣"),
        ("IN", "２７ＡＡＰＦＵ０９３９Ｆ１ＺＶ"),
        ("DE", "DE١٣٦٦٩٥٩٧٦"),
        ("US", "12–3456789"),
        ("PK", "۱۲۳۴۵۶۷"),
        ("KW", "٣٠٠١٢٣"),
    ],
)
def test_tax_id_in_digits_and_dashes_of_the_country_is_taken(country, text):
    assert is_tax_id(country, text)


def test_tax_id_with_a_wrong_check_digit_is_refused_in_every_script():
    assert not is_tax_id("DE", "DE١٣٦٦٩٥٩٧٧")
    assert not is_postal_code("DE", "١٠١١")


def test_mask_takes_digits_of_every_script_and_no_letter_that_grows():
    assert matches("R-#{4}", "r–١٢٣٤")
    assert not matches("@@", "ß")


@pytest.mark.parametrize(
    "text",
    ["TX-9900123", "tx 9900123", "TX‐٩٩٠٠١٢٣", "tx–۹۹۰۰۱۲۳", "ＴＸ９９００１２３", "TX\u200b९९००१२३", "tx_9900123"],
)
def test_one_reference_has_one_key_however_it_is_typed(text):
    assert normal_reference(text) == "TX9900123"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("INV-١٢٣", "inv 123"),
        ("ＩＮＶ－１２３", "INV123"),
        ("cafe\u0301 1", "CAFÉ1"),
        ("\u0130stanbul \u0131", "istanbul I"),  # Turkish dotted and dotless i, in both sizes
        ("Stra\u00dfe", "STRASSE"),
        ("\u212a9", "k9"),  # the sign of Kelvin
    ],
)
def test_search_and_comparison_fold_one_text_in_one_way(first, second):
    assert search_key(first) == search_key(second) == normal_reference(first) == normal_reference(second)


def test_search_keeps_letters_apart_that_have_two_names():
    assert len({search_key(letter) for letter in ("e", "é", "ё", "и", "й", "ı̈", "ñ", "n")}) == 8


@given(st.text(max_size=100))
@deterministic
def test_search_key_of_a_key_is_the_key(text):
    assert search_key(search_key(text)) == search_key(text)


def test_reference_in_ascii_keeps_the_key_that_it_always_had():
    assert normal_reference("Wire 42/b_é") == "WIRE42BÉ"


def test_key_fits_its_column_for_every_character_that_grows():
    grows = [chr(code) for code in range(sys.maxunicode + 1) if len(normal_reference(chr(code))) > 1]

    assert {"\u00df", "\ufdfa"} <= set(grows)
    assert all(len(normal_reference(sign * LONGEST_REFERENCE)) <= KEY_LENGTH for sign in grows)


def test_long_references_that_differ_only_at_the_end_have_two_keys():
    first, second = "\u00df" * 139 + "a", "\u00df" * 139 + "b"

    assert normal_reference(first) != normal_reference(second)
    assert normal_reference(first) == normal_reference(first.replace("\u00df", "ss"))
    assert normal_reference(first).startswith("SSSS")


def test_key_of_a_key_is_the_key():
    for code in range(sys.maxunicode + 1):
        key = normal_reference(chr(code))
        assert normal_reference(key) == key, hex(code)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("https://example.com/r/1?a=b#c", "https://example.com/r/1?a=b#c"),
        ("https://example.com/a%20b", "https://example.com/a%20b"),
        ("HTTPS://Example.com/R", "https://example.com/R"),
        ("https://example.com/إيصال.png", "https://example.com/%D8%A5%D9%8A%D8%B5%D8%A7%D9%84.png"),
        ("https://example.com/e\u0301", "https://example.com/e%CC%81"),
        ("https://example.com/it's", "https://example.com/it%27s"),
        ("https://пример.рф/é", "https://xn--e1afmkfd.xn--p1ai/%C3%A9"),
        ("https://straße.de/", "https://xn--strae-oqa.de/"),
    ],
)
def test_link_in_letters_of_any_script_is_kept_as_a_browser_asks_for_it(typed, plain):
    assert plain_https(typed) == plain


@pytest.mark.parametrize(
    "typed",
    [
        "http://example.com/",
        "https://user@example.com/",
        "https://example.com:444/",
        "https://localhost/",
        "https://good.example\\@evil.example/",
        "https://exa℀mple.com/",
        "https://example.com/a b",
        f"https://{'ü' * 62}.com/",
        "https://\u200bexample.com/",
        "javascript:alert(1)",
        "https://example.com/<script>",
        "https://example.com/\ud800",
    ],
)
def test_link_that_is_no_plain_https_is_refused(typed):
    with pytest.raises(ValueError, match=r".*"):
        plain_https(typed)


@given(st.from_regex(TYPED_HTTPS, fullmatch=True) | st.text().map(lambda text: f"https://{text}"))
@deterministic
def test_normalized_link_is_plain_https(typed):
    try:
        plain = plain_https(typed)
    except ValueError:
        return

    assert is_plain_https(plain)
    assert plain_https(plain) == plain


NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
EVENING = datetime(2026, 11, 27, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "now"),
    [
        (None, NOW),
        (date(2026, 11, 27), NOW),
        (date(2026, 11, 28), NOW),
        (date(2026, 11, 29), EVENING),  # tomorrow in Kiribati
        (date(2016, 1, 1), NOW),
    ],
)
def test_day_on_which_money_may_have_moved_is_taken(day, now):
    assert day_error(day, now) == ""


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 29), "not come yet"),
        (date(2999, 1, 1), "not come yet"),
        (date(9999, 12, 31), "not come yet"),
        (date(2015, 12, 31), "too long ago"),
        (date(1, 1, 1), "too long ago"),
    ],
)
def test_day_ahead_or_of_another_age_is_refused(day, words):
    assert words in day_error(day, NOW)


def test_composed_text_may_be_longer_than_it_was_typed():
    assert len(composed("\u0958" * 75)) == 150
