"""`python -m stack run COMMAND...`: a command with throwaway services around it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from stack.services import throwaway_services

# For commands and tests: nothing they make outlives them.
SECRET_KEY = "of-throwaway-services-and-no-secret-at-all"  # noqa: S105


def run(command: Sequence[str]) -> int:
    """Run it on an empty database and broker, in our place on the terminal; its status is ours."""
    with throwaway_services() as services:
        environment = {"SECRET_KEY": SECRET_KEY} | os.environ | services
        return subprocess.run(command, env=environment, check=False).returncode
