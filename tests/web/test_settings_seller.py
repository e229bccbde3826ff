"""Company and brand in the settings of the desk, by plain requests as without JavaScript."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from core.models import Invoice, Logo, NumberSeries, Seller, SellerVersion
from engine import create, perform
from tests.factories import COMPANY, InvoiceFactory, SubscriptionFactory, staff_of_all_settings
from tests.web.conftest import signed_in
from tests.workflows.documents.logos import PNG, SVG
from workflows.actions.seller import save_seller

pytestmark = pytest.mark.django_db

COMPANY_PAGE, BRAND_PAGE = "/desk/settings/company/", "/desk/settings/brand/"
NUMBERS_PAGE = "/desk/settings/numbers/"


@pytest.fixture
def ann() -> Client:
    return signed_in(staff_of_all_settings(email="ann@staff.test"))


@pytest.fixture
def acme() -> SellerVersion:
    return save_seller(COMPANY, by=None)


def said(answer) -> str:
    return " ".join(map(str, answer.context["messages"]))


def words(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def standing(client: Client, page: str, form: str = "form") -> dict[str, object]:
    values = {field.html_name: field.value() for field in client.get(page).context[form]}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def send(client: Client, page: str, **values: object):
    return client.post(page, standing(client, page) | values, follow=True)


def picture(content: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_company_is_named_and_its_papers_wait_no_longer(ann):
    assert "The company is not named yet" in words(ann.get(COMPANY_PAGE))
    assert "First name the company" in words(ann.get(BRAND_PAGE))
    given = COMPANY | {
        "tax_label_0": "VAT number",
        "tax_value_0": "GB123456789",
        "website": "https://acme.example",
        "bank_details": "Example Bank\nGB29 NWBK 6016 1331 9268 19",
    }

    answer = send(ann, COMPANY_PAGE, **given)

    assert "Saved as version 1." in said(answer)
    version = SellerVersion.current()
    assert (version.legal_name, version.country, version.saved_by.email) == ("Acme Ltd", "GB", "ann@staff.test")
    assert version.tax_ids == [{"label": "VAT number", "value": "GB123456789"}]
    assert version.bank_details == "Example Bank\nGB29 NWBK 6016 1331 9268 19"
    assert "not named yet" not in words(answer)
    assert "This is version 1, by ann@staff.test" in words(answer)


def test_change_is_a_version_and_what_the_other_page_holds_stays(ann, acme):
    send(ann, BRAND_PAGE, brand_name="Acme Cloud", terms="Pay in time.")

    send(ann, COMPANY_PAGE, city="Shelbyville")

    assert SellerVersion.objects.count() == 3
    version = SellerVersion.current()
    assert (version.number, version.city, version.brand_name, version.terms) == (
        3,
        "Shelbyville",
        "Acme Cloud",
        "Pay in time.",
    )
    assert SellerVersion.objects.get(number=1).city == "Springfield"


def test_page_saved_as_it_stands_makes_no_version(ann, acme):
    for page in (COMPANY_PAGE, BRAND_PAGE):
        assert "Saved as version 1." in said(send(ann, page))

    assert SellerVersion.objects.count() == 1


def test_tax_ids_are_added_and_taken_away(ann, acme):
    for row in range(5):
        answer = send(ann, COMPANY_PAGE, **{f"tax_label_{row}": "VAT", f"tax_value_{row}": str(row)})
        assert "Saved as" in said(answer)
    assert [each["value"] for each in SellerVersion.current().tax_ids] == ["0", "1", "2", "3", "4"]
    assert "tax_label_5" not in standing(ann, COMPANY_PAGE)

    send(ann, COMPANY_PAGE, tax_label_0="", tax_value_0="")

    assert [each["value"] for each in SellerVersion.current().tax_ids] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("page", "change", "field"),
    [
        (COMPANY_PAGE, {"legal_name": ""}, "legal_name"),
        (COMPANY_PAGE, {"legal_name": "x" * 151}, "legal_name"),
        (COMPANY_PAGE, {"address_line1": ""}, "address_line1"),
        (COMPANY_PAGE, {"city": "a\x00b"}, "city"),
        (COMPANY_PAGE, {"country": ""}, "country"),
        (COMPANY_PAGE, {"country": "ZZ"}, "country"),
        (COMPANY_PAGE, {"email": "nobody"}, "email"),
        (COMPANY_PAGE, {"website": "javascript:alert(1)"}, "website"),
        (COMPANY_PAGE, {"tax_label_0": "VAT"}, "tax_label_0"),
        (COMPANY_PAGE, {"tax_value_0": "1"}, "tax_label_0"),
        (COMPANY_PAGE, {"tax_label_0": "x" * 41, "tax_value_0": "1"}, "tax_label_0"),
        (BRAND_PAGE, {"colour": "red"}, "colour"),
        (BRAND_PAGE, {"colour": ""}, "colour"),
        (BRAND_PAGE, {"paper": "a5"}, "paper"),
        (BRAND_PAGE, {"reply_to": "nobody"}, "reply_to"),
        (BRAND_PAGE, {"support_url": "ftp://acme.example"}, "support_url"),
        (BRAND_PAGE, {"brand_name": "x" * 61}, "brand_name"),
        (BRAND_PAGE, {"terms": "x" * 1001}, "terms"),
        (BRAND_PAGE, {"file": "no file"}, ""),  # a text in its place is no file, and none is sent
    ],
)
def test_wrong_input_is_shown_beside_its_field(ann, acme, page, change, field):
    answer = send(ann, page, **change)

    if field:
        assert field in answer.context["form"].errors
    assert SellerVersion.objects.count() == 1


@pytest.mark.parametrize("content", [PNG, SVG])
def test_logo_is_shown_and_taken_away(ann, acme, content):
    answer = send(ann, BRAND_PAGE, file=picture(content))

    assert "Saved as version 2." in said(answer)
    assert bytes(SellerVersion.current().logo.content) == content
    assert f'<img src="{reverse("brand_logo", args=[Logo.objects.get().sha256])}"' in answer.content.decode()
    assert send(ann, BRAND_PAGE, brand_name="Acme Cloud").context["version"].logo is not None
    assert send(ann, BRAND_PAGE, without_logo="on").context["version"].logo is None
    assert Logo.objects.count() == 1  # kept: documents show it


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"GIF89a", "neither a PNG nor an SVG"),
        (PNG + b"\0" * 200_000, "more than 200 kB"),
        (SVG.replace(b"</svg>", b"<script/></svg>"), "may not have &lt;script&gt;"),
        (SVG.replace(b"</svg>", b'<image href="https://evil.example/"/></svg>'), "may not have &lt;image&gt;"),
    ],
)
def test_logo_that_is_no_plain_picture_is_refused_by_name(ann, acme, content, why):
    answer = send(ann, BRAND_PAGE, file=picture(content))

    assert why in answer.content.decode()
    assert "file" in answer.context["form"].errors
    assert SellerVersion.objects.count() == 1


def test_numbers_of_documents_are_saved_for_what_follows(ann, acme):
    NumberSeries.objects.create(code="1/receipt", next=42)
    page = ann.get(NUMBERS_PAGE)
    assert re.search(r"Invoices INV-20\d\d-000001 ", words(page))
    data = {"invoice": "A-{number:04}", "credit_note": "C-{year}.{number:04}", "receipt": "R-{number:04}"}

    shown = [ann.post(NUMBERS_PAGE, data | {"preview": "yes"}), ann.post(f"{NUMBERS_PAGE}preview/", data)]
    assert Seller.current().number_templates["invoice"] != "A-{number:04}"
    answer = ann.post(NUMBERS_PAGE, data, follow=True)

    for each in shown:
        assert re.search(r"A-0001 .*C-20\d\d\.0001 .*R-0042 ", words(each))
    assert "issued from now on" in said(answer)
    assert Seller.current().number_templates["invoice"] == "A-{number:04}"
    assert SellerVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"invoice": "inv-{number}"}, "invoice", "Write capital letters"),
        ({"invoice": "INV-{count}"}, "invoice", "Write capital letters"),
        ({"invoice": "RC-{number:06}"}, "invoice", "cannot begin with the same letters"),  # as receipts
        ({"receipt": ""}, "receipt", "required"),
        ({"credit_note": "C-{number.__class__}"}, "credit_note", "Write capital letters"),
        ({"invoice": "OLD-{number:06}"}, "invoice", "OLD-000007 is given already"),
    ],
)
def test_wrong_template_of_numbers_is_shown_again_and_says_why(ann, acme, change, field, why):
    subscription = SubscriptionFactory()
    invoice = Invoice(account=subscription.account, subscription=subscription, currency="USD", total=89)
    create(invoice)
    perform(invoice.issue, number="OLD-000007", issued_on=date(2026, 5, 3), due_on=date(2026, 5, 9), snapshot={})
    before = Seller.current().number_templates
    data = standing(ann, NUMBERS_PAGE) | change

    answer = ann.post(NUMBERS_PAGE, data)
    preview = ann.post(f"{NUMBERS_PAGE}preview/", data)

    assert why in str(answer.context["form"].errors[field])
    assert why in words(preview)
    assert "Next numbers" not in words(preview)
    assert Seller.current().number_templates == before


def test_sample_is_a_pdf_and_takes_no_number(ann, acme):
    InvoiceFactory()
    before = list(Seller.objects.values())

    answer = ann.get(reverse("settings_sample"))

    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert list(Seller.objects.values()) == before
    assert signed_in(staff_of_all_settings()).get(reverse("settings_sample")).status_code == 200


def test_sample_without_a_company_is_not_found_and_with_a_letter_of_no_font_is_told(ann):
    assert ann.get(reverse("settings_sample")).status_code == 404
    save_seller(COMPANY | {"legal_name": "ราชา จำกัด"}, by=None)

    answer = ann.get(reverse("settings_sample"), follow=True)

    assert "No font has the letters" in said(answer)
