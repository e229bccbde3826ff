"""Executes the commands of benchmarks.documents by the product's renderer."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pikepdf

from benchmarks.json_command_loop import answer_commands
from benchmarks.made_up_xml import xml_for
from core.payees.code_drawings import drawn_code
from workflows.documents.rendering.pdf import render

SWISS = (
    "SPC\n0200\n1\nCH4431999123000889012\nS\nNorthwind Cloud Services\nRue du Lac\n1268\n2501\nBiel\nCH\n\n\n\n\n\n\n\n"
    "1949.75\nCHF\nS\nAlpha Trading\nGrosse Marktgasse\n28\n9400\nRorschach\nCH\nQRR\n210000000003139471430009017\n"
    "Invoice INV-2026-000001\nEPD"
)
LONG_SWISS = "\n".join(
    [SWISS, "//S1/10/10201409/11/190512/20/1400.000-53/30/106017086/31/180508", "AV1 " * 25, "AV2 " * 25]
)
CODES = {
    "EPC": "BCD\n002\n1\nSCT\nDEUTDEFFXXX\nExample Demo GmbH\nDE89370400440532013000\nEUR266.56\n\n\nK2M7X4R907",
    f"Swiss, {len(SWISS)} characters": SWISS,
    f"Swiss, {len(LONG_SWISS)} characters": LONG_SWISS,
    "PIX": "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000520400005303986540614"
    "9.005802BR5913Fulano de Tal6008BRASILIA62160512K2M7X4R907006304ABCD",
}


def make(data: dict[str, Any], count: int) -> dict[str, float]:
    """Each is another document, so that nothing is remembered. Making the XML is not counted."""
    papers = [numbered(data, number) for number in range(count)]
    files = [_file(paper) for paper in papers]
    return {"seconds": _cpu(lambda: [len(render(*paper)) for paper in zip(papers, files, strict=True)])}


def keep_making(kinds: list[dict[str, Any]], count: int) -> None:
    """In turn, and each forgotten."""
    for number in range(count):
        paper = numbered(kinds[number % len(kinds)], number)
        render(paper, _file(paper))


def numbered(data: dict[str, Any], number: int) -> dict[str, Any]:
    mark = f"{time.monotonic_ns() % 10**9}-{number}"
    return data | {"number": f"INV-{mark}", "recipient": data["recipient"] | {"name": f"Alpha Trading {mark}"}}


def pages(data: dict[str, Any]) -> int:
    with pikepdf.open(BytesIO(render(data))) as file:
        return len(file.pages)


def size(data: dict[str, Any]) -> int:
    return len(render(data, _file(data)))


def codes(count: int) -> dict[str, float]:
    """Milliseconds of each."""
    return {
        kind: _cpu(lambda text=text: [drawn_code(f"{text}{number}") for number in range(count)]) / count * 1000
        for kind, text in CODES.items()
    }


def _file(data: dict[str, Any]) -> Any:
    content = xml_for(data)
    return {"name": "factur-x.xml", "type": "text/xml", "content": content, "description": "Factur-X invoice"}


def _cpu(work: Callable[[], object]) -> float:
    """Seconds of all threads."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    answer_commands(make=make, keep_making=keep_making, pages=pages, size=size, codes=codes)
