"""All that a document says, as JSON: texts are translated and formatted, the template only lays them out."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Kind = Literal["invoice", "proforma", "receipt", "credit_note", "statement", "reminder", "cancellation"]


class LabelledValue(TypedDict):
    label: str
    value: str


class Logo(TypedDict):
    type: Literal["png", "svg"]
    content: str  # base64


class Seller(TypedDict):
    name: str
    lines: list[str]
    ids: list[LabelledValue]
    contact: list[str]
    bank: NotRequired[list[str]]  # of documents from before there was none
    logo: Logo | None
    colour: str  # "#rrggbb"
    footer: str
    mark: str


class Recipient(TypedDict):
    heading: str
    name: str
    lines: list[str]
    ids: list[LabelledValue]


class Column(TypedDict):
    label: str
    align: Literal["start", "end"]


class Section(TypedDict):
    """A table; each row has a text for each column."""

    heading: str
    columns: list[Column]
    rows: list[list[str]]
    strong_rows: list[int]


class Total(TypedDict):
    label: str
    value: str
    strong: bool


class Code(TypedDict):
    svg: str
    alternative: str  # read aloud instead of the picture
    caption: str


class PaymentPart(TypedDict):
    heading: str
    facts: list[LabelledValue]
    text: list[str]
    code: Code | None


class Labels(TypedDict):
    page: str  # "Page {page} of {pages}"


class DocumentData(TypedDict):
    kind: Kind
    language: str
    direction: Literal["ltr", "rtl"]
    paper: Literal["a4", "letter"]
    title: str
    number: str
    made_on: str  # ISO date; also the file's date of creation, so that equal data give equal bytes
    sign: str  # printed on each page, such as "Copy"; or blank
    seller: Seller
    recipient: Recipient
    facts: list[LabelledValue]
    sections: list[Section]
    totals: list[Total]
    notes: list[str]
    payment: PaymentPart | None
    labels: Labels


class Attachment(TypedDict):
    """A file inside the PDF that says the same in another form, as an e-invoice does."""

    name: str
    type: str  # "text/xml"
    content: str
    description: str
