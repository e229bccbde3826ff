from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.models import User
from core.problems import Problem
from workflows.actions.duties import grant_rights_as_operator, revoke_rights_as_operator, set_group
from workflows.security.rights import right_labels


class Command(BaseCommand):
    help = "Give somebody rights at once, or take them; the log of rights says that the machine's operator did it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", help="an e-mail address; with --group the name of a group")
        parser.add_argument(
            "duties",
            nargs="+",
            metavar="DUTY",
            help="a permission (approve_payment, core.view_invoice), a group (group:approver), staff, superuser",
        )
        parser.add_argument("--take", action="store_true", help="take them instead")
        parser.add_argument("--group", action="store_true", help="let the group have just these permissions")

    def handle(self, *args: Any, who: str, duties: list[str], take: bool, group: bool, **options: Any) -> None:
        words = [_word(duty) for duty in duties]
        try:
            if group:
                self._set_group(who, words, take=take)
            else:
                self._change(_find(who), words, take=take)
        except Problem as problem:
            raise CommandError(f"{problem.detail} {problem.members.get('errors', '')}") from problem

    def _change(self, person: User, words: list[str], *, take: bool) -> None:
        if unknown := set(words) - right_labels().keys():
            raise CommandError(f"There is no such right: {', '.join(sorted(unknown))}.")
        grant = (revoke_rights_as_operator if take else grant_rights_as_operator)(person, words, tell=True)
        done = f"{grant.kind}: {grant.words}" if grant else "nothing to change"
        self.stdout.write(f"{person.email}: {done}.")

    def _set_group(self, name: str, words: list[str], *, take: bool) -> None:
        if take:
            if not Group.objects.filter(name=name).exists():
                raise CommandError(f"There is no group {name}.")
            held = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
            words = [word for word in (f"{label}.{codename}" for label, codename in held) if word not in words]
        set_group(name, words)
        self.stdout.write(f"{name}: {', '.join(sorted(words)) or 'nothing'}.")


def _word(duty: str) -> str:
    return duty if duty in ("staff", "superuser", "active") or ":" in duty or "." in duty else f"core.{duty}"


def _find(email: str) -> User:
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist as error:
        raise CommandError(f"There is nobody known as {email}.") from error
