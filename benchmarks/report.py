from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Figure:
    """`met` None: it has no target."""

    name: str
    target: str
    value: float
    unit: str
    met: bool | None
    note: str = ""


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def say(words: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")


def table(figures: Sequence[Figure]) -> str:
    rows = [("figure", "target", "measured", "verdict")]
    for figure in figures:
        verdict = {True: "met", False: "MISSED", None: figure.note}[figure.met]
        rows.append((figure.name, figure.target, f"{figure.value:,.3g} {figure.unit}".rstrip(), verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    )


def keep(figures: Sequence[Figure], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    file.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    return file
