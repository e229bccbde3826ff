"""`python -m tests.threats` writes docs/threats.md; with --take-away it runs each marked test without its guard."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator

from tests.threats.marks import ROOT, Marked, marked
from tests.threats.model import ACTORS, ASSETS, THREATS
from tests.threats.without import is_file

PAGE = ROOT / "docs" / "threats.md"
HEAD = """# Threats

What is worth attacking, who may try, what they could try, what stands in the way, and the test that is red without it.
This page is written by `make threats` from `tests/threats/model.py` and the marks of the tests; `make test` fails when
it is stale. `make guards` takes each guard away in turn and runs its tests: they have to fail.
"""


def page() -> str:
    by_threat = defaultdict(list)
    for mark in marked():
        by_threat[mark.threat].append(mark)
    return "\n".join([HEAD, *_list("Assets", ASSETS), *_list("Actors", ACTORS), *_table(by_threat)]) + "\n"


def _list(title: str, words: dict[str, str]) -> Iterator[str]:
    yield f"## {title}\n"
    yield from (f"- **{name}**: {meaning}" for name, meaning in words.items())
    yield ""


def _table(by_threat: dict[str, list[Marked]]) -> Iterator[str]:
    yield "## What they could try\n"
    yield "| | who | could try | asset | guard | test |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for key, threat in THREATS.items():
        marks = by_threat[key]
        guards = "<br>".join(f"`{name}`" for name in dict.fromkeys(mark.guard for mark in marks))
        tests = "<br>".join(f"`{name}`" for name in dict.fromkeys(mark.test for mark in marks))
        yield f"| {key} | {threat.actor} | {threat.tries} | {threat.asset} | {guards or threat.answer} | {tests} |"


def take_away(only: list[str]) -> int:
    """One process of pytest for each guard; how many were not missed."""
    tests = defaultdict(list)
    for mark in marked():
        tests[mark.guard].append(mark.test)
    unseen = 0
    for guard, named in tests.items():
        if is_file(guard) or (only and guard not in only):
            continue
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.threats.without", "--without", guard, *named]
        run = subprocess.run(
            [*command, "-m", "faults or not faults"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        last = run.stdout.strip().splitlines()[-1:] or [run.stderr[-200:]]
        is_seen = run.returncode == 1 and "failed" in last[0]
        unseen += not is_seen
        colour = "red  " if is_seen else "GREEN"
        sys.stdout.write(f"{colour} without {guard}: {last[0]}\n")
        sys.stdout.flush()
    return unseen


if __name__ == "__main__":
    if "--take-away" in sys.argv:
        sys.exit(min(1, take_away([name for name in sys.argv[1:] if not name.startswith("-")])))
    PAGE.write_text(page())
