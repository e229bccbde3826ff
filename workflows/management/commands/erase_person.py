from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.models import User
from core.problems import Problem
from workflows.actions.personal import erase_person


class Command(BaseCommand):
    help = "Forget who a person is; what happened stays (docs/operations.md). It cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", help="an e-mail address, or the id of a person (after a restore)")
        parser.add_argument("--by", required=True, help="the address of who was given core.erase_person")
        parser.add_argument("--reason", required=True, help="kept in the admin's log: name nobody in it")

    def handle(self, *args: Any, who: str, by: str, reason: str, **options: Any) -> None:
        try:
            changed = erase_person(person := _find(who), by=_find(by), reason=reason)
        except Problem as problem:
            raise CommandError(problem.detail) from problem
        counts = ", ".join(f"{name} {count}" for name, count in changed.items())
        self.stdout.write(f"Erased {person.pk}: {counts}.")
        self.stdout.write("Keep this id: after restoring an older backup, erase it again.")


def _find(who: str) -> User:
    try:
        return User.objects.get_by_natural_key(who) if "@" in who else User.objects.get(pk=UUID(who))
    except (User.DoesNotExist, ValueError) as error:
        raise CommandError(f"There is nobody known as {who}.") from error
