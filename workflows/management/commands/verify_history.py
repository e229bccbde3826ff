from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.security.history_chain import read_exported, verify


class Command(BaseCommand):
    help = "Whether the transitions of the closed days are as they were; with --head also against their owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            metavar="FILE|FOLDER|HEX",
            help="One that was exported and kept elsewhere; may be given more than once.",
        )

    def handle(self, *args: Any, head: list[str], **options: Any) -> None:
        try:
            exported = [each for name in head for each in read_exported(name)]
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        if head and not exported:
            raise CommandError("There is no head in what --head names.")
        found = verify(exported)
        for line in found.findings:
            self.stdout.write(f"NOT SO: {line}")
        if found.findings:
            raise CommandError(f"{len(found.findings)} findings: the history is not as it was.")
        self.stdout.write(
            f"{found.transitions} transitions of {found.days} days are as they were, {found.erased} rows erased, "
            f"{len(exported)} exported heads hold."
        )
