"""A socket's path may have no more than about 104 bytes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "countersign-"
LOCK = ".lock"
MAX_BASE_LENGTH = 60  # leaves room for countersign-xxxxxxxx/postgres/.s.PGSQL.5432


@contextmanager
def runtime_folder() -> Iterator[Path]:
    """Nothing listens on TCP, so its permissions decide who may connect."""
    base = _base()
    _remove_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # the database's user passes through
    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _base() -> Path:
    base = Path(tempfile.gettempdir())
    closed = os.geteuid() == 0 and not all(part.stat().st_mode & 0o001 for part in (base, *base.parents))
    return Path("/tmp") if closed or len(str(base)) > MAX_BASE_LENGTH else base  # noqa: S108


def _remove_abandoned(base: Path) -> None:
    """Killed stacks leave their folders."""
    for path in base.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), path.open() as lock:  # held, or gone meanwhile
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = path.parent.lstat()
            # A younger one may not be locked yet, or its servers may still be ending.
            if status.st_uid == os.geteuid() and status.st_mtime < time.time() - 60:
                shutil.rmtree(path.parent)
