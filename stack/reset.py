from __future__ import annotations

import shutil
from pathlib import Path

from stack.lock import NAME, exclusive_lock
from stack.terminal import say
from stack.unprivileged import data_folder, database_user


def reset(var: Path) -> int:
    """The lock's own file stays, or two could hold it."""
    with exclusive_lock(var):
        data = data_folder(var / "postgres", database_user())
        shutil.rmtree(data if data.parent == var else data.parent, ignore_errors=True)
        for path in var.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != NAME:
                path.unlink()
    say(f"Nothing is left in {var}.")
    return 0
