"""Two projects that install one import name: whichever came second is there, and nothing says so."""

from __future__ import annotations

import re
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINS = sorted(ROOT.glob("requirements*.txt"))
# The import name, the project that is meant, and those that overwrite it.
TWINS = {
    "coda": ("febelfin-coda", {"pycoda"}),
    "mt940": ("mt-940", {"mt940"}),
}
UNWANTED = set().union(*(others for _, others in TWINS.values())) | {"ofxparse2"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("pins", PINS, ids=lambda path: path.name)
def test_twins_are_not_pinned(pins):
    pinned = set(map(canonical, re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*\])?==", pins.read_text(), re.MULTILINE)))

    assert pinned
    assert pinned & UNWANTED == set()
    assert {meant for meant, _ in TWINS.values()} <= pinned


def test_twins_are_not_installed():
    assert {canonical(found.metadata["Name"]) for found in distributions()} & UNWANTED == set()


@pytest.mark.parametrize(("module", "meant"), [(module, meant) for module, (meant, _) in TWINS.items()])
def test_import_name_is_of_the_project_that_is_meant(module, meant):
    assert set(map(canonical, packages_distributions()[module])) == {meant}
