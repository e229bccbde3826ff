from __future__ import annotations

import re
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / ".env.example"
NOT_OF_AN_OPERATOR = {"BEAT_ALIVE_FILE", "WORKER_READY_FILE"}  # for who watches a process: stack/, Dockerfile


def variables() -> set[str]:
    """Their names, the doubtful ones in its comments too."""
    return set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))
