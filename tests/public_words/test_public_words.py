"""What is known outside by its name keeps it: a rename shows as a changed line of words.txt, and is a decision."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest

from tests.public_words.words import page

KNOWN = Path(__file__).with_name("words.txt")


@pytest.mark.django_db
def test_public_words_are_those_of_the_list():
    before, now = KNOWN.read_text().splitlines(), page().splitlines()

    changed = "\n".join(unified_diff(before, now, "words.txt", "the product", lineterm="", n=0))
    assert not changed, f"{changed}\nIf that is meant: python -m stack run python -m tests.public_words"


def test_list_has_words_of_each_kind():
    """An empty part would compare as equal for good."""
    sections = KNOWN.read_text().split("# ")[1:]

    assert len(sections) == 12
    assert all(len(section.strip().splitlines()) > 5 for section in sections)
