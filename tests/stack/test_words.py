"""No word that has to be decoded: names and prose are those of a textbook (CONTRIBUTING, docs/glossary.md)."""

from __future__ import annotations

from pathlib import Path

from tests.stack.words import found

LEFT = Path(__file__).with_name("words_left.txt")


def test_banned_words_stand_only_where_the_list_says():
    """The list only shrinks: a line that is no longer needed has to go."""
    left = {tuple(line.split("\t")[:2]): int(line.split("\t")[2]) for line in LEFT.read_text().splitlines()}
    now = found()

    more = {place: times for place, times in now.items() if times > left.get(place, 0)}
    assert not more, "say it as a textbook would: see WORDS in tests/stack/words.py"
    fewer = {place: now[place] for place, times in left.items() if now[place] < times}
    assert not fewer, "shorten tests/stack/words_left.txt"


def test_what_is_looked_for_is_found():
    now = found()

    assert ("tests/stack/words.py", "house") not in now
    assert all(times > 0 for times in now.values())
