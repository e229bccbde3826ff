"""Plain requests, as without JavaScript."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from core.models import PaymentMethod
from tests.factories import UserFactory
from workflows.payees.examples import METHODS, still_examples
from workflows.seed.payment_methods import seed_payment_methods

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def page_of(method: PaymentMethod) -> str:
    return reverse("admin:core_paymentmethod_change", args=[method.pk])


def typed(staff, method: PaymentMethod) -> dict[str, str | list[str]]:
    """What the page's form would send as it stands."""
    form = staff.get(page_of(method)).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    values["instructions"] = form.fields["instructions"].prepare_value(values["instructions"])
    return {name: value for name, value in values.items() if value is not None and value is not False}


def errors(answer) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


@pytest.mark.parametrize("code", [method.code for method in METHODS])
def test_a_seeded_method_can_be_saved_as_it_stands(staff, code):
    seed_payment_methods()
    method = PaymentMethod.objects.get(code=code)
    before = PaymentMethod.objects.filter(code=code).values().get()

    answer = staff.post(page_of(method), typed(staff, method))

    assert answer.status_code == 302, errors(answer)
    assert PaymentMethod.objects.filter(code=code).values().get() == before


def test_a_method_is_made_in_two_steps_and_offered_when_it_is_complete(staff):
    start = {"name": "Our bank", "code": "our_bank", "kind": "bank_transfer", "country": "DE", "currency": "EUR"}

    answer = staff.post(reverse("admin:core_paymentmethod_add"), start)

    method = PaymentMethod.objects.get()
    assert answer["Location"] == page_of(method)
    assert not method.is_enabled
    form = typed(staff, method) | {"is_enabled": "on", "instructions": '{"en": "Send it."}'}
    refused = staff.post(page_of(method), form)
    assert set(errors(refused)) == {"payee_beneficiary", "payee_iban"}
    good = form | {"payee_holder": "Acme GmbH", "payee_iban": "de89 3704 0044 0532 0130 00"}
    assert staff.post(page_of(method), good).status_code == 302
    method.refresh_from_db()
    assert method.is_enabled
    assert method.fields == {"holder": "Acme GmbH", "iban": "DE89370400440532013000"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"payee_iban": "DE89370400440532013001"}, "payee_iban"),
        ({"payee_bic": "X"}, "payee_bic"),
        ({"country": "ZZ"}, "country"),
        ({"currency": "XAU"}, "currency"),
        ({"requires": ["reference", "blood"]}, "requires"),
        ({"reference_pattern": "(a+)+$"}, "reference_pattern"),
        ({"reference_pattern": "#{4}", "reference_example": "12"}, "reference_example"),
        ({"instructions": "[1]"}, "instructions"),
        ({"instructions": "{"}, "instructions"),
        ({"own_key_0": "Bad Key", "own_value_0": "x"}, "own_value_0"),
        ({"own_key_0": "vpa", "own_value_0": "x"}, "own_value_0"),
        ({"own_key_0": "iban", "own_value_0": "x"}, "own_key_0"),
        ({"own_key_0": "lonely"}, "own_key_0"),
        ({"own_value_0": "lonely"}, "own_key_0"),
        ({"payee_holder": "", "payee_iban": ""}, "payee_beneficiary"),
    ],
)
def test_invalid_input_is_shown_beside_its_field(staff, change, field):
    seed_payment_methods()
    method = PaymentMethod.objects.get(code="eu_sepa")

    answer = staff.post(page_of(method), typed(staff, method) | change)

    assert answer.status_code == 200
    assert field in errors(answer)
    beside = re.search(rf'<div[^>]*class="[^"]*field-{field}.*?name="{field}"', answer.content.decode(), re.DOTALL)
    assert beside is not None
    assert PaymentMethod.objects.get(code="eu_sepa").fields == method.fields


def test_an_operator_adds_fields_of_their_own_and_takes_them_away(staff):
    seed_payment_methods()
    method = PaymentMethod.objects.get(code="eu_sepa")
    as_seeded = dict(method.fields)

    staff.post(page_of(method), typed(staff, method) | {"own_key_0": "department", "own_value_0": "Fees"})

    method.refresh_from_db()
    assert method.fields == as_seeded | {"department": "Fees"}
    form = typed(staff, method)
    assert (form["own_key_0"], form["own_value_0"]) == ("department", "Fees")
    staff.post(page_of(method), form | {"own_key_0": "", "own_value_0": ""})
    method.refresh_from_db()
    assert method.fields == as_seeded


def test_the_kind_stays_as_it_was_made(staff):
    seed_payment_methods()
    method = PaymentMethod.objects.get(code="in_upi")

    staff.post(page_of(method), typed(staff, method) | {"kind": "cash"})

    method.refresh_from_db()
    assert method.kind == "upi"


@pytest.mark.parametrize("code", [method.code for method in METHODS])
def test_example_payee_cannot_be_saved_without_its_demo_mark(staff, code):
    seed_payment_methods(is_enabled=False)
    method = PaymentMethod.objects.get(code=code)
    form = typed(staff, method) | {"is_enabled": "on"}
    del form["is_demo"]

    answer = staff.post(page_of(method), form)

    assert answer.status_code == 200
    assert {"instructions", *(f"payee_{key}" for key in still_examples(method))} == set(errors(answer))
    assert len(errors(answer)) > 1
    assert not PaymentMethod.objects.get(code=code).is_enabled


def test_a_method_with_an_account_of_our_own_is_opened(staff):
    seed_payment_methods(is_enabled=False)
    method = PaymentMethod.objects.get(code="gb_fps")
    ours = {
        "payee_name": "Paper Boats Ltd",
        "payee_sort_code": "20-30-40",
        "payee_account_number": "12345678",
        "payee_iban": "",
        "instructions": '{"en": "Pay {amount}."}',
    }
    form = typed(staff, method) | ours | {"is_enabled": "on"}
    del form["is_demo"]

    answer = staff.post(page_of(method), form)

    assert answer.status_code == 302, errors(answer)
    assert PaymentMethod.objects.get(code="gb_fps").is_enabled
