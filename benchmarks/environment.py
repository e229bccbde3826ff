"""The peers' own virtual environments."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.report import say
from benchmarks.rig import VAR

HERE = Path(__file__).parent


def dbos() -> Path | None:
    """A Python with DBOS, pinned by hash; None where it cannot be had."""
    return _python("DBOS", HERE / "requirements.txt", "peers")


def weasyprint() -> Path | None:
    """A Python with WeasyPrint, pinned by hash; None where it or the system's Pango cannot be had."""
    python = _python("WeasyPrint", HERE / "requirements-weasyprint.txt", "weasyprint")
    if python is None:
        return None
    done = subprocess.run([str(python), "-c", "import weasyprint"], check=False, capture_output=True, text=True)
    if done.returncode:
        say(f"WeasyPrint does not run here, so it is left out: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return python


def _python(name: str, requirements: Path, folder: str) -> Path | None:
    venv = VAR / f"{folder}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    python = venv / "bin" / "python"
    if (venv / "complete").exists():
        return python
    say(f"Installing benchmarks/{requirements.name} into a virtual environment of its own (once) ...")
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
        str(requirements),
    ]
    done = subprocess.run(install, check=False, capture_output=True, text=True)
    if done.returncode:
        say(f"{name} cannot be had here, so it is left out: {done.stderr.strip().splitlines()[-1:]}")
        return None
    (venv / "complete").touch()
    return python
