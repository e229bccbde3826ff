"""docs/asvs.md against the list of OWASP ASVS 5.0.0, and against the tests that there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from core.validation.passwords import OUR_WORDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "asvs.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in row.strip("| \n").split(" | "))
    for row in PAGE.splitlines()
    if re.match(r"\| \d+\.\d+\.\d+ \|", row)
]
ANSWER = re.compile(r"(`tests/|written: |n/a: |operator: |open: )\S")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

# The levels of the requirements of each section, in their order: "122" is three, of levels 1, 2 and 2.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
CHAPTERS = [27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7]  # at levels 1 and 2


def asked() -> list[tuple[str, str]]:
    """What the standard asks at levels 1 and 2: id and level."""
    every = [(f"{section}.{n}", level) for section, levels in LEVELS.items() for n, level in enumerate(levels, 1)]
    return [(key, level) for key, level in every if level != "3"]


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_list_is_as_long_as_the_standard():
    every = "".join(LEVELS.values())

    assert [every.count(level) for level in "123"] == [70, 183, 92]
    for number, count in enumerate(CHAPTERS, 1):
        assert sum(key.startswith(f"{number}.") for key, _ in asked()) == count, number


def test_each_requirement_is_on_the_page_once_and_in_order():
    assert [(row[0], row[1]) for row in ROWS] == asked()


def test_each_row_stands_under_its_chapter():
    parts = re.split(r"^## V(\d+) .*$", PAGE, flags=re.MULTILINE)

    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        keys = re.findall(r"^\| (\d+)\.\d+\.\d+ \|", text, re.MULTILINE)
        assert set(keys) == {number}
        assert len(keys) == CHAPTERS[int(number) - 1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_row_has_a_question_of_a_few_words_and_an_answer(row):
    _, _, question, answer = row

    assert 1 <= len(question.split()) <= 10
    assert ANSWER.match(answer), answer
    for file, name in TEST.findall(answer):
        assert name.startswith("test_")
        assert name in names_in(file), f"{file}::{name}"
    assert answer.count("`tests/") == len(TEST.findall(answer))
    assert len(TEST.findall(answer)) <= 2


def test_the_counts_at_the_top_are_right():
    counts = {
        kind: sum(row[3].startswith(create) for row in ROWS)
        for kind, create in {
            "tests": "`tests/", "written": "written: ", "n/a": "n/a: ", "operator": "operator: ", "open": "open: ",
        }.items()
    }  # fmt: skip

    assert f"asks {len(ROWS)} things" in PAGE
    assert f"**{counts['open']} are open**." in PAGE
    assert f"a test ({counts['tests']} rows)" in PAGE
    for kind in ("written", "n/a", "operator"):
        assert f"**{kind}** ({counts[kind]})" in PAGE


def test_words_of_passwords_are_those_of_the_code():
    listed = " ".join(PAGE.partition("### Words\n")[2].partition("###")[0].split())

    assert f"made: {', '.join(OUR_WORDS)}, and the parts" in listed
