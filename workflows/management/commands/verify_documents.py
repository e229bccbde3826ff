from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.documents.verifying import Verified, verify_documents


class Command(BaseCommand):
    help = "Whether all documents are as they were made; with --draw also whether their words make the same bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--draw", action="store_true", help="Draw each again and compare: some 50 ms a document.")

    def handle(self, *args: Any, draw: bool, **options: Any) -> None:
        found, findings = Verified(), 0
        for line in verify_documents(found, draw=draw):
            findings += 1
            self.stdout.write(f"NOT SO: {line}")
        if findings:
            raise CommandError(f"{findings} findings: the documents are not as they were made.")
        drawn = f", {found.drawn} drawn again, {found.older} of older templates left" if draw else ""
        self.stdout.write(f"{found.documents} documents are as they were made{drawn}.")
