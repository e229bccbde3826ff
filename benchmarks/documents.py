"""Documents as PDFs, beside WeasyPrint with the same content; and what a drawn code takes."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import Any

from benchmarks import environment
from benchmarks.meter import memory
from benchmarks.report import Figure, ratio, say
from benchmarks.rig import Inside
from tests.workflows.documents import papers

CONTENTS: dict[str, Any] = {"one page": papers.invoice(), "two pages": papers.long_invoice(36)}
LEAST = {"one page": 6, "two pages": 8}
KINDS = (papers.invoice(), papers.arabic(), papers.receipt(), papers.long_invoice(36), papers.statement(44))
GROWTH = 5  # MB that the allocator may keep for larger documents than those before


def run(*, rounds: int = 5, count: int = 40, kept: int = 1000) -> list[Figure]:
    """Processor time of all threads; no other work of the machine is in it. They take turns within each round."""
    with ExitStack() as running:
        product = running.enter_context(Inside({}, "benchmarks.documents_inside"))
        peer = None
        if python := environment.weasyprint():
            peer = running.enter_context(Inside({}, "benchmarks.peers.weasyprint_paper", str(python)))
        _look(product, peer)
        spent = _rounds(product, peer, rounds, count)
        sizes = [product.ask("size", data=data) for data in KINDS]
        codes = [product.ask("codes", count=count * 2) for _ in range(rounds)]
    with Inside({}, "benchmarks.documents_inside") as fresh:
        early = _memory_after(fresh, kept // 5)
        late = _memory_after(fresh, kept)
    return [
        *(figure for name in CONTENTS for figure in _beside(name, spent)),
        _at_most(f"the largest of {len(sizes)} files, with XML inside", 64, max(sizes) / 1024, "kB"),
        _at_most(f"memory after {kept // 5 + kept:,} documents", 180, late, "MB"),
        _at_most(f"growth of memory by the last {kept:,} of them", GROWTH, late - early, "MB"),
        *(
            _at_most(f"a drawn QR code, {kind}", 1.5, statistics.median(each[kind] for each in codes), "ms of CPU")
            for kind in codes[0]
        ),
    ]


def _look(product: Inside, peer: Inside | None) -> None:
    """Both make the same number of pages, and are warm then."""
    for name, data in CONTENTS.items():
        made = {inside.ask("pages", data=data) for inside in (product, peer) if inside}
        assert made == {1 if name == "one page" else 2}, (name, made)


def _rounds(product: Inside, peer: Inside | None, rounds: int, count: int) -> dict[tuple[str, str], list[float]]:
    """Milliseconds a document, by who made what."""
    spent: dict[tuple[str, str], list[float]] = {}
    few = max(2, count // 4)  # of the slower one
    for number in range(rounds):
        for name, data in CONTENTS.items():
            spent.setdefault((name, "product"), []).append(_each(product, data, count))
            if peer:
                spent.setdefault((name, "PDF/A-3a with XML inside"), []).append(_each(peer, data, few))
                spent.setdefault((name, "plain PDF without tags"), []).append(_each(peer, data, few, plain=True))
        last = "; ".join(f"{name}, {maker}: {times[-1]:.1f} ms" for (name, maker), times in spent.items())
        say(f"documents, round {number + 1}: {last}")
    return spent


def _each(inside: Inside, data: Any, count: int, **options: bool) -> float:
    return float(inside.ask("make", data=data, count=count, **options)["seconds"]) / count * 1000


def _memory_after(inside: Inside, count: int) -> float:
    """MB, after so many more documents of all kinds."""
    inside.ask("keep_making", kinds=KINDS, count=count)
    return memory(inside.pid)


def _beside(name: str, spent: dict[tuple[str, str], list[float]]) -> list[Figure]:
    ours = spent[name, "product"]
    label = f"documents: {name}, PDF/A-3a and PDF/UA-1 with XML inside"
    figures = [Figure(label, "", statistics.median(ours), "ms of CPU", None)]
    for kind, least in (("PDF/A-3a with XML inside", LEAST[name]), ("plain PDF without tags", None)):
        label, target = f"documents: {name}, WeasyPrint's {kind}, of ours", f">= {least}" if least else ""
        if theirs := spent.get((name, kind)):
            value = ratio(theirs, ours)
            figures.append(Figure(label, target, value, "x", value >= least if least else None))
        else:
            figures.append(Figure(label, target, 0, "x", None, "left out: WeasyPrint or its Pango is not here"))
    return figures


def _at_most(name: str, most: float, value: float, unit: str) -> Figure:
    return Figure(f"documents: {name}", f"<= {most}", value, unit, value <= most)
