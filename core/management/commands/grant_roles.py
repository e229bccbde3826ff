from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.env import env
from core.security.database_roles import RoleError, grant_roles, make_role


class Command(BaseCommand):
    help = "As the owner of the tables: give two roles their rights, and no more. After every migrate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", default="countersign_app", help="of web, worker, beat (default: %(default)s)")
        parser.add_argument(
            "--make",
            action="store_true",
            help="Make those that are missing; the app's signs in with APP_ROLE_PASSWORD, the audit's with none yet.",
        )
        parser.add_argument("--audit", default="countersign_audit", help="reads audit.* only (default: %(default)s)")

    def handle(self, *args: Any, app: str, audit: str, make: bool, **options: Any) -> None:
        try:
            if make:
                make_role(app, env.str("APP_ROLE_PASSWORD", default=""))
                make_role(audit, "")
            grant_roles(app, audit)
        except RoleError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{app} works, {audit} reads the views of audit.")
