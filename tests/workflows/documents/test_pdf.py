"""What comes out of render(), read by two other programs than the one that wrote it."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pikepdf
import pypdfium2
import pytest

from tests.workflows.documents import papers
from workflows.documents.rendering.pdf import MissingLetters, render

KINDS = {
    "invoice": papers.invoice,
    "statement": papers.statement,
    "receipt": papers.receipt,
    "credit note": papers.credit_note,
    "arabic": papers.arabic,
    "urdu": papers.urdu,
}


def pages(pdf: bytes) -> list[str]:
    file = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_bounded() for page in file]


def text(pdf: bytes) -> str:
    return "\n".join(pages(pdf))


def tags(pdf: bytes) -> Counter[str]:
    with pikepdf.open(BytesIO(pdf)) as file:
        return Counter(_tags(file.Root.StructTreeRoot.K))


def _tags(node: Any) -> list[str]:
    if isinstance(node, pikepdf.Array):
        return [tag for part in node for tag in _tags(part)]
    if not isinstance(node, pikepdf.Dictionary) or "/S" not in node:
        return []
    return [str(node.S)[1:], *(_tags(node.K) if "/K" in node else [])]


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_same_data_give_the_same_bytes(make):
    assert render(make()) == render(json.loads(json.dumps(make())))


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_document_claims_archive_and_accessibility(make):
    with pikepdf.open(BytesIO(render(make()))) as file:
        metadata = file.open_metadata()

        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        assert metadata["pdfuaid:part"] == "1"
        assert file.Root.MarkInfo.Marked
        assert str(file.Root.Lang) == make()["language"]
        assert metadata["dc:title"] == " ".join(filter(None, (make()["title"], make()["number"])))
        assert str(file.docinfo["/CreationDate"]).startswith("D:20260503")


def test_all_that_the_data_say_is_printed():
    printed = " ".join(text(render(papers.invoice())).split())

    for said in (
        "Invoice INV-2026-000001",
        "Alpha Trading Ltd",
        "10119 Berlin",
        "VAT ID DE123456789",
        "Growth plan, 1 to 31 May 2026",
        "266.56 EUR",
        "DE89 3704 0044 0532 0130 00",
        "Made with Countersign",
        "Page 1 of 1",
    ):
        assert said in printed


def test_table_has_header_cells_and_the_code_an_alternative():
    pdf = render(papers.invoice())

    found = tags(pdf)
    assert (found["H1"], found["Table"], found["TH"], found["Figure"]) == (1, 2, 9, 1)
    assert b"QR code with the same bank details" in _alternatives(pdf)


def _alternatives(pdf: bytes) -> list[bytes]:
    with pikepdf.open(BytesIO(pdf)) as file:
        return [
            str(part.Alt).encode() for part in file.objects if isinstance(part, pikepdf.Dictionary) and "/Alt" in part
        ]


def test_head_of_a_long_table_stands_on_each_page():
    found = pages(render(papers.statement(60)))

    assert len(found) >= 2
    assert all("Description" in page and "Balance" in page for page in found[:2])
    assert all(f"Page {number} of {len(found)}" in page for number, page in enumerate(found, 1))


@pytest.mark.parametrize("count", [0, 1, 300])
def test_every_row_is_printed_once(count):
    data = papers.statement(count)
    data["sections"][0]["rows"] = [[f"row{number:03}", "", "", "", "", ""] for number in range(count)]

    printed = text(render(data))

    assert [printed.count(f"row{number:03}") for number in range(count)] == [1] * count


MARKUP = r"""#sys.inputs *bold* _under_ `raw` $x^2$ <label> @ref \ // no /* no */ = - + 1. --- ... ~ "q" 'q' [b] {c}"""


def test_signs_of_markup_are_printed_as_they_are():
    data = papers.invoice()
    data["recipient"]["name"] = MARKUP

    assert "".join(MARKUP.split()) in "".join(text(render(data)).split())


def test_letter_without_a_font_is_named():
    data = papers.invoice()
    data["recipient"]["name"] = "บริษัท 株式会社 Ltd"

    with pytest.raises(MissingLetters) as refusal:
        render(data)

    assert refusal.value.letters == list("บริษัท株式会社")
    assert refusal.value.scripts == ["Thai", "Cjk"]
    assert "株 (Cjk)" in str(refusal.value)


def test_threads_render_at_the_same_time():
    alone = [render(make()) for make in KINDS.values()]

    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda make: render(make()), [*KINDS.values()] * 3))

    assert together == alone * 3
