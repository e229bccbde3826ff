from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from stack.services import throwaway_services

SECRET_KEY = "of-throwaway-services-and-no-secret-at-all"  # noqa: S105


def run(command: Sequence[str]) -> int:
    """On an empty database and broker. Returns the command's status."""
    with throwaway_services() as services:
        environment = {"SECRET_KEY": SECRET_KEY} | os.environ | services
        return subprocess.run(command, env=environment, check=False).returncode
