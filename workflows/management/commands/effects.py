from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.models import User
from core.problems import Problem
from engine import retry_many
from engine.failures import failures
from engine.models import Effect, EffectPause, Throttle
from engine.pauses import COUNT_LIMIT, let_go, pause, pauses, resume, set_rate, waiting_for
from engine.registry import rates
from workflows.management.arguments import moment, person

SCOPES = ("kind", "lane", "tenant")


class Command(BaseCommand):
    help = "What is paused and how fast it may leave; pause, let some go, resume."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="What is paused, how many wait for it, and the rates.")
        stop = self._verb(verbs, "pause", "New effects are recorded and wait.")
        stop.add_argument("--reason", required=True)
        stop.add_argument("--until", type=moment, help="such as 2026-05-03T10:00Z")
        go = self._verb(verbs, "let-go", "Let the oldest of what is paused go.")
        go.add_argument("count", type=int)
        self._verb(verbs, "resume", "Let all of it go.")
        verbs.add_parser("failures", help="What is dead, uncertain or tried again, by kind and cause.")
        again = verbs.add_parser("retry", help="Try those of a kind and cause again.")
        again.add_argument("--kind", required=True)
        again.add_argument("--cause", help="as `failures` shows it; without one all of the kind")
        again.add_argument("--state", choices=["dead", "uncertain", "waiting"], default="dead")
        again.add_argument("--reason", default="")
        again.add_argument("--by", required=True, help="the address of who may operate effects")
        rate = verbs.add_parser("rate", help="Another rate than the declared one.")
        rate.add_argument("throttle")
        rate.add_argument("rate", help="such as 10/s, 100/m or 1000/h; 'declared' for that of the code")
        rate.add_argument("--by", required=True, help="the address of who may operate effects")

    def _verb(self, verbs: Any, name: str, words: str) -> Any:
        parser = verbs.add_parser(name, help=words)
        what = parser.add_mutually_exclusive_group(required=True)
        for scope in SCOPES:
            what.add_argument(f"--{scope}", metavar="NAME" if scope != "tenant" else "KEY")
        what.add_argument("--outward", action="store_true", help="all that leaves the database")
        what.add_argument("--all", action="store_true")
        parser.add_argument("--by", required=True, help="the address of who may operate effects")
        return parser

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            if verb == "list":
                self._list()
            elif verb == "failures":
                for each in failures():
                    words = f"{each.count} {each.kind} {each.state}, {each.tried}: {each.cause or 'not told'}"
                    self.stdout.write(f"{words} (since {each.oldest:%Y-%m-%d %H:%M} UTC, such as {each.example})")
            elif verb == "retry":
                named = {name: options[name] for name in ("kind", "cause", "state") if options[name] is not None}
                done = retry_many(Effect.objects.filter(**named), by=person(options["by"]), reason=options["reason"])
                self.stdout.write(f"{done} will be tried again.")
            elif verb == "rate":
                set_rate(options["throttle"], options["rate"].replace("declared", ""), by=person(options["by"]))
            else:
                self._operate(verb, *_scope(options), by=person(options["by"]), options=options)
        except Problem as problem:
            errors = problem.members.get("errors", {})
            found = [f"{name}: {' '.join(lines)}" for name, lines in errors.items()]
            raise CommandError("; ".join(found) or problem.detail) from problem

    def _operate(self, verb: str, scope: str, name: str, *, by: User, options: dict[str, Any]) -> None:
        if verb == "pause":
            made = pause(scope, name, by=by, reason=options["reason"], until=options["until"])
            self.stdout.write(f"Paused: {_line(made)}")
            return
        found = pauses().filter(scope=scope, name=name).first()
        if found is None:
            raise CommandError("That is not paused.")
        if verb == "let-go":
            self.stdout.write(f"{let_go(found, options['count'], by=by)} let go, {_count(waiting_for(found))} wait.")
        else:
            self.stdout.write(f"{_count(resume(found, by=by))} waited.")

    def _list(self) -> None:
        for each in pauses().select_related("by"):
            self.stdout.write(f"Paused: {_line(each)}")
        of_operators = dict(Throttle.objects.exclude(rate="").values_list("name", "rate"))
        for throttle, every in sorted(rates.items()):
            declared = f"one every {every.total_seconds():.3f} s" if every else "as many as come"
            self.stdout.write(f"Rate of {throttle}: {of_operators.get(throttle) or declared}")


def _line(paused: EffectPause) -> str:
    until = f", until {paused.until:%Y-%m-%d %H:%M} UTC" if paused.until else ""
    since = f"{paused.created_at:%Y-%m-%d %H:%M} UTC"
    return f"{paused}, since {since}{until}, by {paused.by.email}: {paused.reason} ({_count(waiting_for(paused))} wait)"


def _count(effects: int) -> str:
    return f"more than {COUNT_LIMIT}" if effects > COUNT_LIMIT else str(effects)


def _scope(options: dict[str, Any]) -> tuple[str, str]:
    for scope in SCOPES:
        if options[scope] is not None:
            return scope, options[scope]
    return ("outward" if options["outward"] else "all"), ""
