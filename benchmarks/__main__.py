"""`make bench`: every figure in turn, or those that are named: `make bench ARGS="settlement idle"`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import bank, documents, engine, idle, report, scale, settlement
from benchmarks.report import Figure
from benchmarks.rig import VAR

FIGURES: dict[str, Callable[[bool], list[Figure]]] = {
    "settlement": lambda quick: settlement.run(rounds=1, count=400) if quick else settlement.run(),
    "engine": lambda quick: engine.run(rounds=1, count=1000) if quick else engine.run(),
    "bank": lambda quick: bank.run(rounds=1, lines=2000, peer_lines=300, invoices=500) if quick else bank.run(),
    "documents": lambda quick: documents.run(rounds=1, count=8, kept=20) if quick else documents.run(),
    "scale": lambda quick: scale.run(rounds=1, sizes=(1000, 5000)) if quick else scale.run(),
    "memory": lambda quick: idle.kept(count=1000) if quick else idle.kept(),
    "idle": lambda quick: idle.idle(seconds=10) if quick else idle.idle(),
    "held": lambda quick: idle.held(seconds=20, count=400) if quick else idle.held(),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"of: {', '.join(FIGURES)}; default: all")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does the harness work? The figures are worth nothing"
    )
    given = parser.parse_args()
    if unknown := set(given.figures) - set(FIGURES):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    found: list[Figure] = []
    for name in given.figures or FIGURES:
        report.say(f"{name} ...")
        mine = FIGURES[name](given.quick)
        print(report.table(mine), flush=True)
        found += mine
    file = report.keep(found, VAR)
    print(f"\n{report.table(found)}\n\nKept in {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
