from __future__ import annotations

import gettext

import pytest
from babel import Locale
from babel.messages.mofile import read_mo
from django.conf import settings
from django.utils.translation import ngettext, override

from tests.translations import catalog, paths

COUNTS = (0, 1, 2, 3, 11, 25, 100, 102)
CATEGORIES = ("zero", "one", "two", "few", "many", "other")  # in the order in which CLDR lists them


def form_of(language: str, count: int) -> int:
    """Which of the language's forms CLDR has for that many, counted from 0."""
    rule = Locale.parse(language, sep="-").plural_form
    return [name for name in CATEGORIES if name in rule.tags or name == "other"].index(rule(count))


PLURALS = [
    pytest.param(path.parts[-3], message, id=f"{path.parts[-5]}-{path.parts[-3]}-{message.id[0]}")
    for path in paths()
    for message in catalog(path)
    if message.pluralizable
]


@pytest.mark.parametrize(("language", "message"), PLURALS)
def test_every_plural_message_has_the_form_of_cldr_for_every_count(language, message):
    with override(language):
        said = [ngettext(*message.id, count) for count in COUNTS]

    assert said == [message.string[form_of(language, count)] for count in COUNTS]


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


@pytest.mark.parametrize("path", paths(), ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")
def test_compiled_catalog_counts_as_cldr_up_to_a_thousand(path):
    """Babel's own rule for a new Arabic catalog does not: findings/babel-arabic-plurals.sh."""
    with path.with_suffix(".mo").open("rb") as file:
        choose = gettext.c2py(read_mo(file).plural_expr)

    assert [count for count in range(1001) if choose(count) != form_of(path.parts[-3], count)] == []
