# ruff: noqa: RUF001 - digits and signs of other scripts are meant

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import minor_units, money_text
from core.validation.amounts import OtherCurrencyError, TooManyDigitsError, is_as_written, readings
from tests.hypothesis_profile import deterministic
from web.amounts import grouped
from web.forms.base import PageForm
from web.forms.fields import Amount

CURRENCIES = ["USD", "JPY", "KWD", "INR", "EUR"]


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("89", "USD", "89.00"),
        ("89.00", "USD", "89.00"),
        ("1,234.50", "USD", "1234.50"),
        ("12,500", "USD", "12500.00"),
        ("1,23,456.50", "INR", "123456.50"),
        ("12,34,567", "INR", "1234567.00"),
        ("89,00", "EUR", "89.00"),
        ("89,5", "EUR", "89.50"),
        ("1.234,50", "EUR", "1234.50"),
        ("1.234.567", "EUR", "1234567.00"),
        ("1 234,50", "EUR", "1234.50"),
        ("1\u202f234,50 €", "EUR", "1234.50"),
        ("1’234.50", "CHF", "1234.50"),
        ("89.-", "CHF", "89.00"),
        ("Rs. 500/-", "PKR", "500.00"),
        ("$ 89.00", "USD", "89.00"),
        ("89.00 usd", "USD", "89.00"),
        ("R$ 1.234,50", "BRL", "1234.50"),
        ("٨٩٫٥٠", "SAR", "89.50"),
        ("١٬٢٣٤٫٥٠ ر.س", "SAR", "1234.50"),
        ("۸۹", "PKR", "89.00"),
        ("８９．００", "JPY", "89"),
        ("1.500", "JPY", "1500"),
        ("1.500.000 ₫", "VND", "1500000"),
        ("1.5", "KWD", "1.500"),
        ("0,345", "KWD", "0.345"),
        ("1,500.000", "KWD", "1500.000"),
        ("12 500", "TND", "12500.000"),
    ],
)
def test_amount_with_one_meaning_is_read(text, currency, amount):
    assert [money_text(each, currency) for each in readings(text, currency)] == [amount]


@pytest.mark.parametrize(
    ("text", "currency", "amounts"),
    [
        ("12,500", "TND", ["12.500", "12500.000"]),
        ("1.500", "KWD", ["1.500", "1500.000"]),
        ("89,000", "KWD", ["89.000", "89000.000"]),
        ("1.500", "USD", ["1.50", "1500.00"]),
        ("50.000", "IDR", ["50.00", "50000.00"]),
    ],
)
def test_amount_with_two_meanings_has_both(text, currency, amounts):
    assert [money_text(each, currency) for each in readings(text, currency)] == amounts


@pytest.mark.parametrize(
    "text", ["", ".50", "-5", "−5", "1e3", "0x10", "1_000", "1½", "1²", "1,234,56", "1.2.3", "(5)"]
)
def test_invalid_amount_has_no_meaning(text):
    assert readings(text, "USD") == []


def test_sign_of_another_currency_is_refused():
    with pytest.raises(OtherCurrencyError):
        readings("89,00 EUR", "USD")
    with pytest.raises(OtherCurrencyError):
        readings("€ 89", "USD")


@pytest.mark.parametrize(("text", "currency"), [("89.001", "USD"), ("89.5", "JPY"), ("1.2345", "KWD")])
def test_amount_with_more_digits_than_its_currency_is_refused(text, currency):
    with pytest.raises(TooManyDigitsError):
        readings(text, currency)


def test_number_for_any_currency_is_read_as_on_our_pages():
    assert readings("12,500") == [Decimal(12500)]
    assert readings("1.500") == [Decimal("1.500")]
    assert readings("1.234,50") == []


@given(st.decimals(min_value="0.001", max_value="999999999", places=3), st.sampled_from(CURRENCIES))
@deterministic
def test_every_amount_as_a_page_writes_it_is_among_its_meanings(amount, currency):
    text = money_text(amount, currency)

    for written in (text, grouped(text)):
        assert is_as_written(written)
        assert Decimal(text) in readings(written, currency)
        assert len(readings(written, currency)) == 1 or minor_units(currency) == 3


class Paying(PageForm):
    amount = Amount(label="Amount")


def paying(text, *, currency="KWD", meant="", shown="", confirms=False):
    form = Paying({"amount": text, "amount_meant": meant})
    field = form.fields["amount"]
    field.currency, field.shown, field.confirms = currency, shown, confirms
    return form


def test_field_asks_back_with_both_meanings_to_choose_from():
    form = paying("12,500")

    assert not form.is_valid()
    assert "12.500 KWD / 12,500.000 KWD" in str(form.errors["amount"])
    assert 'type="radio" name="amount_meant" value="12.500"' in str(form)
    assert 'value="12500.000"' in str(form)


def test_field_takes_the_meaning_that_was_chosen():
    small, large = paying("12,500", meant="12.500"), paying("12,500", meant="12500.000")

    assert small.is_valid()
    assert large.is_valid()
    assert (small.cleaned_data["amount"], large.cleaned_data["amount"]) == (Decimal("12.500"), Decimal(12500))


def test_field_ignores_a_choice_that_is_none_of_the_meanings():
    assert not paying("12,500", meant="99.000").is_valid()


def test_field_does_not_ask_about_what_the_form_wrote_itself():
    form = paying("89.000", shown="89.000")

    assert form.is_valid()
    assert form.cleaned_data["amount"] == Decimal("89.000")


def test_field_that_confirms_shows_back_what_it_read_before_it_counts():
    asked = paying("1.234,50", currency="EUR", confirms=True)

    assert not asked.is_valid()
    assert "1,234.50 EUR" in str(asked.errors["amount"])
    assert paying("1.234,50", currency="EUR", confirms=True, meant="1234.50").is_valid()
    assert paying("1,234.50", currency="EUR", confirms=True).is_valid()


@pytest.mark.parametrize("text", ["0", "0.00", "٠"])
def test_field_refuses_nothing_as_an_amount(text):
    form = paying(text, currency="USD")

    assert not form.is_valid()
    assert "above zero" in str(form.errors["amount"])


def test_field_without_a_currency_compares_with_any():
    form = paying("12,500", currency="")

    assert form.is_valid()
    assert form.cleaned_data["amount"] == Decimal(12500)


@pytest.mark.parametrize(
    ("text", "written"),
    [("-0.50", "-0.50"), ("-0.05", "-0.05"), ("-1234.5", "-1,234.5"), ("0.50", "0.50"), ("1234567", "1,234,567")],
)
def test_grouped_amount_keeps_its_sign(text, written):
    assert grouped(text) == written
