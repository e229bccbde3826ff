"""Ways to pay in the settings of the desk, by plain requests as without JavaScript."""

from __future__ import annotations

import random
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from core.models import PayeeVersion, PaymentMethod
from engine.models import Effect
from tests.factories import InvoiceFactory, MembershipFactory, PaymentMethodFactory, PlanFactory, UserFactory
from tests.odd_texts import some_odd_texts
from tests.web.conftest import signed_in
from tests.web.odd_requests import Judge
from workflows.payees.examples import METHODS
from workflows.seed.payment_methods import seed_payment_methods

pytestmark = pytest.mark.django_db

OURS = {"beneficiary": "Acme", "account_number": "12345678"}
NEW = "99999999"


def editor(email: str) -> Client:
    person = UserFactory(email=email, is_staff=True)
    names = ["change_paymentmethod", "add_paymentmethod"]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    return signed_in(person)


@pytest.fixture
def ann() -> Client:
    return editor("ann@staff.test")


@pytest.fixture
def bob() -> Client:
    return editor("bob@staff.test")


@pytest.fixture
def sepa() -> PaymentMethod:
    seed_payment_methods(is_enabled=False)
    return PaymentMethod.objects.get(code="eu_sepa")


@pytest.fixture
def shown() -> PaymentMethod:
    """A method that an issued invoice shows."""
    method = PaymentMethodFactory(fields=OURS, instructions={"en": "Send {amount}."})
    InvoiceFactory(payment_method=method)
    return method


def page_of(method: PaymentMethod) -> str:
    return reverse("settings_method", args=[method.pk])


def standing(client: Client, method: PaymentMethod) -> dict[str, object]:
    form = client.get(page_of(method)).context["form"]
    values = {field.html_name: field.value() for field in form}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def send(client: Client, method: PaymentMethod, **values: object):
    data = standing(client, method) | values
    return client.post(page_of(method), {name: value for name, value in data.items() if value is not None}, follow=True)


def decide(client: Client, method: PaymentMethod, verb: str, number: str = "2"):
    return client.post(reverse("settings_payee", args=[method.pk, verb]), {"number": number}, follow=True)


def said(answer) -> str:
    return " ".join(map(str, answer.context["messages"]))


def words(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.parametrize("code", [method.code for method in METHODS])
def test_method_of_the_catalogue_is_saved_as_it_stands(ann, code):
    seed_payment_methods()
    method = PaymentMethod.objects.get(code=code)
    before = PaymentMethod.objects.filter(code=code).values().get()

    answer = send(ann, method)

    assert "Saved." in said(answer), answer.context["form"].errors
    assert PaymentMethod.objects.filter(code=code).values().get() == before


def test_list_is_by_country_and_says_what_is_a_demo(ann):
    seed_payment_methods()
    PaymentMethod.objects.filter(code="gb_fps").update(is_enabled=False)

    page = words(ann.get(reverse("settings_methods")))

    assert re.search(r"Everywhere SWIFT wire Bank transfer · USD demo offered", page)
    assert re.search(r"United Kingdom Faster Payments Bank transfer · GBP demo off\b", page)


def test_method_is_added_and_offered_when_it_is_complete(ann):
    data = {"name": "Our bank", "code": "our_bank", "kind": "bank_transfer", "country": "FR", "currency": "eur"}

    answer = ann.post(reverse("settings_new_method"), data, follow=True)

    method = PaymentMethod.objects.get()
    assert answer.redirect_chain == [(page_of(method), 302)]
    assert (method.currency, method.is_enabled) == ("EUR", False)
    refused = send(ann, method, is_enabled="on")
    assert {"payee_beneficiary", "payee_iban", "text_en"} <= refused.context["form"].errors.keys()
    ours = {"payee_holder": "Acme SARL", "payee_iban": "fr14 2004 1010 0505 0001 3M02 606", "text_en": "Send it."}
    done = send(ann, method, is_enabled="on", **ours)
    assert "Saved." in said(done), done.context["form"].errors
    method.refresh_from_db()
    assert method.is_enabled
    assert method.fields == {"holder": "Acme SARL", "iban": "FR1420041010050500013M02606"}
    assert LogEntry.objects.filter(object_id=str(method.pk)).count() == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "us_bank"}, "code"),
        ({"code": "two words"}, "code"),
        ({"name": ""}, "name"),
        ({"kind": "pigeon"}, "kind"),
        ({"country": "ZZ"}, "country"),
        ({"currency": "XXX"}, "currency"),
    ],
)
def test_wrong_new_method_is_shown_again(ann, change, field):
    PaymentMethodFactory()
    data = {"name": "Ours", "code": "ours", "kind": "bank_transfer", "country": "DE", "currency": "EUR"} | change

    answer = ann.post(reverse("settings_new_method"), data)

    assert field in answer.context["form"].errors
    assert PaymentMethod.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "country", "usual", "seldom"),
    [
        ("bank_transfer", "DE", {"iban", "holder"}, {"routing_number", "raast_id", "ifsc"}),
        ("bank_transfer", "FR", {"iban", "holder"}, {"routing_number", "sort_code"}),  # as in Germany
        ("bank_transfer", "US", {"routing_number", "account_number"}, {"iban", "ifsc"}),
        ("bank_transfer", "JP", {"beneficiary", "bic"}, {"routing_number", "sort_code"}),
        ("mobile_wallet", "KE", {"paybill"}, {"counter_number"}),
        ("cash", "", {"location"}, set()),
    ],
)
def test_fields_are_those_of_the_kind_and_the_country_first(ann, kind, country, usual, seldom):
    method = PaymentMethodFactory(code="ours", kind=kind, country=country, currency="", is_enabled=False)

    sections = {section["title"]: section for section in ann.get(page_of(method)).context["form"].sections}

    payee = sections["What the payer needs"]
    assert {f"payee_{key}" for key in usual} <= {field.name for field in payee["fields"]}
    assert {f"payee_{key}" for key in seldom} <= {field.name for field in payee["more"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"country": "us"}, "country"),
        ({"currency": "XAU"}, "currency"),
        ({"payee_iban": "DE89370400440532013001"}, "payee_iban"),
        ({"payee_raast_id": "x"}, "payee_raast_id"),  # one of those that are folded away
        ({"requires": ["blood"]}, "requires"),
        ({"text_en": "pay {everything}"}, "text_en"),
        ({"text_de": "zahle {alles}"}, "text_de"),
        ({"text_en": "x" * 5001}, "text_en"),
        ({"more_code": "not a code", "more_text": "Pay."}, "more_code"),
        ({"more_code": "fr", "more_text": "payez {tout}"}, "more_text"),
        ({"more_code": "fr"}, "more_code"),
        ({"more_text": "Pay."}, "more_code"),
        ({"more_code": "de", "more_text": "Zahle."}, "more_code"),
        ({"own_key_0": "Not a key", "own_value_0": "x"}, "own_value_0"),
        ({"own_key_0": "lonely"}, "own_key_0"),
        ({"reference_pattern": "(a+)+$"}, "reference_pattern"),
        ({"reference_pattern": "#{4}", "reference_example": "12"}, "reference_example"),
        ({"tolerance_percent": "5.01"}, "tolerance_percent"),
        ({"tolerance_percent": "NaN"}, "tolerance_percent"),
        ({"tolerance_max": "50.01"}, "tolerance_max"),
        ({"bank_lag_days": "91"}, "bank_lag_days"),
        ({"position": "x"}, "position"),
        ({"is_enabled": "on", "is_demo": None}, "text_en"),  # the catalogue's words
    ],
)
def test_wrong_input_is_shown_beside_its_field(ann, sepa, change, field):
    before = PaymentMethod.objects.values().get(pk=sepa.pk)

    answer = send(ann, sepa, **change)

    assert answer.status_code == 200
    assert field in answer.context["form"].errors, answer.context["form"].errors
    assert re.search(
        rf'aria-invalid="true"[^>]*id="id_{field}|id="id_{field}[^>]*aria-invalid|id="id_{field}_error',
        answer.content.decode(),
    )
    assert PaymentMethod.objects.values().get(pk=sepa.pk) == before


def test_texts_are_typed_by_language_and_another_is_added(ann, sepa):
    answer = send(ann, sepa, text_en="Send **{amount}**.", text_de="", more_code="fr", more_text="Payez {amount}.")

    assert "Saved." in said(answer), answer.context["form"].errors
    sepa.refresh_from_db()
    assert sepa.instructions == {"en": "Send **{amount}**.", "fr": "Payez {amount}."}
    assert "text_fr" in answer.context["form"].fields


def test_preview_is_what_the_customer_then_sees(ann, sepa, run_effects):
    PlanFactory()
    data = standing(ann, sepa) | {"text_en": "Send **{amount}** to us.", "payee_holder": "Paper Boats GmbH"}

    preview = ann.post(reverse("settings_method_preview", args=[sepa.pk]), data).content.decode()

    card = r"<h3>SEPA \(instant\) transfer</h3>.*?</dl>"
    assert "Send <strong>" in preview
    assert "Paper Boats GmbH" in preview
    assert "<svg" in preview
    assert 'lang="de"' in preview
    assert PaymentMethod.objects.get(pk=sepa.pk).fields == sepa.fields
    ours = {
        "payee_iban": "DE02120300000000202051",
        "payee_bic": "",
        "payee_bank": "",
        "text_de": "",
        "is_enabled": "on",
    }
    send(ann, sepa, **{name: value for name, value in (data | ours).items() if name != "is_demo"}, is_demo=None)
    invoice = InvoiceFactory(payment_method=sepa, currency="EUR")
    page = (
        signed_in(MembershipFactory(account=invoice.account).user).get(f"/app/invoices/{invoice.pk}/").content.decode()
    )
    again = ann.get(page_of(sepa)).content.decode()

    def bare(text: str) -> str:
        """Without what differs between two invoices."""
        found = re.search(card, text, re.DOTALL)
        assert found is not None
        return re.sub(r"[0-9]+\.[0-9]{2}|K2M7X4R907|" + invoice.payment_reference, "", found[0])

    assert bare(page) == bare(again)


def test_preview_of_wrong_input_has_no_code_to_scan(ann, sepa):
    data = standing(ann, sepa) | {"payee_iban": "DE1"}

    for path in (reverse("settings_method_preview", args=[sepa.pk]), page_of(sepa)):
        page = ann.post(path, data | {"preview": "yes"}).content.decode()
        assert "cannot be saved yet" in page
        assert "<svg" not in page


def test_preview_by_the_button_saves_nothing(ann, sepa):
    before = PaymentMethod.objects.values().get(pk=sepa.pk)

    answer = send(ann, sepa, name="Other", preview="yes")

    assert "<h3>Other</h3>" in answer.content.decode()
    assert PaymentMethod.objects.values().get(pk=sepa.pk) == before
    assert ann.get(reverse("settings_method_preview", args=[sepa.pk])).status_code == 405


def test_change_of_a_payee_that_invoices_show_waits_and_says_so(ann, bob, shown):
    answer = send(ann, shown, payee_account_number=NEW, name="Our bank")

    assert "waits" in said(answer)
    shown.refresh_from_db()
    assert (shown.fields, shown.name) == (OURS, "Our bank")
    own, others = (words(client.get(page_of(shown))) for client in (ann, bob))
    for page in (own, others):
        assert f"Account number 12345678 {NEW}" in page
        assert "Withdraw the change" in page
    assert "Confirm the new payee" not in own
    assert "Confirm the new payee" in others
    assert "a change waits" in words(ann.get(reverse("settings_methods")))
    assert "waits already" in str(send(bob, shown, payee_account_number="55555555").context["form"].errors)


def test_second_person_confirms_and_the_first_may_not(ann, bob, shown, clock, run_effects):
    send(ann, shown, payee_account_number=NEW)

    assert "Somebody else confirms" in said(decide(ann, shown, "confirm"))
    assert "Confirmed the change of payee 2." in said(decide(bob, shown, "confirm"))
    clock.advance(hours=5)
    run_effects()

    shown.refresh_from_db()
    assert shown.fields["account_number"] == NEW
    assert "Confirmed the change of payee 2." in [entry.get_change_message() for entry in LogEntry.objects.all()]


def test_change_is_withdrawn_by_who_asked(ann, shown):
    send(ann, shown, payee_account_number=NEW)

    assert "Withdrew" in said(decide(ann, shown, "withdraw"))

    assert PayeeVersion.objects.get(number=2).withdrawn_by.email == "ann@staff.test"
    assert "A change of payee waits" not in words(ann.get(page_of(shown)))


@pytest.mark.parametrize(("verb", "number"), [("confirm", "x"), ("confirm", "9" * 40), ("confirm", ""), ("keep", "2")])
def test_change_that_is_none_is_not_found(ann, bob, shown, verb, number):
    send(ann, shown, payee_account_number=NEW)

    assert decide(bob, shown, verb, number).status_code == 404
    assert bob.get(reverse("settings_payee", args=[shown.pk, "keep"])).status_code == 404
    assert bob.get(reverse("settings_payee", args=[shown.pk, "confirm"]))["Location"] == page_of(shown)
    assert PayeeVersion.objects.waiting().filter(confirmed_by=None).count() == 1


@pytest.mark.guards("S17", "web.staff.confirming.for_rights")
def test_payee_is_confirmed_by_who_typed_the_password_lately(ann, bob, shown, clock):
    send(ann, shown, payee_account_number=NEW)
    clock.advance(hours=0.26)

    answer = bob.post(reverse("settings_payee", args=[shown.pk, "confirm"]), {"number": "2"})

    assert answer["Location"].startswith("/desk/confirm/?next=")
    assert PayeeVersion.objects.get(number=2).confirmed_by is None


def test_last_method_switched_off_is_told(ann, shown):
    answer = send(ann, shown, is_enabled=None)

    assert "No payment method is left anywhere" in said(answer)
    assert Effect.objects.filter(kind="mail.no_way_to_pay").count() == 1


def test_method_whose_texts_have_no_shape_is_refused_without_a_fault(ann, sepa):
    """As rows were saved before the database checked them."""
    answer = ann.post(reverse("settings_method_preview", args=[sepa.pk]), {"requires": ["x"], "own_key_0": "a"})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["settings_method", "settings_method_preview"])
def test_some_odd_texts_are_taken_or_shown_again(ann, sepa, seed, path, no_log):
    send_odd_texts(ann, sepa, path, count=1, fields=4)


@pytest.mark.hostile
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", ["settings_method", "settings_method_preview"])
def test_many_odd_texts_are_taken_or_shown_again(ann, sepa, seed, path, no_log):
    send_odd_texts(ann, sepa, path, count=30, fields=99)


def send_odd_texts(client: Client, method: PaymentMethod, path: str, *, count: int, fields: int) -> None:
    """In so many fields of the form, also those that are folded away."""
    stands = standing(client, method)
    known = client.get(page_of(method)).context["form"].fields
    judge = Judge()
    for name in random.sample(list(known), min(fields, len(known))):
        field = known[name]
        own = str(stands.get(name) or "Acme")
        longest = getattr(field, "max_length", None) or 2000
        for what, text in some_odd_texts(count, longest, word=own, number=own if own[0].isdigit() else "10"):
            address = reverse(path, args=[method.pk])
            judge.send(client, "post", address, stands | {name: text}, what=f"{name} {what}")
    judge.check()
