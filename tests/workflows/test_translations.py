"""Whether every word is translated and compiled: `stack.messages`, which `make messages` runs."""

from __future__ import annotations

from collections import defaultdict

import pytest

from stack import messages
from stack.messages import Translation, compiled, faults, translations, update


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A room with one template, translated and compiled."""
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    (tmp_path / "room" / "locale").mkdir(parents=True)
    (tmp_path / "room" / "a.html").write_text(
        '{% load i18n %}{% translate "Pay" %}{% blocktranslate %}By {{ day }}{% endblocktranslate %}'
    )
    translation = Translation("room", "ar")
    update(translation)
    fill(translation, {"Pay": "ادفع", "By %(day)s": "حتى %(day)s"})
    assert list(faults(translation)) == []
    return translation


def fill(translation, words):
    text = translation.po.read_text()
    for known, new in words.items():
        start = text.index(f'msgid "{known}"')
        text = text[:start] + text[start:].replace('msgstr ""', f'msgstr "{new}"', 1)
    translation.po.write_text(text)
    translation.mo.write_bytes(compiled(translation.catalog()))


@pytest.mark.parametrize("translation", translations(), ids=lambda it: f"{it.room}-{it.language}")
def test_every_word_is_translated_and_compiled(translation):
    assert list(faults(translation)) == []


def test_rooms_translate_the_same_words_alike():
    """Django merges the catalogs of all rooms: one of two translations would be shown to nobody."""
    said = defaultdict(set)
    for translation in translations():
        for message in translation.catalog():
            if message.id:
                said[translation.language, message.id, message.context].add(message.string)

    assert [key for key, strings in said.items() if len(strings) > 1] == []


def test_the_mails_are_among_them():
    assert Translation("workflows", "ar") in translations()


def test_a_new_word_is_missed(room):
    (room.po.parents[3] / "b.py").write_text('from x import gettext_lazy as _\n\nWORD = _("Later")\n')

    assert list(faults(room)) == ["room/locale/ar/LC_MESSAGES/django.po: not translated: Later"]


def test_an_empty_a_guessed_and_a_wrong_translation_are_found(room):
    text = room.po.read_text()

    for broken, fault in [
        (text.replace("ادفع", ""), "not translated: Pay"),
        (text.replace('msgid "Pay"', '#, fuzzy\nmsgid "Pay"'), "only guessed (fuzzy): Pay"),
        (text.replace("حتى %(day)s", "حتى %(date)s"), "other placeholders than in: By %(day)s"),
    ]:
        room.po.write_text(broken)
        room.mo.write_bytes(compiled(room.catalog()))
        assert [line.partition(".po: ")[2] for line in faults(room)] == [fault]


def test_a_word_that_is_gone_and_a_file_that_is_not_compiled_are_found(room):
    (room.po.parents[3] / "a.html").write_text('{% load i18n %}{% translate "Pay" %}')
    room.mo.write_bytes(b"")

    assert [line.partition(": ")[2] for line in faults(room)] == [
        "nobody wants this any more: By %(day)s",
        "not compiled from its .po as it is: run `make messages`",
    ]


def test_an_update_keeps_what_is_translated_and_says_the_same_twice(room):
    (room.po.parents[3] / "b.py").write_text('gettext("Later")\n')
    update(room)
    first = room.po.read_bytes()
    update(room)

    assert room.po.read_bytes() == first
    assert "ادفع" in first.decode()
    assert list(faults(room)) == ["room/locale/ar/LC_MESSAGES/django.po: not translated: Later"]
