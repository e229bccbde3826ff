from __future__ import annotations

import pytest
from stdnum import numdb
from stdnum.iso7064 import mod_97_10

from core.payees.account_numbers import UNREGISTERED, iban
from core.payees.fields import clean_payee, payee_warnings


def made(country: str, length: int) -> str:
    account = "1" * (length - 4)
    return f"{country}{mod_97_10.calc_check_digits(account + country)}{account}"


@pytest.mark.parametrize(
    ("country", "length"), [("MA", 28), ("DZ", 26), ("SN", 28), ("CI", 28), ("AO", 25), ("IR", 26)]
)
def test_an_iban_outside_the_registry_is_taken_by_its_check_digits_with_a_warning(country, length):
    typed = made(country, length)

    kept, errors = clean_payee("bank_transfer", country, {"iban": typed}, is_offered=False)

    assert (kept, errors) == ({"iban": typed}, {})
    assert set(payee_warnings(kept)) == {"iban"}
    assert country in payee_warnings(kept)["iban"]


@pytest.mark.parametrize("country", sorted(UNREGISTERED))
def test_every_country_outside_the_registry_has_its_check_digits_tested(country):
    typed = made(country, 27)

    assert iban(f"{typed[:4]} {typed[4:]}".lower()) == typed
    with pytest.raises(ValueError, match="no valid IBAN"):
        iban(typed[:-1] + "2")


@pytest.mark.parametrize(
    "typed",
    [
        made("US", 22),  # has no IBANs
        made("DE", 20),  # of a registered country the structure counts as well
        made("MA", 14),
        made("MA", 35),
        "MA" + made("DZ", 26)[2:],
        "",
    ],
)
def test_invalid_iban_is_refused(typed):
    with pytest.raises(ValueError, match="no valid IBAN"):
        iban(typed)


@pytest.mark.parametrize("country", sorted(UNREGISTERED))
def test_a_country_that_the_registry_knows_is_judged_by_the_registry(country):
    assert numdb.get("iban").info(country)[0][1] == {}


def test_a_registered_iban_has_no_warning():
    assert payee_warnings({"iban": "DE89370400440532013000"}) == {}
    assert payee_warnings({"holder": "Acme"}) == {}
