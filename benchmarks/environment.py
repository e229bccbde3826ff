"""The peers' own virtual environment."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.report import say
from benchmarks.rig import VAR

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def dbos() -> Path | None:
    """A Python with DBOS, pinned by hash; None where it cannot be had."""
    venv = VAR / f"peers-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    python = venv / "bin" / "python"
    if (venv / "complete").exists():
        return python
    say("Installing benchmarks/requirements.txt into a virtual environment of its own (once) ...")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "-q",
        "--require-hashes",
        "--only-binary=:all:",
        "-r",
        str(REQUIREMENTS),
    ]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    if done.returncode:
        say(f"DBOS cannot be had here, so it is left out: {done.stderr.strip().splitlines()[-1:]}")
        return None
    (venv / "complete").touch()
    return python
