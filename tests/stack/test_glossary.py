"""docs/glossary.md stays short, and is found from where a newcomer begins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text()
ENTRIES = dict(re.findall(r"^- \*\*(.+?)\*\*: (.+?)(?=\n- |\n\n|\n?\Z)", PAGE, re.MULTILINE | re.DOTALL))
LONGEST_SENTENCE_IN_WORDS = 30


def test_glossary_has_at_most_25_entries():
    assert 20 <= len(ENTRIES) <= 25
    assert PAGE.count("\n- ") == len(ENTRIES)


@pytest.mark.parametrize("word", ENTRIES)
def test_glossary_entry_is_two_short_sentences(word):
    sentences = re.findall(r"[A-Z][^.]*\.(?=\s|$)", ENTRIES[word])

    assert len(sentences) == 2
    assert " ".join(" ".join(sentences).split()) == " ".join(ENTRIES[word].split())
    assert max(len(sentence.split()) for sentence in sentences) <= LONGEST_SENTENCE_IN_WORDS


@pytest.mark.parametrize("paper", ["README.md", "ARCHITECTURE.md"])
def test_glossary_is_linked(paper):
    assert "](docs/glossary.md)" in (ROOT / paper).read_text()
