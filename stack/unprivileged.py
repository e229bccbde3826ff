"""PostgreSQL refuses root, so `nobody` runs it, with copies under /var/lib of what stands in a closed folder."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from stack.binaries import POSTGRES_BIN, postgres_package


@dataclass(frozen=True)
class User:
    uid: int
    gid: int


def database_user() -> User | None:
    """None: ourselves."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return User(nobody.pw_uid, nobody.pw_gid)


def own(folder: Path, user: User | None) -> None:
    """Makes the folder the user's alone (and root's, whom no mode keeps out)."""
    if not folder.parent.exists():
        folder.parent.mkdir(parents=True)
        folder.parent.chmod(0o755)
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, user.uid, user.gid)


def postgres_binaries(user: User | None) -> Path:
    package = postgres_package()
    if user is not None and not _open_to_all(package / POSTGRES_BIN / "postgres"):
        package = _copy(package, _shelter(package))
    return package / POSTGRES_BIN


def data_folder(wanted: Path, user: User | None) -> Path:
    """`wanted`, or a place that `user` can reach."""
    if user is None or _traversable(wanted):
        return wanted
    return _shelter(wanted) / wanted.name


def _open_to_all(file: Path) -> bool:
    # A wheel installed under umask 077 is closed although its folders may be open.
    return file.stat().st_mode & 0o005 == 0o005 and _traversable(file)


def _traversable(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.exists())


def _shelter(path: Path) -> Path:
    """A place under no closed folder and no world-writable one."""
    return Path("/var/lib") / f"countersign-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"


def _copy(package: Path, target: Path) -> Path:
    copied = target / package.name
    if _identity(copied) != _identity(package):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(mode=0o755, parents=True)
        # The binaries look for their libraries in the folder beside the package.
        for part in (package.with_name(f"{package.name}.libs"), package):
            if part.exists():
                shutil.copytree(part, target / part.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
        _open_for_reading(target)
    return copied


def _identity(package: Path) -> tuple[int, int] | None:
    try:
        found = (package / POSTGRES_BIN / "postgres").stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _open_for_reading(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
