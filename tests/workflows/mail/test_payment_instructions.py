from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from core.models import Account, Invoice, PaymentMethod
from core.payees.qr_codes import payment_code
from tests.factories import InvoiceFactory, PaymentMethodFactory
from workflows.mail.payment_instructions import instructions_for, reference_for, ways_to_pay
from workflows.payees.example_instructions import INSTRUCTIONS

SEPA_PAYEE = {"holder": "Example Demo GmbH", "iban": "DE89370400440532013000", "bic": "DEUTDEFFXXX"}
NASTY = '<script>alert(1)</script> [x](https://evil.example) *b* {amount} {0.__class__} & "q"'


def owed(**change):
    facts = {
        "account": Account(name="Demo Ltd"),
        "number": "INV-000123",
        "payment_reference": "K2M7X4R907",
        "currency": "USD",
        "total": Decimal("25089"),
        "allocated": Decimal("89"),
        "due_on": date(2026, 11, 3),
        "status": "partially_paid",
    }
    return Invoice(**facts | change)


def filled(text, language="en", *, invoice=None, **method):
    instructions = text if isinstance(text, dict) else {"en": text}
    return instructions_for(PaymentMethod(instructions=instructions, **method), invoice or owed(), language)


def test_instructions_ask_for_the_open_amount():
    shown = filled("Send {amount} {currency} by {due_date}, for {account_name}: {reference}")

    assert shown.text == "Send 25,000.00 USD by 3 November 2026, for Demo Ltd: K2M7X4R907"


def test_values_are_isolated_from_the_sentence_in_html():
    assert '<bdi class="unbroken">K2M7X4R907</bdi>' in filled("Write {reference}.").html


def test_method_whose_words_name_the_creditor_reference_has_it_everywhere():
    invoice, asks = owed(), {"en": "Write {rf_reference}.", "de": "Verwendungszweck: {reference}"}
    method = PaymentMethod(kind="bank_transfer", currency="EUR", instructions=asks, fields=SEPA_PAYEE)
    reference = reference_for(invoice, method)

    assert reference == "RF71K2M7X4R907"
    assert iso11649.is_valid(reference)
    assert instructions_for(method, invoice, "en").text == f"Write {reference}."
    assert instructions_for(method, invoice, "de").text == f"Verwendungszweck: {reference}"
    assert str(payment_code(method, Decimal(1), "EUR", reference)).split("\n")[9] == reference


def test_other_methods_have_the_plain_reference():
    method = PaymentMethod(instructions={"en": "Write {reference}."})

    assert reference_for(owed(), method) == "K2M7X4R907"


@pytest.mark.parametrize(("longest", "is_taken"), [(None, True), (14, True), (13, False), (12, False)])
def test_creditor_reference_is_asked_for_only_where_it_reaches_us_whole(longest, is_taken):
    method = PaymentMethod(kind="cash", is_enabled=False, instructions={"en": "{rf_reference}"}, reference_max=longest)

    with nullcontext() if is_taken else pytest.raises(ValidationError, match="14 characters"):
        method.clean()


@pytest.mark.parametrize(
    ("has", "asked", "given_", "direction"),
    [
        (["en", "ar"], "ar", "ar", "rtl"),
        (["en", "ar"], "ar-SA", "ar", "rtl"),
        (["en", "pt-BR"], "pt", "pt-BR", "ltr"),
        (["en", "ar"], "ur", "en", "ltr"),
        (["sw"], "ar", "sw", "ltr"),
        (["tlh"], "en", "tlh", "ltr"),
        ([], "ar", "ar", "rtl"),
    ],
)
def test_the_nearest_language_that_is_written_is_shown(has, asked, given_, direction):
    shown = filled({code: f"words in {code}" for code in has}, asked)

    assert (shown.language, shown.direction) == (given_, direction)
    assert shown.text == (f"words in {given_}" if has else "")


def test_dates_speak_the_language_of_the_words():
    assert "3 نوفمبر 2026" in filled({"ar": "حتى {due_date}"}, "ar").text
    assert "3. November" not in filled({"en": "by {due_date}"}, "ar").text
    assert "3 November 2026" in filled({"en": "by {due_date}"}, "ar").text


@pytest.mark.parametrize(
    "text",
    ["{amount!r}", "{amount.__class__}", "{0}", "{}", "{amount:>50}", "{ amount }", "{AMOUNT}", "{iban}", "%(amount)s"],
)
def test_unknown_placeholder_stays_as_it_is(text):
    assert filled(f"see `{text}` there").text == f"see {text} there"


def test_a_customer_s_name_is_only_ever_words():
    shown = filled("For {account_name}: `{account_name}`", invoice=owed(account=Account(name=NASTY)))

    assert "<script" not in shown.html
    assert "<a" not in shown.html
    assert "<em>" not in shown.html
    assert shown.text == f"For {NASTY}: {NASTY}"


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "<b>bold</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,hi)",
        "[x](file:///etc/passwd)",
        "[x](//evil.example)",
        "[x](/local)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "![pixel](https://evil.example/p.png)",
    ],
)
def test_an_operator_s_markdown_brings_no_html_no_scripts_and_no_pictures(text):
    html = filled(text).html

    assert "<img" not in html
    assert "<b>" not in html
    assert "href" not in html or 'href="https://evil.example/p.png"' in html


def test_links_lead_where_they_say_with_values_made_safe():
    invoice = owed(account=Account(name="A&B/1 2"))
    shown = filled(
        "[pay](https://pay.example/?r={account_name}) or [bills@demo.test](mailto:bills@demo.test)", invoice=invoice
    )

    assert '<a href="https://pay.example/?r=A%26B%2F1%202" rel="noopener noreferrer">' in shown.html
    assert shown.text == "pay (https://pay.example/?r=A%26B%2F1%202) or bills@demo.test"


def test_markdown_reads_well_as_plain_text():
    shown = filled(
        "## Steps\n\n1. Open the **app**\n2. Choose\n   - *Pay Bill*\n   - `{reference}`\n\n"
        "Line one\\\nline two\n\n> mind\n> this"
    )

    assert shown.text.splitlines() == [
        "Steps", "", "1. Open the app", "2. Choose", "  - Pay Bill", "  - K2M7X4R907", "",
        "Line one", "line two", "", "> mind this",
    ]  # fmt: skip


def test_a_demo_says_so_once():
    shown = filled("DEMO - DO NOT PAY\n\nSend it.", is_demo=True)

    assert shown.text == "DEMO - DO NOT PAY\n\nSend it."
    assert shown.html.count("DEMO - DO NOT PAY") == 1
    assert "DEMO" in filled("", is_demo=True).text
    assert "DEMO" not in filled("DEMO - DO NOT PAY\n\nSend it.").text


@pytest.mark.parametrize("code", INSTRUCTIONS)
def test_every_seeded_text_is_filled_in_whole(code):
    for language in INSTRUCTIONS[code]:
        shown = filled(INSTRUCTIONS[code], language)

        assert shown.language == language
        assert "K2M7X4R907" in shown.text
        assert "{" not in shown.text


@given(st.text(max_size=300), st.text(max_size=60))
def test_no_text_of_an_operator_or_customer_breaks_it(text, name):
    shown = filled(text + "{account_name}", invoice=owed(account=Account(name=name)))

    assert "<script" not in shown.html.lower()


@pytest.mark.parametrize(
    "instructions",
    [
        {"en": "Send {amont}"},
        {"en": "Send {amount!r}"},
        {"en": ""},
        {"en": 5},
        {"en": None},
        {"English": "x"},
        {"": "x"},
        {"en": "a\x00b"},
        {"en": "\ud800"},
        {"en": "x" * 5001},
        ["en"],
        "Send it",
        None,
    ],
)
def test_instructions_that_cannot_be_shown_are_refused(instructions):
    method = PaymentMethod(kind="cash", is_enabled=False, instructions=instructions)

    with pytest.raises(ValidationError) as refusal:
        method.clean()

    assert list(refusal.value.message_dict) == ["instructions"]


def test_good_instructions_are_taken():
    for instructions in ({}, {"en": "{amount} {currency}", "pt-BR": "{reference}", "zh-Hans": "x"}):
        PaymentMethod(kind="cash", is_enabled=False, instructions=instructions).clean()


@pytest.mark.django_db
def test_the_chosen_method_comes_first_and_only_what_takes_the_currency():
    def method(code, **fields):
        return PaymentMethodFactory(code=code, name=code, **{"country": "US", "currency": "USD", **fields})

    method("us_2", position=2)
    chosen = method("us_3", position=3)
    method("us_1", position=1)
    method("euro", currency="EUR")
    method("any", country="", currency="")
    method("elsewhere", country="PK")
    method("closed", is_enabled=False)
    invoice = InvoiceFactory(payment_method=chosen)

    assert [way.code for way in ways_to_pay(invoice)] == ["us_3", "us_1", "us_2", "any"]


@pytest.mark.django_db
def test_disabled_payment_method_is_not_offered_even_if_chosen():
    chosen = PaymentMethodFactory(is_enabled=False)

    assert ways_to_pay(InvoiceFactory(payment_method=chosen)) == []
