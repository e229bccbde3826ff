from __future__ import annotations

import os
import sys
from pathlib import Path

from stack.drill import drill
from stack.problems import StackError
from stack.reset import reset
from stack.run import run
from stack.signals import StopRequested, stop_signals
from stack.terminal import say
from stack.up import up

USAGE = "usage: python -m stack up | reset | drill | run COMMAND..."


def main(words: list[str]) -> int:
    try:
        with stop_signals():
            match words:
                case ["up"]:
                    return up(Path.cwd())
                case ["reset"]:
                    return reset(Path.cwd() / "var")
                case ["drill"]:
                    return drill(os.environ.get("DATABASE_URL"))
                case ["run", "--", *command] | ["run", *command] if command:
                    return run(command)
                case _:
                    say(USAGE)
                    return os.EX_USAGE
    except StopRequested:
        return 130
    except StackError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
