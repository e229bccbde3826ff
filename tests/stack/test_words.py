"""Names and prose use the words of a textbook (CONTRIBUTING, docs/glossary.md)."""

from __future__ import annotations

from tests.stack import words


def test_no_banned_word_stands_anywhere():
    assert words.found() == {}, "say it in plain words: WORDS in tests/stack/words.py has one for each"


def test_banned_word_in_a_name_or_a_sentence_is_found(tmp_path, monkeypatch):
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "new.py").write_text("class OpenHouse:\n    rings_of = 1  # of nobody, ringing\n")
    (tmp_path / "billing.py").write_text("owed = 'by wire'")
    monkeypatch.setattr(words, "ROOT", tmp_path)
    monkeypatch.setattr(words, "_files", lambda: ["engine/new.py", "billing.py"])

    assert words.found() == {
        ("engine/new.py", "house"): 1,
        ("engine/new.py", "rings"): 1,
        ("engine/new.py", "of nobody"): 1,
    }
