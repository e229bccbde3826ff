"""Which form of a word stands beside a number: the compiled catalogs against CLDR's plural categories."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel import Locale
from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils.translation import ngettext, override

from stack import messages
from stack.messages import Translation, compiled, faults, plural_forms, translations, update

COUNTS = (0, 1, 2, 3, 11, 25, 100, 102)
CATEGORIES = ("zero", "one", "two", "few", "many", "other")  # in the order in which CLDR lists them
BABELS = (
    "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=0 && n%100<=2 ? 4 : 5);"
)


def form_of(language: str, count: int) -> int:
    """Which of the language's forms CLDR has for that many, counted from 0."""
    rule = Locale.parse(language, sep="-").plural_form
    return [name for name in CATEGORIES if name in rule.tags or name == "other"].index(rule(count))


PLURALS = [
    pytest.param(translation, message, id=f"{translation.room}-{translation.language}-{message.id[0]}")
    for translation in translations()
    for message in translation.catalog()
    if message.pluralizable
]


@pytest.mark.parametrize(("translation", "message"), PLURALS)
def test_every_plural_message_has_the_form_of_cldr_for_every_count(translation, message):
    with override(translation.language):
        said = [ngettext(*message.id, count) for count in COUNTS]

    assert said == [message.string[form_of(translation.language, count)] for count in COUNTS]


@pytest.mark.parametrize(
    "message", {param.values[1].id: param.values[1] for param in PLURALS}.values(), ids=lambda it: it.id[0]
)
def test_every_plural_message_has_the_form_of_cldr_in_the_language_of_the_code(message):
    with override(settings.LANGUAGE_CODE):
        said = [ngettext(*message.id, count) for count in COUNTS]

    assert said == [message.id[form_of(settings.LANGUAGE_CODE, count)] for count in COUNTS]


def test_there_are_plural_messages_to_ask():
    assert len(PLURALS) >= 6


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "%(people)s شخص"),
        (1, "شخص واحد (%(people)s)"),
        (2, "شخصان (%(people)s)"),
        (3, "%(people)s أشخاص"),
        (11, "%(people)s شخصًا"),
        (25, "%(people)s شخصًا"),
        (100, "%(people)s شخص"),
        (102, "%(people)s شخص"),
    ],
)
def test_arabic_people_are_counted_as_in_arabic(count, words):
    with override("ar"):
        assert ngettext("%(people)s person", "%(people)s people", count) == words


@pytest.mark.parametrize("translation", translations(), ids=lambda it: f"{it.room}-{it.language}")
def test_every_compiled_catalog_says_by_which_rule_it_counts(translation):
    with translation.mo.open("rb") as file:
        assert read_mo(file).plural_forms.replace(" ", "") == plural_forms(translation.language).replace(" ", "")


@pytest.mark.parametrize("language", sorted({translation.language for translation in translations()}))
def test_the_rule_that_is_written_is_cldr_s_for_every_count_up_to_a_thousand(language):
    catalog = messages.Catalog(locale=language)
    catalog.mime_headers = [("Plural-Forms", plural_forms(language))]
    choose = messages.gettext.c2py(catalog.plural_expr)

    assert [count for count in range(1001) if choose(count) != form_of(language, count)] == []


def test_a_language_without_a_known_rule_is_not_counted_by_a_guess():
    with pytest.raises(OSError, match="No translation file"):
        plural_forms("tlh")


@pytest.fixture
def counted(tmp_path, monkeypatch) -> Translation:
    """A room with one plural message, translated into Arabic and compiled."""
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    (tmp_path / "room" / "locale").mkdir(parents=True)
    (tmp_path / "room" / "a.py").write_text('ngettext("%(n)s day", "%(n)s days", 2)\n')
    translation = Translation("room", "ar")
    update(translation)
    text = translation.po.read_text()
    for form in range(6):
        text = text.replace(f'msgstr[{form}] ""', f'msgstr[{form}] "%(n)s {form}"')
    write(translation.po, text)
    assert list(faults(translation)) == []
    return translation


def write(po: Path, text: str) -> None:
    po.write_text(text)
    translation = Translation("room", "ar")
    translation.mo.write_bytes(compiled(translation.catalog()))


def test_a_new_catalog_is_begun_with_the_rule_of_cldr(counted):
    assert counted.catalog().plural_forms.startswith("nplurals=6;")
    assert messages.gettext.c2py(counted.catalog().plural_expr)(25) == 4
    assert messages.gettext.c2py(counted.catalog().plural_expr)(100) == 5


def test_a_catalog_with_another_rule_is_a_fault_and_an_update_mends_it(counted):
    start, end = (counted.po.read_text().index(edge) for edge in ('"Plural-Forms', '"MIME-Version'))
    text = counted.po.read_text()
    write(counted.po, f'{text[:start]}"Plural-Forms: {BABELS}\\n"\n{text[end:]}')

    found = [line.partition(": ")[2] for line in faults(counted)]
    update(counted)

    assert found == ["Plural-Forms is not that of CLDR: run `make messages`"]
    assert list(faults(counted)) == []


@pytest.mark.parametrize(
    ("known", "broken", "fault"),
    [
        ('msgstr[5] "%(n)s 5"\n', "", "not translated: %(n)s day"),
        ('"%(n)s 3"', '"%(days)s 3"', "other placeholders than in: %(n)s day"),
        ('"%(n)s 5"', '"5"', "other placeholders than in: %(n)s day"),
    ],
)
def test_a_form_that_is_missing_or_asks_for_another_value_is_a_fault(counted, known, broken, fault):
    text = counted.po.read_text()
    assert known in text

    write(counted.po, text.replace(known, broken))

    assert [line.partition(".po: ")[2] for line in faults(counted)] == [fault]
