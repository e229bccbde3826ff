from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "edge-cases.md").read_text()
ROWS = [row for row in PAGE.splitlines() if row.startswith("| ") and not row.startswith("| case")]
DEFINED = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
}


def test_every_case_has_a_behaviour_and_a_test_that_exists():
    for row in ROWS:
        case, behaviour, test = (cell.strip() for cell in row.strip("|").split(" | "))
        assert case
        assert behaviour
        assert test.strip("`") in DEFINED, row


def test_every_test_of_an_edge_case_is_on_the_page():
    for name in ("test_edge_cases.py", "test_races.py"):
        source = (ROOT / "tests" / "workflows" / name).read_text()
        missing = [test for test in re.findall(r"^def (test_\w+)", source, re.MULTILINE) if test not in PAGE]
        assert missing == [], name
