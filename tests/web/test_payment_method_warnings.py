"""What the admin's page of a payment method says of payees that are taken but want a second look."""

from __future__ import annotations

import pytest
from stdnum.iso7064 import mod_97_10

from core.models import PaymentMethod
from tests.factories import PaymentMethodFactory
from tests.web.test_payment_methods import page_of, staff, typed  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

MOROCCAN = f"MA{mod_97_10.calc_check_digits('1' * 24 + 'MA')}{'1' * 24}"


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


def test_an_iban_outside_the_registry_is_saved_with_a_warning(staff):  # noqa: F811
    method = bank(holder="Acme", iban="DE89370400440532013000")

    said = saved(staff, method, payee_iban=MOROCCAN)

    method.refresh_from_db()
    assert method.fields["iban"] == MOROCCAN
    assert len(said) == 1
    assert "only the check digits were tested" in said[0]
    assert "only the check digits were tested" in beside(staff, method, "payee_iban")
