"""A line of JSON in, a line of JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any


def answer_commands(**commands: Callable[..., Any]) -> None:
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(commands[order.pop("what")](**order), default=str), flush=True)
