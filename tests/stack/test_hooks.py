"""Hooks and hosted CI run what `make check` and `.ci/run` run, and name no address to download from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / ".pre-commit-config.yaml"
CI = ROOT / ".github" / "workflows" / "ci.yml"


def test_hooks_are_local_and_part_of_make_check():
    (repository,) = yaml.safe_load(HOOKS.read_text())["repos"]
    programs = [re.search(r"\.venv/bin/(\S+)", hook["entry"])[1] for hook in repository["hooks"]]

    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    assert programs == ["ruff", "ruff", "mypy", "lint-imports"]
    assert all(f".venv/bin/{program}" in (ROOT / "Makefile").read_text() for program in programs)


def test_hosted_ci_calls_the_script():
    (job,) = yaml.safe_load(CI.read_text())["jobs"].values()

    assert job["steps"][-1] == {"run": ".ci/run"}


@pytest.mark.parametrize("file", [HOOKS, CI], ids=lambda file: file.name)
def test_hooks_and_ci_name_no_address(file):
    assert "://" not in file.read_text()
