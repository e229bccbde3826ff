# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from stdnum.iso7064 import mod_97_10

from core.models import PaymentMethod
from tests.factories import PaymentMethodFactory
from tests.web.test_payment_methods import page_of, staff, typed  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

MOROCCAN = f"MA{mod_97_10.calc_check_digits('1' * 24 + 'MA')}{'1' * 24}"
BRITISH = "GB29NWBK60161331926819"


def method_of(kind: str, currency: str, fields: dict[str, str]) -> PaymentMethod:
    return PaymentMethodFactory(
        kind=kind, country="", currency=currency, fields=fields, instructions={"en": "Pay {amount}."}
    )


def bank(**fields: str) -> PaymentMethod:
    return method_of("bank_transfer", "EUR", fields)


def saved(staff, method: PaymentMethod, **change: str) -> list[str]:  # noqa: F811
    """What the page says after it was saved."""
    answer = staff.post(page_of(method), typed(staff, method) | change, follow=True)
    assert answer.redirect_chain, answer.context["adminform"].form.errors
    return [str(message) for message in answer.context["messages"] if message.level_tag == "warning"]


def beside(staff, method: PaymentMethod, field: str) -> str:  # noqa: F811
    return str(staff.get(page_of(method)).context["adminform"].form.fields[field].help_text)


def in_list(staff, method: PaymentMethod) -> str:  # noqa: F811
    page = staff.get(reverse("admin:core_paymentmethod_changelist")).content.decode()
    return re.search(r'<td class="field-qr_code">(.*?)</td>', page).group(1)


def test_an_iban_outside_the_registry_is_saved_with_a_warning(staff):  # noqa: F811
    method = bank(holder="Acme", iban="DE89370400440532013000")

    said = saved(staff, method, payee_iban=MOROCCAN)

    method.refresh_from_db()
    assert method.fields["iban"] == MOROCCAN
    assert len(said) == 1
    assert "only the check digits were tested" in said[0]
    assert "only the check digits were tested" in beside(staff, method, "payee_iban")


def test_an_account_outside_the_eea_without_bic_is_saved_and_the_bic_asked_for(staff):  # noqa: F811
    method = bank(holder="Acme", iban="DE89370400440532013000")

    said = saved(staff, method, payee_iban=BRITISH)

    method.refresh_from_db()
    assert method.fields["iban"] == BRITISH
    assert len(said) == 1
    assert "needs the BIC" in said[0]
    assert "needs the BIC" in beside(staff, method, "payee_bic")
    assert in_list(staff, method).startswith("no: ")
    assert saved(staff, method, payee_bic="NWBKGB2L") == []
    assert in_list(staff, method) == "yes"


def test_a_name_that_no_code_carries_is_saved_and_its_latin_form_asked_for(staff):  # noqa: F811
    method = bank(holder="Acme", iban="DE89370400440532013000")

    said = saved(staff, method, payee_holder="СОФТ Systems")

    assert len(said) == 1
    assert "No QR code is shown to payers." in said[0]
    assert "Name in Latin letters" in said[0]
    method.refresh_from_db()
    assert "No QR code" in beside(staff, method, "payee_holder")
    assert saved(staff, method, payee_latin_name="Soft Systems") == []
    assert in_list(staff, method) == "yes"


def test_the_page_says_how_the_code_spells_the_payee(staff):  # noqa: F811
    method = bank(holder="ΡΑΛΛΗΣ Α.Ε.", iban="GR1601101250000000012300695")

    assert '"RALLIS A.E."' in beside(staff, method, "payee_latin_name")
    assert saved(staff, method) == []


def test_a_name_that_is_spelled_in_the_code_as_it_was_typed_is_not_mentioned(staff):  # noqa: F811
    method = bank(holder="Acme", iban="DE89370400440532013000")

    assert beside(staff, method, "payee_latin_name") == ""
    assert in_list(staff, method) == "yes"


@pytest.mark.parametrize("kind", ["cash", "mobile_wallet", "bank_transfer"])
def test_a_method_that_has_no_code_by_its_kind_is_saved_without_a_word(staff, kind):  # noqa: F811
    fields = {
        "cash": {"location": "Here"},
        "mobile_wallet": {"till": "12345"},
        "bank_transfer": {"holder": "Σ", "account_number": "1234"},
    }
    method = method_of(kind, "", fields[kind])

    assert saved(staff, method) == []
    assert in_list(staff, method) == "-"


def test_a_method_that_is_just_begun_is_not_warned_of(staff):  # noqa: F811
    start = {"name": "UPI", "code": "our_upi", "kind": "upi", "country": "IN", "currency": "INR"}

    answer = staff.post(reverse("admin:core_paymentmethod_add"), start, follow=True)

    assert [message.level_tag for message in answer.context["messages"]] == ["success"]
    assert beside(staff, PaymentMethod.objects.get(), "payee_vpa") == ""
