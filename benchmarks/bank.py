"""Statements of 100,000 lines: read, matched and stored, beside two ways to do the same line by line."""

from __future__ import annotations

import statistics

from benchmarks.report import Figure, ratio, say
from benchmarks.rig import Inside, rig


def run(*, rounds: int = 3, lines: int = 100_000, peer_lines: int = 3000, invoices: int = 20_000) -> list[Figure]:
    """The ways take turns; each round brings other lines. Reading the file counts for the product alone."""
    rates: dict[str, list[float]] = {"product": [], "again": [], "order codes": [], "loop": []}
    seconds, grown, pages = [], [], []
    with rig() as h:
        h.prepare()
        with Inside(h.environment(), "benchmarks.bank_inside") as inside:
            inside.ask("prepare", invoices=invoices)
            for number in range(rounds):
                for way in ("order codes", "loop"):
                    took = inside.ask("peer", way=way, lines=peer_lines, number=number)
                    rates[way].append(peer_lines / took)
                first = inside.ask("product", lines=lines, number=number)
                seconds.append(first["seconds"])
                grown.append(first["grown_mib"])
                rates["product"].append(lines / first["seconds"])
                rates["again"].append(lines / inside.ask("again", lines=lines, number=number)["seconds"])
                pages += inside.ask("pages", count=20)
                say(
                    f"bank, round {number + 1}: " + ", ".join(f"{way} {rate[-1]:,.0f}/s" for way, rate in rates.items())
                )
    product = rates["product"]
    return [
        _figure("product / order codes by line", 20, ratio(product, rates["order codes"]), "x"),
        _figure("product / one query and one insert a line", 5, ratio(product, rates["loop"]), "x"),
        _figure("the same lines again / first", 2, ratio(rates["again"], product), "x"),
        _at_most(f"{lines:,} lines", 40, statistics.median(seconds), "s"),
        _at_most(f"memory above the process, {lines:,} lines", 64, max(grown), "MiB"),
        _at_most("a page of lines, 95th percentile", 200, statistics.quantiles(pages, n=20)[-1], "ms"),
    ]


def _figure(name: str, least: float, value: float, unit: str) -> Figure:
    return Figure(f"bank: {name}", f">= {least}", value, unit, value >= least)


def _at_most(name: str, most: float, value: float, unit: str) -> Figure:
    return Figure(f"bank: {name}", f"<= {most}", value, unit, value <= most)
