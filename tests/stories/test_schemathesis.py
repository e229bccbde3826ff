"""Schemathesis with all its checks over a running server, against the schema that the server publishes.

A short seeded form runs with every `make test`; `make schemathesis` takes its time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.application import Application
from tests.application import running_application

pytestmark = pytest.mark.xdist_group("stories")
HERE = Path(__file__).parent
UNLIMITED = {f"LIMIT_{name}": "off" for name in ("LOGIN", "REGISTER", "MAIL", "LINK", "TRIAL", "TRIAL_MOST", "ACCOUNT")}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    var = tmp_path_factory.mktemp("fuzzed")
    with running_application(var, "fuzzed", broker=12, **UNLIMITED) as application:
        yield application


@pytest.fixture
def facts(fuzzed: Application, tmp_path: Path) -> Path:
    file = tmp_path / "facts.json"
    call = f"from tests.stories.fuzzing import prepare; prepare({str(file)!r})"
    fuzzed.command("shell", "--no-imports", "-v0", "--command", call)
    return file


@pytest.mark.timeout(600)
def test_server_keeps_its_published_schema(fuzzed, facts, tmp_path):
    run(
        fuzzed,
        facts,
        tmp_path / "seen.json",
        "--max-examples",
        "3",
        "--seed",
        "20261123",
        "--phases",
        "examples,fuzzing",
    )


@pytest.mark.hostile
@pytest.mark.timeout(1800)
def test_server_keeps_its_published_schema_at_length(fuzzed, facts, tmp_path):
    statuses = run(fuzzed, facts, tmp_path / "seen.json", "--max-examples", "40")

    reached = {name for name, status in statuses if status < 300}
    everything = {name for name, _ in statuses}
    sys.stdout.write(f"  A 2xx from {len(reached)} of {len(everything)} operations\n")
    assert len(reached) >= 0.8 * len(everything), sorted(everything - reached)


def run(application: Application, facts: Path, seen: Path, *options: str) -> Counter[tuple[str, int]]:
    """Schemathesis, to its end without a finding; how often each operation answered each status."""
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "--config-file", HERE / "schemathesis.toml", "run", f"{application.url}/api/schema/", *options]
    environment = {
        "SCHEMATHESIS_HOOKS": "tests.stories.schemathesis_hooks",
        "FUZZING": str(facts),
        "FUZZING_SEEN": str(seen),
        "PYTHONPATH": str(HERE.parents[1]),
    }
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, cwd=seen.parent
    )
    statuses = Counter({(name, status): count for name, status, count in json.loads(seen.read_text())})
    by_status = Counter[int]()
    for (_, status), count in statuses.items():
        by_status[status] += count
    sys.stdout.write(f"\n  Schemathesis: {by_status.total()} requests: {dict(sorted(by_status.items()))}\n")
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    return statuses
