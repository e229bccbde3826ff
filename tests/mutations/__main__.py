"""`make mutations`: run the test of each line that was mended without the line; with --model also the protocol's."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.mutations import MUTATIONS, ROOT

MODEL = "tests/engine/test_protocol.py"


def failing(number: int, tests: list[str]) -> set[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "tests.mutations.without", "--reuse-db", *tests]
    variables = os.environ | {"MUTATION": str(number), "HYPOTHESIS_PROFILE": "unshrunk"}
    run = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    return set(re.findall(r"^FAILED ([\w/.]+)", run.stdout, re.MULTILINE)) if run.returncode == 1 else set()


def main(words: list[str], models: list[str]) -> int:
    """How many were not missed."""
    unseen = 0
    for number, mutation in enumerate(MUTATIONS):
        if words and not any(word in f"{mutation.file} {mutation.text} {mutation.test}" for word in words):
            continue
        failed = failing(number, [mutation.test, *models])
        says = ["red  " if test.partition("::")[0] in failed else "GREEN" for test in [mutation.test, *models]]
        unseen += says[0] == "GREEN"
        line = mutation.text.strip().splitlines()[0]
        sys.stdout.write(f"{' model: '.join(says)} {number} {mutation.file}: {line} ({mutation.test})\n")
        sys.stdout.flush()
    return unseen


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.exit(min(1, main(given, [MODEL] if "--model" in sys.argv else [])))
