"""The first thing a newcomer runs, with any Python: it must parse on 3.6, so that a Python too old gets a sentence.

Only wheels are installed, each by its hash: no compiler is needed.
"""

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, ".requirements")
# Each holds all that is in those before it.
FILES = {"run": "requirements.txt", "local": "requirements-local.txt", "dev": "requirements-dev.txt"}


def main(words: "list[str]") -> None:
    if len(words) != 1 or words[0] not in FILES:
        sys.exit(f"usage: python3 stack/bootstrap.py {'|'.join(FILES)}")
    complaint = unfit_reason(sys.version_info[:2], os.name)
    if complaint:
        sys.exit(complaint)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _leave)  # so that pip ends with us
    wanted = _largest(words[0], _stamped())
    if _stamp(wanted) != _read(STAMP):
        _ensure_venv()
        print(f"Installing {FILES[wanted]} into .venv (once) ...", flush=True)
        _install(FILES[wanted])
        with open(STAMP, "w", encoding="utf-8") as stamp:
            stamp.write(_stamp(wanted))


def unfit_reason(version: "tuple[int, ...]", system: str) -> str:
    """One line for the person; empty if both will do."""
    if version < OLDEST:
        found = ".".join(map(str, version))
        return (
            f"Countersign needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and this is {found}: "
            "name another one, as in `make up PYTHON=python3.13`."
        )
    if system == "nt":
        return "The local stack runs on Linux and macOS: on Windows use WSL, or `docker compose up`."
    return ""


def explain(output: str) -> str:
    missing = re.search(r"No matching distribution found for ([^\s(]+)", output)
    if re.search(r"Retrying \(|Connection|Temporary failure in name resolution", output):
        return "The package index could not be reached: check the network, then try again."
    if missing:
        here = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
        return f"There is no ready-made wheel of {missing.group(1)} for {here}: `docker compose up` needs none."
    if "DO NOT MATCH THE HASHES" in output:
        return "A package is not the one that was pinned: do not install it, and tell the maintainers."
    return "pip failed; its last lines are above."


def _largest(asked: str, stamped: str) -> str:
    """What is installed already is kept up to date."""
    order = list(FILES)
    return max(asked, stamped or asked, key=order.index)


def _stamped() -> str:
    name = _read(STAMP).partition(" ")[0]
    return name if name in FILES else ""


def _stamp(name: str) -> str:
    pinned = _read(os.path.join(ROOT, FILES[name])) + _venv_version()
    return f"{name} {hashlib.sha256(pinned.encode()).hexdigest()}\n"


def _venv_version() -> str:
    found = re.search(r"^version\w* *= *(\S+)", _read(os.path.join(VENV, "pyvenv.cfg")), re.MULTILINE)
    return found.group(1) if found else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _ensure_venv() -> None:
    """Keeps one that works, whichever Python made it."""
    version = tuple(map(int, re.findall(r"\d+", _venv_version())[:2]))
    if version >= OLDEST and _runs(VENV_PYTHON, "-m", "pip", "--version"):
        return
    if importlib.util.find_spec("ensurepip") is None:  # Debian and Ubuntu ship it apart
        sys.exit("This Python cannot make virtual environments: `apt install python3-venv`, then try again.")
    shutil.rmtree(VENV, ignore_errors=True)
    print("Making .venv ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        sys.stderr.write(made.stdout.decode(errors="replace"))
        sys.exit("The virtual environment could not be made; the reason is above.")


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def _install(requirements: str) -> None:
    command = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--require-hashes", "--only-binary", ":all:", "-r", os.path.join(ROOT, requirements)]
    pip = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if pip.returncode != 0:
        output = pip.stdout.decode(errors="replace")
        sys.stderr.write("\n".join(output.splitlines()[-15:]) + "\n")
        sys.exit(explain(output))


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main(sys.argv[1:])
