from __future__ import annotations

from decimal import Decimal

import pytest
from iso4217 import Currency

from core.money import WITHDRAWN, is_currency, minor_units, money_text


def test_withdrawn_currencies_are_not_on_the_list_of_today():
    assert not {code.code for code in Currency} & set(WITHDRAWN)


@pytest.mark.parametrize("code", WITHDRAWN)
def test_withdrawn_currency_can_be_read_and_takes_nothing_new(code):
    assert not is_currency(code)
    assert money_text(Decimal("5"), code) == f"{Decimal(5):.{WITHDRAWN[code]}f}"
    assert minor_units(code) == WITHDRAWN[code]


@pytest.mark.parametrize(
    ("amount", "text"), [("5", "5.00"), ("5.5000", "5.50"), ("5.1230", "5.123"), ("-0.5", "-0.50"), ("1E+3", "1000.00")]
)
def test_amount_in_an_unknown_currency_is_written_with_all_its_digits(amount, text):
    assert money_text(Decimal(amount), "usd") == text


def test_minor_units_of_an_unknown_currency_are_not_guessed():
    with pytest.raises(ValueError, match="XXX"):
        minor_units("XXX")
