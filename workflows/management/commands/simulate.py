from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.simulation.report import Report
from workflows.simulation.seeds import simulate


class Command(BaseCommand):
    help = "Simulate customers and staff in a scratch database, and fail when a law is broken. Touches nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--customers", type=int, default=200)
        parser.add_argument("--days", type=int, default=800)
        parser.add_argument("--seed", type=int, nargs="+", default=[1])
        parser.add_argument("--jobs", type=int, default=1, help="Seeds that run at the same time, each in a process.")
        parser.add_argument("--skip", nargs="*", default=[], metavar="VERB", help="Verbs that nobody uses.")
        parser.add_argument("--verbs-module", help="A module that changes the table of verbs when it is imported.")

    def handle(self, *args: Any, **options: Any) -> None:
        total = Report()
        asked = {name: options[name] for name in ("customers", "days", "skip")}
        for seed, report in simulate(options["seed"], jobs=options["jobs"], module=options["verbs_module"], **asked):
            self.stdout.write(f"seed {seed}: {sum(report.seconds.values()):.0f} s")
            total.add(report)
        for line in total.lines():
            self.stdout.write(line)
        if total.findings:
            raise CommandError(f"{sum(map(len, total.findings.values()))} findings.")
