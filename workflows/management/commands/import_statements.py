"""`manage.py import_statements FILE...`: read here and now, one JSON line for each file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.models import BankAccount, StatementFile
from core.problems import Problem
from workflows.bank.summary import summary
from workflows.bank.uploads import import_here

WATCH_EVERY = 2.0  # seconds
SETTLED_AFTER = 2.0  # seconds without a change: the bank's program has finished writing


class Command(BaseCommand):
    help = "Import bank statements: one JSON line for each, status 1 when any was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
        parser.add_argument("--bank-account", metavar="NAME", help="Where a file does not say which account it is of.")
        parser.add_argument(
            "--watch", type=Path, metavar="FOLDER", help="Import each file that comes there, until interrupted."
        )

    def handle(self, *args: Any, files: list[Path], bank_account: str | None, watch: Path | None, **_: Any) -> None:
        account = None
        if bank_account is not None:
            account = BankAccount.objects.filter(name=bank_account).first()
            if account is None:
                raise CommandError(f"There is no bank account {bank_account!r}.")
        if not files and watch is None:
            raise CommandError("Name files, or a folder to watch.")
        if watch is not None and not watch.is_dir():
            raise CommandError(f"There is no folder {watch}.")
        refused = sum(not self._import(file, account) for file in files)
        for file in _arriving(watch) if watch is not None else ():
            self._import(file, account)
        if refused:
            raise SystemExit(1)

    def _import(self, path: Path, account: BankAccount | None) -> bool:
        """Whether it was taken."""
        try:
            file, is_duplicate = import_here(path.read_bytes(), name=path.name, bank_account=account)
        except OSError as error:
            self._say(path, {"status": "refused", "error": {"detail": str(error), "row": None, "column": ""}})
            return False
        except Problem as problem:
            words = problem.members.get("errors", {})
            detail = " ".join(word for errors in words.values() for word in errors) or problem.detail
            asked = {"questions": problem.members["questions"]} if "questions" in problem.members else {}
            self._say(path, {"status": "refused", "error": {"detail": detail, "row": None, "column": ""}, **asked})
            return False
        self._say(path, {**summary(file), "duplicate": is_duplicate})
        return bool(file.status == StatementFile.Status.IMPORTED)

    def _say(self, path: Path, facts: dict[str, Any]) -> None:
        self.stdout.write(json.dumps({"file": str(path), **facts}, default=str))


def _arriving(folder: Path) -> Iterator[Path]:
    """Files of a folder, each once, as soon as nobody writes to it."""
    done: set[tuple[str, float]] = set()
    try:
        while True:
            for path in sorted(folder.iterdir()):
                if not path.is_file() or path.name.startswith("."):
                    continue
                changed = path.stat().st_mtime
                if (path.name, changed) not in done and time.time() - changed > SETTLED_AFTER:
                    done.add((path.name, changed))
                    yield path
            time.sleep(WATCH_EVERY)
    except KeyboardInterrupt:
        return
