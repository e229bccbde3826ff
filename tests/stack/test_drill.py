"""`make drill`, as an operator runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.stack.conftest import REPOSITORY

pytestmark = [pytest.mark.xdist_group("drill"), pytest.mark.timeout(420)]


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BROKER_URL")}
    return subprocess.run(
        [sys.executable, "-m", "stack", "drill"],
        cwd=REPOSITORY,
        env=outside | environment,
        capture_output=True,
        text=True,
        timeout=380,
    )


def test_a_restored_demo_goes_on_where_the_dump_was_made():
    done = run()

    assert done.returncode == 0, done.stdout + done.stderr
    sent, due = map(int, re.search(r"(\d+) mails are sent, (\d+) effects are due", done.stdout).groups())
    late, repeated = map(int, re.search(r"Of (\d+) mails .* sent (\d+) again", done.stdout).groups())
    others = int(re.search(r"wrote (\d+) others", done.stdout)[1])
    assert sent > 3
    assert due > 10
    assert repeated > 0  # scheduled before the dump: a rejection
    assert others == late - repeated > 0  # they follow from what was done after it: receipts of settlements
    assert f"none of the {sent} from before the dump; no grant twice" in done.stdout
    assert "The drill is passed." in done.stdout
