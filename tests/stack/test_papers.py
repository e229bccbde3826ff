"""What the papers say of other files is so: links, targets of make, dependencies."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("[!.]*/README.md")])
NOTES = ROOT / "deploy" / "helm" / "countersign" / "templates" / "NOTES.txt"
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = {target for line in re.findall(r"^([a-z ]+):", MAKEFILE, re.MULTILINE) for target in line.split()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = (ROOT / "docs" / "dependencies.md").read_text()
ROOMS = ("tests", "examples", "benchmarks", "stack")  # that may lean on the extra `dev`
EXTRAS = PROJECT["optional-dependencies"]
# What a plug-in of pytest is asked for by, where it is never imported.
PLUGINS = {"pytest-django": "DJANGO_SETTINGS_MODULE =", "pytest-timeout": "timeout =", "pytest-xdist": "--dist="}


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[a-z0-9-]+", line)[0] for line in requirements}


DECLARED = names(PROJECT["dependencies"]).union(*map(names, EXTRAS.values()))


def rows() -> list[list[str]]:
    """The cells of each row of docs/dependencies.md, the first as it stands."""
    lines = [line for line in DEPENDENCIES.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_dependency_has_one_row_and_every_row_a_dependency():
    named = [name for row in rows() for name in re.findall(r"`([^`]+)`", row[0])]

    assert sorted(named) == sorted(DECLARED)


def test_a_row_says_what_for_why_what_else_under_which_licence_and_whether_it_lives():
    for row in rows():
        assert len(row) == 6, row
        assert all(row), row
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", row[-1]), row


def test_what_is_declared_to_work_with_is_worked_with():
    """deptry sees to what runs; here it is tests and the like, commands of the Makefile, tables of the tools."""
    modules: dict[str, set[str]] = defaultdict(set)
    for module, packages in packages_distributions().items():
        for package in packages:
            modules[package.lower().replace("_", "-")].add(module)
    tools = (ROOT / "pyproject.toml").read_text().partition("[tool.")[2]

    def is_used(name: str) -> bool:
        commands = [file.name for file in distribution(name).files or () if file.parent.name == "bin"]
        return bool(
            modules[name] & imported()
            or any(re.search(rf"\.venv/bin/{re.escape(command)}\b", MAKEFILE) for command in commands)
            or any(f'"{command}"' in source for command in commands for source in sources())
            or any(f'"{module}.' in tools for module in modules[name])
            or (name in PLUGINS and PLUGINS[name] in tools)
            or name
            in names(tomllib.loads((ROOT / "engine" / "pyproject.toml").read_text())["build-system"]["requires"])
        )

    assert {name for name in names(EXTRAS["dev"]) if not is_used(name)} == set()


@cache
def sources() -> list[str]:
    return [file.read_text() for room in ROOMS for file in (ROOT / room).rglob("*.py")]


@cache
def imported() -> set[str]:
    found: set[str] = set()
    for source in sources():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_links_lead_somewhere(paper):
    text = re.sub(r"^```.*?^```", "", paper.read_text(), flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = []
    for link in links:
        name, _, anchor = link.partition("#")
        target = paper.parent / name if name else paper
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)

    assert missing == []


def anchors(paper: Path) -> set[str]:
    """Of its headings, as a repository's host makes them."""
    headings = re.findall(r"^#+ (.+)$", paper.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_what_make_is_told_it_can(paper):
    told = set(re.findall(r"(?:`|^)make ([a-z]+)\b", paper.read_text(), re.MULTILINE))

    assert told <= TARGETS


@pytest.mark.parametrize("paper", [*PAPERS, NOTES], ids=lambda paper: str(paper.relative_to(ROOT)))
def test_what_manage_py_is_told_it_can(paper):
    for name, rest in re.findall(r"manage\.py ([a-z_]+)([^`\n&]*)", paper.read_text()):
        assert name in get_commands(), name
        parser = load_command(name).create_parser("manage.py", name)
        words = rest.split()
        for action in parser._actions:  # a command with verbs has options of each
            if isinstance(action.choices, dict) and words:
                parser = action.choices[words[0]]
        assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= set(parser._option_string_actions), f"{name}{rest}"


def load_command(name: str) -> BaseCommand:
    app = get_commands()[name]
    return app if isinstance(app, BaseCommand) else load_command_class(app, name)


def test_every_recipe_gives_a_real_installation_its_first_rows():
    recipes = (ROOT / "docs" / "operations.md", ROOT / "deploy" / "README.md", NOTES)

    assert [path.name for path in recipes if "manage.py seed_catalogue" not in path.read_text()] == []


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"^- \[(\d+)\. (.+)\]\((.+)\)$", (folder / "README.md").read_text(), re.MULTILINE)
    pages = [(*re.match(r"# (\d+)\. (.+)\n", page.read_text()).groups(), page.name) for page in folder.glob("0*.md")]

    assert sorted(listed) == sorted(pages)
    assert sorted(int(number) for number, *_ in pages) == list(range(1, len(pages) + 1))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "adr").glob("0*.md")), ids=lambda page: page.stem)
def test_decision_has_four_parts_on_one_page(page):
    text = page.read_text()

    assert re.findall(r"^\*\*(\w+)\.\*\* ", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Rejected"]
    assert len(text.split()) <= 350
