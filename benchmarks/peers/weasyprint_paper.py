"""WeasyPrint with the content of a document of ours, tagged and as PDF/A-3a; it cannot claim PDF/UA beside it.

Its style sheet and fonts are read once, as its documentation advises for many documents:
https://doc.courtbouillon.org/weasyprint/stable/common_use_cases.html
"""

from __future__ import annotations

import base64
import time
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration

from benchmarks.json_command_loop import answer_commands
from benchmarks.made_up_xml import xml_for

HERE = Path(__file__).parent
FONTS = HERE.parents[1] / "workflows" / "documents" / "fonts"
PAGE = Template((HERE / "weasyprint_paper.html").read_text())
FACES = "".join(
    f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("{(FONTS / file).as_uri()}") }}'
    for family, weight, file in (
        ("Noto Sans", "normal", "NotoSans-Regular.ttf"),
        ("Noto Sans", "bold", "NotoSans-Bold.ttf"),
        ("Noto Naskh Arabic", "normal", "NotoNaskhArabic-Regular.ttf"),
        ("Noto Naskh Arabic", "bold", "NotoNaskhArabic-Bold.ttf"),
    )
)
FONT_CONFIGURATION = FontConfiguration()
STYLE = CSS(string=FACES + (HERE / "weasyprint_paper.css").read_text(), font_config=FONT_CONFIGURATION)


def pdf(data: dict[str, Any]) -> Any:
    return HTML(string=html(data)).render(stylesheets=[STYLE], font_config=FONT_CONFIGURATION)


def written(data: dict[str, Any], xml: str, *, plain: bool) -> bytes:
    if plain:
        return bytes(pdf(data).write_pdf())
    document = pdf(data)
    file = Attachment(string=xml, name="factur-x.xml", description="Factur-X invoice", relationship="Alternative")
    document.metadata.attachments = [file]
    return bytes(document.write_pdf(pdf_variant="pdf/a-3a", pdf_tags=True))


def html(data: dict[str, Any]) -> str:
    seller, recipient = data["seller"], data["recipient"]
    return PAGE.substitute(
        language=data["language"],
        direction=data["direction"],
        title=escape(data["title"]),
        number=escape(data["number"]),
        made_on=data["made_on"],
        seller_name=escape(seller["name"]),
        seller_lines=lines(seller["lines"]),
        seller_contact=lines(seller["contact"]),
        seller_ids=pairs(seller["ids"]),
        footer=escape(seller["footer"]),
        mark=escape(seller["mark"]),
        recipient_heading=escape(recipient["heading"]),
        recipient_name=escape(recipient["name"]),
        recipient_lines=lines(recipient["lines"]),
        recipient_ids=pairs(recipient["ids"]),
        facts="".join(
            f'<div><span class="small">{escape(fact["label"])}</span><br>{escape(fact["value"])}</div>'
            for fact in data["facts"]
        ),
        sections="".join(map(section, data["sections"])),
        notes="".join(f"<p>{escape(note)}</p>" for note in data["notes"]),
        totals="".join(
            f"<tr{' class=strong' if total['strong'] else ''}><td>{escape(total['label'])}</td>"
            f'<td class="end">{escape(total["value"])}</td></tr>'
            for total in data["totals"]
        ),
        payment=payment(data["payment"]) if data["payment"] else "",
    )


def section(part: dict[str, Any]) -> str:
    sides = [f' class="{column["align"]}"' for column in part["columns"]]
    heads = "".join(
        f"<th{side}>{escape(column['label'])}</th>" for side, column in zip(sides, part["columns"], strict=True)
    )
    rows = "".join(
        f"<tr{' class=strong' if number in part['strong_rows'] else ''}>"
        + "".join(f"<td{side}>{escape(cell)}</td>" for side, cell in zip(sides, row, strict=True))
        + "</tr>"
        for number, row in enumerate(part["rows"])
    )
    heading = f"<h2>{escape(part['heading'])}</h2>" if part["heading"] else ""
    return f"{heading}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def payment(part: dict[str, Any]) -> str:
    facts = "".join(
        f'<tr><td class="small">{escape(fact["label"])}</td><td>{escape(fact["value"])}</td></tr>'
        for fact in part["facts"]
    )
    words = "".join(f"<p>{escape(text)}</p>" for text in part["text"])
    told = f"<h2>{escape(part['heading'])}</h2><table>{facts}</table>{words}"
    return f'<div class="payment"><div>{told}</div>{code(part)}</div>'


def code(part: dict[str, Any]) -> str:
    if not part["code"]:
        return ""
    picture = base64.b64encode(part["code"]["svg"].encode()).decode()
    alternative, caption = escape(part["code"]["alternative"]), escape(part["code"]["caption"])
    source = f"data:image/svg+xml;base64,{picture}"
    return f'<div class="code"><img alt="{alternative}" src="{source}"><br>{caption}</div>'


def lines(texts: list[str]) -> str:
    return "<br>".join(map(escape, texts))


def pairs(facts: list[dict[str, str]]) -> str:
    return "<br>".join(f'<span class="small">{escape(fact["label"])}</span> {escape(fact["value"])}' for fact in facts)


def make(data: dict[str, Any], count: int, *, plain: bool = False) -> dict[str, float]:
    """Each is another document. Making the XML is not counted."""
    mark = time.monotonic_ns() % 10**9
    papers = [
        data
        | {
            "number": f"INV-{mark}-{number}",
            "recipient": data["recipient"] | {"name": f"Alpha Trading {mark}-{number}"},
        }
        for number in range(count)
    ]
    files = [xml_for(paper) for paper in papers]
    started = time.process_time()
    for paper, xml in zip(papers, files, strict=True):
        written(paper, xml, plain=plain)
    return {"seconds": time.process_time() - started}


def pages(data: dict[str, Any]) -> int:
    return len(pdf(data).pages)


def size(data: dict[str, Any]) -> int:
    return len(written(data, xml_for(data), plain=False))


if __name__ == "__main__":
    answer_commands(make=make, pages=pages, size=size)
