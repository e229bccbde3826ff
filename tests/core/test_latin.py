# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payees.latin import NotLatinError, in_latin, is_latin
from tests.hypothesis_profile import deterministic


@pytest.mark.parametrize(
    ("country", "name", "latin"),
    [
        ("GR", "Ο.Ε.", "O.E."),
        ("GR", "ΕΛΑΪΚΑ ΚΡΗΤΗΣ Α.Ε.", "ELAIKA KRITIS A.E."),
        ("CY", "Ψυχάρης & Υιοί Ι.Κ.Ε.", "Psycharis + Yioi I.K.E."),
        ("GR", "ΨΥΧΑΡΗΣ", "PSYCHARIS"),
        ("BG", "Щастие ООД", "Shtastie OOD"),
        ("BG", "България Къща ЕООД", "Balgariya Kashta EOOD"),
        ("BG", "СОФТ Systems", "SOFT Systems"),
        ("BG", "„Технолоджи 2000“ АД", "Tehnolodzhi 2000 AD"),
        ("BG", "Кольо Ъгълов", "Kolyo Agalov"),
        ("BG", unicodedata.normalize("NFD", "Йордан"), "Yordan"),
        ("MT", "Ħal Għargħur Ltd", "Hal Gharghur Ltd"),
        ("DE", "Größe & Söhne", "Grosse + Sohne"),
        ("PL", "Łódź", "Lodz"),
        ("IS", "Þór Ægisson", "Thor Aegisson"),
        ("HR", "Đorđe", "Dorde"),
        ("IE", "9½ Ltd", "9 1/2 Ltd"),
        ("IE", "½5", "1/2 5"),
        ("IE", "9²", "9 2"),
        ("AT", "m² Bau", "m2 Bau"),
        ("FR", "Café №5", "Cafe No5"),
        ("FR", "L’Été – “Nice”", "L'Ete - Nice"),
        ("ES", "Acme™ S.L. ®", "Acme S.L."),
        ("IE", "Ｆｕｌｌ　１", "Full 1"),
        ("IE", "\u202eAcme\u200d", "Acme"),
        ("IE", "1984", "1984"),
    ],
)
def test_a_name_that_has_a_latin_form_keeps_every_letter_and_digit(country, name, latin):
    assert in_latin(name, country=country) == latin


@pytest.mark.parametrize(
    ("country", "name"),
    [
        ("DE", "СОФТ Systems"),  # the Latin word alone would be another company
        ("DE", "Технолоджи 2000"),
        ("RS", "Ђорђе д.о.о."),
        ("BG", "Ивы ООД"),  # no Bulgarian letter
        ("", "ร้านดี จำกัด"),
        ("", "شركة المثال"),
        ("", "株式会社サンプル"),
        ("", "上海贸易有限公司 2000"),
        ("", "€uro Shop"),
        ("", "\ue000 Ltd"),
        ("", ".."),
        ("", "-"),
        ("", "  "),
        ("", ""),
    ],
)
def test_a_name_without_an_agreed_latin_form_is_refused_whole(country, name):
    with pytest.raises(NotLatinError):
        in_latin(name, country=country)


@pytest.mark.parametrize(
    ("country", "letters", "table"),
    [
        ("GR", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", "A V G D E Z I TH I K L M N X O P R S T Y F CH PS O"),
        (
            "BG",
            "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЬЮЯ",
            "A B V G D E ZH Z I Y K L M N O P R S T U F H TS CH SH SHT A Y YU YA",
        ),
    ],
)
def test_every_letter_is_written_as_in_the_sepa_conversion_table(country, letters, table):
    assert [in_latin(letter, country=country).upper() for letter in letters] == table.split()
    assert in_latin(letters, country=country) == table.replace(" ", "")


@deterministic
@given(st.text(max_size=40), st.sampled_from(["BG", "GR", "DE"]))
def test_latin_form_is_stable_and_no_shorter_for_any_text(text, country):
    try:
        latin = in_latin(text, country=country)
    except NotLatinError:
        return

    letters = [char for char in unicodedata.normalize("NFC", text) if char.isalnum()]
    assert sum(char.isalnum() or char == "'" for char in latin) >= len(letters)
    assert set(latin) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/?:().,'+- ")
    assert in_latin(latin) == latin


@pytest.mark.parametrize(
    ("text", "is_so"),
    [("Łódź & Söhne 9½", True), ("Acme", True), ("Аcme", False), ("Ο.Ε.", False), ("", True)],
)
def test_latin_letters_are_told_from_those_that_look_alike(text, is_so):
    assert is_latin(text) is is_so
