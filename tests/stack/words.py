"""Words that a newcomer would have to decode: where they stand, in names, prose and docs."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PHRASES = ("of nobody", "what is none")
WORDS = {
    "house": "installation, or the name of the thing",
    "door": "API, page, entry",
    "doors": "APIs, pages, entries",
    "doorbell": "notification",
    "ring": "notify",
    "rings": "notifies",
    "rung": "notified",
    "leash": "parent process",
    "whoever": "who",
    "anew": "again",
    "debt": "effect",
    "debts": "effects",
    "owe": "schedule",
    "owes": "schedules",
    "owed": "scheduled",
    "wire": "request, message, bytes",
}
# What customers owe, and the transfers they make, are billing's words: not in what knows nothing of money.
MONEY = {"owe", "owes", "owed", "debt", "debts", "wire"}
WITHOUT_MONEY = ("engine/", "tasks/", "stack/", "tests/stack/", "tests/tasks/", "tests/toy/", "docs/engine.md")
# The toy of the engine's tests and of its documentation is a door.
TOY = {"door", "doors"}
WITH_THE_TOY = ("tests/", "engine/__init__.py", "engine/registry.py", "docs/engine.md", "docs/glossary.md")
# What was called what, generated states of tables, and the words themselves.
LEFT_OUT = (
    "CHANGELOG.md",
    "core/migrations/",
    "engine/migrations/",
    "tests/stack/words.py",
    "tests/stack/test_words.py",
)


def found() -> Counter[tuple[str, str]]:
    """(file, word) -> how often."""
    counts: Counter[tuple[str, str]] = Counter()
    for name in _files():
        text = (ROOT / name).read_text()
        plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", text).lower()
        words = Counter(plain.split())
        for word in WORDS:
            if words[word] and not _is_fitting(name, word):
                counts[name, word] += words[word]
        for phrase in PHRASES:
            if times := plain.count(phrase):
                counts[name, phrase] += times
    return counts


def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [name for name in listed if not name.startswith(LEFT_OUT)]


def _is_fitting(name: str, word: str) -> bool:
    if word in MONEY:
        return not name.startswith(WITHOUT_MONEY)
    return word in TOY and name.startswith(WITH_THE_TOY)
