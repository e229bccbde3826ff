from __future__ import annotations

import re
from collections import defaultdict
from io import BytesIO

import pytest
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.translations import ROOMS, ROOT, catalog, paths

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
PATHS = pytest.mark.parametrize("path", paths(), ids=lambda path: f"{path.parts[-5]}-{path.parts[-3]}")


def extract(*rooms, to):
    """As `make messages` does."""
    options = ["-F", str(ROOT / "babel.cfg"), "-c", "Translators:", "--add-location=file", "--sort-output"]
    CommandLineInterface().run(["pybabel", "-q", "extract", *options, "-o", str(to), *map(str, rooms)])
    with to.open("rb") as file:
        return {(message.id, message.context) for message in read_po(file) if message.id}


def strings(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


def placeholders(words):
    return set(PLACEHOLDER.findall(words))


@PATHS
def test_catalog_has_exactly_the_messages_of_its_package(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    wanted = extract(*ROOMS[path.parts[-5]], to=tmp_path / "room.pot")

    kept = {(each.id, each.context) for each in catalog(path) if each.id}

    assert (wanted - kept, kept - wanted) == (set(), set())


@PATHS
def test_every_word_is_translated_with_the_same_placeholders(path):
    wrong = []
    for message in catalog(path):
        words = message.id if isinstance(message.id, str) else message.id[0]
        said = strings(message)
        if words and (
            message.fuzzy
            or not all(said)
            or placeholders(said[-1]) != placeholders(words)
            or any(placeholders(each) - placeholders(words) for each in said)
        ):
            wrong.append(words)

    assert wrong == []


@PATHS
def test_catalog_is_compiled_as_it_is(path):
    compiled = BytesIO()
    write_mo(compiled, catalog(path))

    assert path.with_suffix(".mo").read_bytes() == compiled.getvalue()


def test_packages_translate_the_same_message_alike():
    """Django merges the catalogs of all rooms: one of two translations would be shown to nobody."""
    said = defaultdict(set)
    for path in paths():
        for message in catalog(path):
            if message.id:
                said[path.parts[-3], message.id, message.context].add(message.string)

    assert [key for key, strings in said.items() if len(strings) > 1] == []


def test_words_of_code_and_of_django_s_templates_are_found(tmp_path):
    room = tmp_path / "room"
    (room / "templates").mkdir(parents=True)
    (room / "migrations").mkdir()
    (room / "templates" / "a.html").write_text(
        '{% load i18n %}{% translate "Pay" %}{% blocktranslate trimmed %}\n  By {{ day }}\n{% endblocktranslate %}'
        "{% blocktranslate count n=n %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}"
    )
    (room / "b.py").write_text(
        'gettext_lazy("Later")\ngettext_noop("Now")\n'
        'pgettext_lazy("a plan", "Free")\nngettext_lazy("%(n)s a", "%(n)s b", 2)\n'
    )
    (room / "migrations" / "c.py").write_text('_("Old")\n')

    assert extract(room, to=tmp_path / "room.pot") == {
        ("Pay", None),
        ("By %(day)s", None),
        (("%(n)s day", "%(n)s days"), None),
        ("Later", None),
        ("Now", None),
        ("Free", "a plan"),
        (("%(n)s a", "%(n)s b"), None),
    }
