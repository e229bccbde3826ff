"""What comes out of render()."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import zxingcpp

from engine.errors import PermanentFailure
from tests.workflows.documents import papers, reader
from tests.workflows.documents.logos import PNG, SVG
from workflows.documents.rendering import drawing
from workflows.documents.rendering.data import Attachment
from workflows.documents.rendering.drawing import NotDrawn
from workflows.documents.rendering.pdf import MissingLetters, render

ROOT = Path(__file__).parents[3]
KINDS = {
    "invoice": papers.invoice,
    "statement": papers.statement,
    "receipt": papers.receipt,
    "credit note": papers.credit_note,
    "arabic": papers.arabic,
    "urdu": papers.urdu,
}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


@each_kind
def test_same_data_give_the_same_bytes(make):
    assert render(make()) == render(json.loads(json.dumps(make())))


def test_same_data_give_the_same_bytes_in_another_process():
    program = (
        "import hashlib; from tests.workflows.documents.papers import arabic;"
        "from workflows.documents.rendering.pdf import render; print(hashlib.sha256(render(arabic())).hexdigest())"
    )

    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert other.stdout.strip() == hashlib.sha256(render(papers.arabic())).hexdigest()


@each_kind
def test_document_claims_archive_and_accessibility(make):
    data = make()

    with pikepdf.open(BytesIO(render(data))) as file:
        metadata = file.open_metadata()

        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        assert metadata["pdfuaid:part"] == "1"
        assert file.Root.MarkInfo.Marked
        assert str(file.Root.Lang) == data["language"]
        assert metadata["dc:title"] == " ".join(filter(None, (data["title"], data["number"])))
        assert str(file.docinfo["/CreationDate"]).startswith("D:20260503")
        assert file.pdf_version == "1.7"


def test_attachment_stands_in_the_file_as_the_same_in_another_form():
    xml = "<invoice>INV-2026-000001 & ي</invoice>" * 99
    attachment: Attachment = {"name": "factur-x.xml", "type": "text/xml", "content": xml, "description": "Invoice"}

    pdf = render(papers.invoice(), attachment)

    assert pdf == render(papers.invoice(), attachment)
    with pikepdf.open(BytesIO(pdf)) as file:
        [(name, held)] = file.attachments.items()
        assert (name, held.get_file().read_bytes().decode()) == ("factur-x.xml", xml)
        assert [str(each.AFRelationship) for each in file.Root.AF] == ["/Alternative"]
        metadata = file.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("3", "A", "1")


@pytest.mark.parametrize(("language", "told"), [("pt-br", "pt-BR"), ("zh-hans", "zh"), ("fil", "fil")])
def test_language_is_told_as_pdf_has_it(language, told):
    with pikepdf.open(BytesIO(render(papers.invoice(language=language)))) as file:
        assert str(file.Root.Lang) == told


def test_recipient_in_latin_letters_begins_at_the_right_of_an_arabic_document():
    recipient = {"heading": "", "name": "QQQQ & Co.", "lines": ["12 High Street"], "ids": []}

    pdf = render(papers.arabic(recipient=recipient))

    assert max(box[2] for letter, box, _ in reader.boxes(pdf) if letter == "Q") > 480
    assert max(box[2] for letter, box, page in reader.boxes(pdf) if letter == "t") > 530


@pytest.mark.parametrize("make", [papers.arabic, papers.urdu])
@pytest.mark.parametrize("place", ["contact", "lines"])
def test_lone_latin_line_of_the_seller_stands_at_the_edge_of_its_column(make, place):
    seller = papers.seller(name="ش", lines=["ش"], ids=[], contact=[], bank=[]) | {place: ["QQ@example.test"]}

    pdf = render(make(seller=seller, recipient={"heading": "", "name": "ش", "lines": [], "ids": []}))

    right = max(box[2] for letter, box, _ in reader.boxes(pdf) if letter == "t" and box[3] > 600)
    middle = (210 - 2 * 20 - 12) / 2 + 20
    assert right == pytest.approx(middle / 25.4 * 72, abs=3)


def test_bank_details_of_the_seller_stand_at_the_foot():
    said = reader.text(render(papers.invoice()))

    foot = "Berliner Volksbank · DE89 3704 0044 0532 0130 00"
    assert said.index("Managing director: Anna Weber") < said.index(foot)


def test_document_from_before_there_were_bank_details_is_drawn():
    data = papers.invoice()
    del data["seller"]["bank"]

    assert render(data) == render(papers.invoice(seller=papers.seller(bank=[])))


@each_kind
def test_all_fonts_are_ours_and_inside(make):
    pdf = render(make())

    assert reader.fonts(pdf)
    assert {name.partition("-")[0] for name in reader.fonts(pdf)} <= {
        "NotoSans",
        "NotoNaskhArabic",
        "NotoNastaliqUrdu",
        "NotoSansDevanagari",
        "NotoSansBengali",
    }


def test_no_font_of_the_machine_or_of_typst_is_known():
    assert sorted(drawing._fonts().families()) == [
        "Noto Naskh Arabic",
        "Noto Nastaliq Urdu",
        "Noto Sans",
        "Noto Sans Bengali",
        "Noto Sans Devanagari",
    ]


def test_document_in_urdu_is_set_in_nastaliq():
    assert "NotoNastaliqUrdu-Regular" in reader.fonts(render(papers.urdu()))
    assert "NotoNastaliqUrdu-Regular" not in reader.fonts(render(papers.arabic()))


def test_all_that_the_data_say_is_printed():
    printed = reader.text(render(papers.invoice()))

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


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792))])
def test_invoice_with_a_sign_fits_one_page_of_both_papers(paper, size):
    pdf = render(papers.invoice(paper=paper, sign="DEMO - DO NOT PAY"))

    assert len(reader.pages(pdf)) == 1
    assert reader.sizes(pdf) == {size}
    assert "DEMO - DO NOT PAY" in reader.text(pdf)


def test_sign_stands_on_every_page():
    assert all("Copy" in page for page in reader.pages(render(papers.statement(60, sign="Copy"))))


def test_tables_have_header_cells_and_pictures_an_alternative():
    logo = {"type": "svg", "content": base64.b64encode(SVG).decode()}

    pdf = render(papers.invoice(seller=papers.seller(logo=logo)))

    found = reader.tags(pdf)
    assert (found["H1"], found["Table"], found["TH"], found["Figure"]) == (1, 2, 9, 2)
    assert sorted(reader.alternatives(pdf)) == ["Northwind Cloud Services GmbH", "QR code with the same bank details"]


@pytest.mark.parametrize(("kind", "content"), [("png", PNG), ("svg", SVG)])
def test_logo_is_drawn_in_place_of_the_name(kind, content):
    logo = {"type": kind, "content": base64.b64encode(content).decode()}

    [picture] = reader.pictures(pdf := render(papers.invoice(seller=papers.seller(logo=logo, footer=""))), dpi=72)

    with_logo = reader.text(pdf)
    without = reader.text(render(papers.invoice(seller=papers.seller(footer=""))))
    assert without.count("Northwind Cloud Services GmbH") - with_logo.count("Northwind Cloud Services GmbH") == 1
    head = picture.crop((57, 40, 250, 100))
    assert (0x0F, 0x76, 0x6E) in {color for _, color in head.getcolors(100_000)}


@pytest.mark.parametrize("dpi", [150, 300])
def test_a_phone_reads_the_code_on_the_paper(dpi):
    [picture] = reader.pictures(render(papers.invoice()), dpi)

    [code] = zxingcpp.read_barcodes(picture)

    assert code.text.startswith("BCD\n002\n1\nSCT\n")
    assert "DE89370400440532013000\nEUR250.00" in code.text


def test_head_of_a_long_table_stands_on_each_page():
    found = reader.pages(render(papers.statement(60)))

    assert len(found) >= 2
    assert all("Description" in page and "Balance" in page for page in found[:2])
    assert all(f"Page {number} of {len(found)}" in page for number, page in enumerate(found, 1))
    assert all("Charlottenburg HRB 123456 B" in page for page in found)


@pytest.mark.parametrize("count", [0, 1, 300])
def test_every_row_is_printed_once(count):
    data = papers.statement(count)
    data["sections"][0]["rows"] = [[f"row{number:03}", "", "", "", "", ""] for number in range(count)]

    printed = reader.text(render(data))

    assert [printed.count(f"row{number:03}") for number in range(count)] == [1] * count


def test_row_of_several_lines_stays_on_one_page():
    words = f"first {'middle ' * 40}last"
    data = papers.statement(40)
    data["sections"][0]["rows"] = [["1 May 2026", "", words, "", "", ""]] * 40

    found = reader.pages(render(data))

    assert len(found) > 1
    assert all(page.count("first") == page.count("last") for page in found)


def test_almost_empty_data_are_a_document():
    data = papers.invoice(number="", facts=[], sections=[], totals=[], notes=[], payment=None)
    data["recipient"] = {"heading": "", "name": "", "lines": [], "ids": []}
    data["seller"] = papers.seller(lines=[], ids=[], contact=[], footer="", mark="")

    assert "Invoice" in reader.text(render(data))


MARKUP = r"""#sys.inputs *bold* _under_ `raw` $x^2$ <label> @ref \ // no /* no */ = - + 1. --- ... ~ "q" 'q' [b] {c}"""


def test_signs_of_markup_are_printed_as_they_are():
    data = papers.invoice()
    data["recipient"]["name"] = MARKUP

    assert MARKUP in reader.text(render(data))


def test_marks_of_direction_are_not_printed():
    data = papers.invoice()
    data["recipient"]["name"] = "\u202eAlpha\u202c \u2067Trading\u2069\u200f"

    assert render(data) == render(papers.invoice() | {"recipient": data["recipient"] | {"name": "Alpha Trading"}})


@pytest.mark.parametrize("words", ["AE07 0331 2345 6789 0123 456", "+971 4 123 4567", "2026-05-31", "7K4M-9P2X-3B"])
def test_numbers_in_an_arabic_document_keep_their_order(words):
    data = papers.arabic(facts=[{"label": "الفترة", "value": "من 2026-05-01 إلى 2026-05-31"}], notes=[])
    data["payment"]["facts"] = [
        {"label": "رقم الآيبان", "value": "AE07 0331 2345 6789 0123 456"},
        {"label": "المرجع", "value": "رقم 7K4M-9P2X-3B"},
    ]

    seen = reader.lines(render(data))

    assert any(words.replace(" ", "") in line for line in seen), seen


LONG = {
    "one word": "W" * 300,
    "words": "Lorem ipsum dolor sit amet " * 11,
    "arabic": "مؤسسة النور للتجارة " * 15,
    "one arabic word": "مؤسسة" * 60,
    "devanagari": "नमस्तेक्ष" * 33,
}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (papers.invoice, "one word"),
        (papers.statement, "one word"),
        (papers.statement, "words"),
        (papers.arabic, "arabic"),
        (papers.arabic, "one arabic word"),
        (papers.urdu, "one word"),
        (papers.invoice, "devanagari"),
    ],
)
def test_long_texts_stay_on_the_page(make, words):
    pdf = render(filled(make(paper="letter"), LONG[words]))

    outside = [
        (letter, box)
        for letter, box, page in reader.boxes(pdf)
        if box[0] < 52 or box[2] > page[2] - 52 or box[1] < 9 or box[3] > page[3] - 9
    ]
    assert outside == []


def filled(data: Any, words: str) -> Any:
    """Every text as long as somebody may write it."""
    pair = {"label": words[:80], "value": words[:120]}
    data |= {"title": words[:100], "number": words[:60], "sign": words[:120], "facts": [pair] * 5, "notes": [words]}
    data["seller"] |= {"name": words, "lines": [words], "contact": [words], "footer": words, "mark": words[:50]}
    data["recipient"] = {"heading": words[:60], "name": words, "lines": [words] * 2, "ids": [pair]}
    data["totals"] = [{"label": words, "value": words[:60], "strong": strong} for strong in (False, True)]
    for section in data["sections"]:
        section["heading"] = words[:90]
        section["columns"] = [column | {"label": words[:40]} for column in section["columns"]]
        section["rows"] = [[words if number % 2 else words[:30] for number in range(len(section["columns"]))]] * 3
    if data["payment"]:
        data["payment"] |= {"heading": words[:100], "facts": [pair] * 3, "text": [words]}
        data["payment"]["code"] |= {"caption": words[:80]}
    return data


def test_letters_without_a_font_are_named():
    data = papers.invoice()
    data["recipient"]["name"] = "บริษัท 株式会社 Ltd"

    with pytest.raises(MissingLetters) as refusal:
        render(data)

    assert refusal.value.letters == list("บริษัท株式会社")
    assert refusal.value.scripts == ["Thai", "Chinese"]
    assert "株 (Chinese)" in str(refusal.value)
    assert isinstance(refusal.value, PermanentFailure)


def test_marks_of_several_fonts_over_one_letter_are_named():
    data = papers.arabic(notes=["\ufc51\ua675\ua839\u1dcd"])

    with pytest.raises(MissingLetters) as refusal:
        render(data)

    assert "\u1dcd" in refusal.value.letters


def test_logo_that_is_no_picture_fails_for_good():
    logo = {"type": "png", "content": base64.b64encode(b"no picture").decode()}

    with pytest.raises(NotDrawn) as refusal:
        render(papers.invoice(seller=papers.seller(logo=logo)))

    assert isinstance(refusal.value, PermanentFailure)


class PanicException(BaseException):
    pass


class Panicking:
    def compile(self, **_: object) -> bytes:
        raise PanicException("end byte index 8 is out of bounds")


def test_panic_inside_typst_fails_for_good_and_the_next_document_is_drawn(monkeypatch):
    monkeypatch.setattr(drawing._local, "compiler", Panicking(), raising=False)

    with pytest.raises(NotDrawn, match="out of bounds"):
        render(papers.invoice())
    assert render(papers.invoice())


def test_threads_render_at_the_same_time():
    alone = [render(make()) for make in KINDS.values()]

    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda make: render(make()), [*KINDS.values()] * 3))

    assert together == alone * 3
