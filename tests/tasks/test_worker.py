"""`manage.py worker` as a supervisor sees it: a process with a status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.guards("F2", "tasks.management.commands.worker.Command.handle")
def test_a_worker_that_cannot_go_on_ends_with_a_status_that_says_so():
    """F2: it was 0, and what starts failed processes again took it for done."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.tasks.broken_worker", "worker"],
        cwd=ROOT,
        env=os.environ | {"DEBUG": "true", "DJANGO_SETTINGS_MODULE": "core.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "Unrecoverable error: RuntimeError('cannot go on')" in ended.stderr
    assert ended.returncode == 1
