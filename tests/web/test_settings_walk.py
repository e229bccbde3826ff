"""Every form of the admin is sent wrong values: each is refused in the form, nothing is saved, and the shop stays open.

The forms come from the admin's registry: a model that is registered there without wrong values here fails.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.test import Client
from django.urls import reverse

from core.models import (
    Account,
    Industry,
    Membership,
    PaymentMethod,
    Plan,
    PlanPrice,
    Policy,
    Site,
    SiteUserAccess,
    TaxRule,
    User,
)
from tests.factories import AccountFactory, InvoiceFactory, MembershipFactory, PlanFactory, UserFactory
from tests.odd_texts import some_odd_texts
from tests.web.odd_requests import Judge
from tests.web.public_pages import failures
from workflows.actions.sites import open_site

pytestmark = pytest.mark.django_db

Values = dict[str, Any]

NUL = "a\x00b"
LONG = "x" * 300
DEEP = "[" * 50_000
PRICE = "prices-{new}-"  # of a row that is added below those that stand


def prices(**fields: str) -> Values:
    """One new price in the inline form of a plan."""
    return {f"{PRICE}{name}": value for name, value in ({"interval": "month"} | fields).items()}


def two_prices(first: Values, second: Values) -> Values:
    return first | {name.replace("{new}", "{next}"): value for name, value in second.items()}


# What each form must refuse when it is sent instead of what stands there. "add": to the form for a new row, together
# with the values of NEW; "change": to the page of the row that `row_of` gives.
WRONG: dict[type[models.Model], dict[str, list[Values]]] = {
    Plan: {
        "add": [
            {"code": ""},
            {"code": "starter"},  # there is one
            {"code": "two words"},
            {"code": LONG},
            {"name": ""},
            {"name": NUL},
            {"credits": ""},
            {"credits": "-1"},
            {"credits": "1.5"},
            {"credits": str(2**31)},
            prices(currency="usd", amount="1"),
            prices(currency="USD", amount="0"),  # free, and no day to try it
        ],
        "change": [
            {"name": ""},
            {"credits": "many"},
            {"trial_days": "366"},
            {"trial_days": "-1"},
            {"trial_days": "99999"},
            {"max_users": "0"},
            {"max_sites": "-1"},
            {"max_sites": str(2**31)},
            {"position": "70000"},
            prices(currency="usd", amount="1.00"),
            prices(currency="XXX", amount="1.00"),
            prices(currency="XAU", amount="1.00"),
            prices(currency="", amount="1.00"),
            prices(currency="U$D", amount="1.00"),
            prices(currency="DOLLAR", amount="1.00"),
            prices(currency=NUL, amount="1.00"),
            prices(currency="CHF", amount=""),
            prices(currency="CHF", amount="NaN"),
            prices(currency="CHF", amount="Infinity"),
            prices(currency="CHF", amount="1e30"),
            prices(currency="CHF", amount="-1.00"),
            prices(currency="CHF", amount="5.123"),
            prices(currency="JPY", amount="5.5"),
            prices(currency="KWD", amount="5.1234"),
            prices(currency="CHF", amount="1000000000000"),
            prices(currency="CHF", amount="1.00", interval="week"),
            prices(currency="CHF", amount="0"),
            prices(currency="USD", amount="95.00"),  # one is offered
            two_prices(prices(currency="CHF", amount="1.00"), prices(currency="CHF", amount="2.00")),
        ],
    },
    Policy: {
        "change": [
            *({"reminder_steps": steps} for steps in (
                '"x"', '["3"]', '{"a":1}', "[null]", "[10000000]", "366", "-366", "1.5", "1e2", "3, 3", "true", ",",
                "3,", "NaN", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11", NUL, DEEP, "\u0663",
            )),
            *({field.name: value} for field in Policy._meta.fields if field.name.endswith("_days")
              for value in ("", "-1", "366", "40000", "1.5", "a week")),
            *({name: value} for name in ("payee_wait_hours", "payee_wait_hours_alone")
              for value in ("", "0", "-1", "721", "40000", "1.5", "a day")),
            {"payee_wait_hours": "25"},  # longer than one person alone waits
            *({"grant_wait_hours": value} for value in ("", "0", "-1", "721", "40000", "1.5", "a day")),
            *({"claim_ceilings": value} for value in (
                "", "x", "5", "[]", "null", '{"USD": "5"}', '{"USD": -1}', '{"USD": 1.5}', '{"USD": true}',
                '{"USD": null}', '{"usd": 5}', '{"XXX": 5}', '{"DOLLAR": 5}', '{"USD": 1000000000000}', '{"USD": [1]}',
                NUL, DEEP,
            )),
            *({"adjustment_limit": value} for value in ("", "0", "-1", "1000000001", "1.5", "many")),
        ],
    },
    PaymentMethod: {
        "add": [
            {"code": ""},
            {"code": "us_bank"},
            {"code": "two words"},
            {"name": ""},
            {"kind": "pigeon"},
            {"country": "us"},
            {"country": "ZZ"},
            {"country": "USA"},
            {"currency": "usd"},
            {"currency": "XXX"},
        ],
        "change": [
            {"name": ""},
            {"name": LONG},
            {"country": "us"},
            {"currency": "XAU"},
            {"requires": ["blood"]},
            {"instructions": ""},
            {"instructions": "{"},
            {"instructions": "[1]"},
            {"instructions": '"text"'},
            {"instructions": '{"en": 5}'},
            {"instructions": '{"en": NaN}'},
            {"instructions": '{"en": "\\u0000"}'},
            {"instructions": '{"en": "\\ud800"}'},
            {"instructions": '{"e\\u0000n": "x"}'},
            {"instructions": '{"en": "pay {everything}"}'},
            {"instructions": DEEP},
            {"payee_iban": "DE89370400440532013001"},
            {"own_key_0": "Not a key", "own_value_0": "x"},
            {"own_key_0": "key_alone"},
            {"reference_pattern": "(a+)+$"},
            {"reference_pattern": "#{4}", "reference_example": "12"},
            {"reference_max": "-1"},
            {"tolerance_percent": "101"},
            {"tolerance_percent": "5.01"},
            {"tolerance_percent": "-1"},
            {"tolerance_percent": "NaN"},
            {"tolerance_max": "-1"},
            {"tolerance_max": "1000000000000"},
            {"tolerance_max": "50.01"},
            {"bank_lag_days": "91"},
            {"bank_lag_days": "-1"},
            {"position": "x"},
        ],
    },
    TaxRule: {
        "add": [
            {"seller_country": ""},
            {"seller_country": "de"},
            {"seller_country": "ZZ"},
            {"seller_country": "EU"},
            {"valid_from": ""},
            {"valid_from": "yesterday"},
            {"category": ""},
            {"category": "S", "reason": ""},  # and no rate
            {"customer_country": "FR", "valid_from": "2026-06-01"},  # one is valid then
        ],
        "change": [
            {"customer_country": "fr"},
            {"customer_country": "ZZ"},
            {"same_region": "true"},
            {"has_tax_id": "unknown"},
            {"has_tax_id": "false"},
            {"product_kind": "shoes"},
            {"category": "X"},
            {"category": "K", "customer_country": "DE"},
            *({"rate": rate} for rate in ("", "19", "-1", "NaN", "Infinity", "1e30", "0.0001", "many", NUL)),
            {"category": "S", "rate": "100.001"},
            {"label": ""},
            {"label": LONG},
            {"label": NUL},
            {"reason": ""},
            {"reason": LONG},
            {"reason": NUL},
            {"reason_code": "vatex-eu-ae"},
            {"reason_code": "EU-AE"},
            {"parts": '[{"label": "A", "share": 50}, {"label": "B", "share": 50}]'},  # not of this category
            *({"category": "S", "rate": "18", "parts": parts} for parts in (
                "x", "5", "{}", NUL, DEEP, '[{"label": "A", "share": 100}]',
                *(f'[{{"label": "A", "share": 50}}, {part}]' for part in (
                    '{"label": "A", "share": 50}', '{"label": "B", "share": 51}', '{"label": "B"}', '{"share": 50}',
                    '{"label": "B", "share": NaN}', '{"label": "B", "share": "50"}', '{"label": "B", "share": 50.0}',
                    '{"label": "\\u0000", "share": 50}', '{"label": "\\ud800", "share": 50}', "5", "null",
                    '{"label": "B", "share": 50, "more": 1}',
                )),
                '[{"label": "A", "share": true}, {"label": "B", "share": 99}]',
            )),
            {"valid_from": ""},
            {"valid_until": "2025-12-31"},
            {"valid_until": "2026-02-30"},
        ],
    },
    Industry: {"add": [{"name": ""}, {"name": LONG}, {"name": NUL}, {"name": "Retail"}], "change": [{"name": ""}]},
    User: {
        "add": [
            {"email": ""},
            {"email": "nobody"},
            {"email": f"{'x' * 250}@acme.test"},
            {"email": "ann@acme.test"},
            {"email": "ANN@ACME.TEST"},  # the same mailbox
            {"email": "\uff41nn@acme.test"},
            {"email": "a@" + "\u00fc." * 100 + "test"},  # too long once it is written as hosts are
        ],
        "change": [
            {"email": ""},
            {"email": "BOB@acme.test"},
            {"email": NUL},
            {"name": LONG},
            {"name": "Ann\u2060"},
        ],
    },
    Membership: {
        "add": [
            {"account": ""},
            {"account": str(uuid4())},
            {"account": "x"},
            {"user": ""},
            {"user": str(uuid4())},
            {"user": "{ann}"},  # has a place already
            {"user": "{dan}"},  # of the staff
            {"role": "king"},
        ],
        "change": [{"role": ""}, {"role": "king"}, {"role": "viewer"}, {"role": "admin"}],  # they are the only owner
    },
    Site: {
        "add": [
            {"name": ""},
            {"name": LONG},
            {"name": "Shop"},  # there is one of that name
            {"account": ""},
            {"account": str(uuid4())},
            {"industry": ""},
            {"industry": str(uuid4())},
        ],
        "change": [
            {"name": ""},
            {"name": NUL},
            {"name": "Shop\u2067"},  # turned around
            {"name": "Sh\u200bop"},  # looks like the other
            {"name": "Sh\u2028op"},
            {"industry": "x"},
        ],
    },
    SiteUserAccess: {
        "add": [
            {"site": ""},
            {"site": str(uuid4())},
            {"user": ""},
            {"user": str(uuid4())},
            {"user": "{bob}"},  # of no account
            {"user": "{ann}"},  # has access already
            {"role": "king"},
        ],
        "change": [{"role": ""}, {"role": "king"}, {"user": "{bob}"}],
    },
}  # fmt: skip

# What a form for a new row is sent where it is not wrong.
NEW: dict[type[models.Model], Values] = {
    Plan: {"code": "large", "name": "Large", "credits": "5", "trial_days": "0", "position": "9"},
    PaymentMethod: {"name": "Ours", "code": "ours", "kind": "bank_transfer", "country": "DE", "currency": "EUR"},
    TaxRule: {"seller_country": "DE", "customer_country": "DE", "category": "Z", "rate": "0", "label": "VAT",
              "valid_from": "2026-01-01"},
    Industry: {"name": "Beekeeping"},
    User: {"email": "new@acme.test"},
    Membership: {"account": "{account}", "user": "{bob}", "role": "viewer"},
    Site: {"account": "{account}", "name": "Second shop", "industry": "{industry}"},
    SiteUserAccess: {"site": "{site}", "user": "{cid}", "role": "viewer"},
}  # fmt: skip

# Only looked at. What is deleted there is listed by has_delete_permission.
READ_ONLY = {model for model in admin.site._registry if model not in WRONG}


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(email="root@acme.test", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def scene(shop) -> dict[str, Any]:
    """One row of everything that can be changed, by the names that values in braces refer to."""
    ann = MembershipFactory(
        account=AccountFactory(status=Account.Status.TRIAL), user=UserFactory(email="ann@acme.test"), role="owner"
    )
    cid = MembershipFactory(account=ann.account, user=UserFactory(email="cid@acme.test"), role="member").user
    industry = Industry.objects.get(name="Retail")
    site = open_site(ann.account, name="Shop", industry=industry, by=ann.user)
    Policy.current()
    Group.objects.create(name="reviewer")
    TaxRule.objects.create(
        seller_country="DE",
        customer_country="FR",
        has_tax_id=True,
        category="AE",
        reason="Reverse charge",
        valid_from=date(2026, 1, 1),
    )
    TaxRule.objects.create(seller_country="DE", customer_country="FR", category="Z", valid_from=date(2026, 1, 1))
    PlanFactory(code="small")  # one price in USD, for a form that is sent many times
    return {
        "account": ann.account.pk, "membership": ann, "ann": ann.user.pk, "cid": cid.pk, "site": site.pk,
        "bob": UserFactory(email="bob@acme.test").pk, "industry": industry.pk,
        "dan": UserFactory(email="dan@staff.test", is_staff=True).pk,
        "invoice": InvoiceFactory(subscription__account=ann.account).pk,
    }  # fmt: skip


def row_of(model: type[models.Model], scene: dict[str, Any]) -> models.Model:
    if model is User:
        return User.objects.get(pk=scene["ann"])
    if model is Membership:
        return scene["membership"]
    if model is Plan:
        return Plan.objects.get(code="small")
    if model is PaymentMethod:
        return PaymentMethod.objects.get(code="eu_sepa")
    if model is TaxRule:
        return TaxRule.objects.get(category="AE")
    return model._default_manager.first()


def page(model: type[models.Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def standing(answer: Any) -> Values:
    """What a browser would send of the page as it stands."""
    forms = [answer.context["adminform"].form]
    for inline in answer.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    fields = [field for form in forms for field in form if not field.field.disabled]
    return {
        field.html_name: field.value() for field in fields if field.value() is not None and field.value() is not False
    }


def filled(values: Values, scene: dict[str, Any], sent: Values) -> Values:
    """With keys for words in braces, and new rows below those of the inline form."""
    count = int(sent.get("prices-TOTAL_FORMS", 0))
    done = {}
    for name, value in values.items():
        known = {f"{{{word}}}": key for word, key in scene.items()}
        done[name.format(new=count, next=count + 1)] = str(known.get(value, value)) if isinstance(value, str) else value
    if added := {name.split("-")[1] for name in done if name.startswith("prices-")}:
        done["prices-TOTAL_FORMS"] = count + len(added)
    return done


def rows(model: type[models.Model]) -> list[Any]:
    related = {Plan: PlanPrice}.get(model)
    found = [list(each._default_manager.order_by("pk").values()) for each in filter(None, (model, related))]
    if model in (User, Group):
        found.append([list(group.permissions.order_by("pk").values_list("pk")) for group in Group.objects.all()])
    return found


def errors(answer: Any) -> list[Any]:
    return list(answer.context["errors"]) if answer.context else []


def test_each_form_of_the_admin_has_wrong_values_here(rf, staff):
    request = rf.get("/")
    request.user = User.objects.get()
    editable = {
        model.__name__
        for model, pages in admin.site._registry.items()
        if pages.has_add_permission(request) or pages.has_change_permission(request)
    }

    assert editable == {model.__name__ for model in WRONG}


@pytest.mark.parametrize("model", sorted(READ_ONLY, key=str), ids=lambda m: m.__name__)
def test_read_only_models_have_no_form(staff, model):
    assert staff.get(page(model, "add")).status_code == 403
    assert staff.post(page(model, "add"), {}).status_code == 403


@pytest.mark.parametrize("model", NEW, ids=lambda m: m.__name__)
def test_a_form_for_a_new_row_takes_right_values(staff, scene, model):
    sent = standing(staff.get(page(model, "add")))
    count = model._default_manager.count()

    answer = staff.post(page(model, "add"), sent | filled(NEW[model], scene, sent))

    assert answer.status_code == 302, errors(answer)
    assert model._default_manager.count() == count + 1


@pytest.mark.parametrize("model", WRONG, ids=lambda m: m.__name__)
def test_a_form_takes_what_stands_there(staff, scene, model):
    path = page(model, "change", row_of(model, scene).pk)
    before = rows(model)

    answer = staff.post(path, standing(staff.get(path)))

    assert answer.status_code == 302, errors(answer)
    assert rows(model) == before


@pytest.mark.parametrize(
    ("model", "verb"),
    [(model, verb) for model, verbs in WRONG.items() for verb in verbs],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_a_wrong_value_is_refused_in_the_form_and_the_shop_stays_open(staff, scene, model, verb):
    """Each must be an error of the form: not an error of the server, nor a refusal by the database."""
    customer, invoice = User.objects.get(pk=scene["ann"]), str(scene["invoice"])
    staff.raise_request_exception = False
    wrong, before = [], rows(model)
    path = page(model, verb, *([row_of(model, scene).pk] if verb == "change" else []))
    stands = standing(staff.get(path))
    if verb == "add":
        stands |= filled(NEW[model], scene, stands)
    for case in WRONG[model][verb]:
        answer = staff.post(path, stands | filled(case, scene, stands))
        if answer.status_code != 200 or not errors(answer) or rows(model) != before:
            wrong.append(({name: str(value)[:40] for name, value in case.items()}, answer.status_code))

    assert wrong == []
    assert failures(customer, invoice=invoice) == {}


FORMS = [(model, verb) for model, verbs in WRONG.items() for verb in verbs]
A_FEW, MANY = 1, 30  # for each field


def name_of(each: Any) -> str:
    return each if isinstance(each, str) else each.__name__


@pytest.mark.parametrize(("model", "verb"), FORMS, ids=name_of)
def test_some_odd_texts_are_taken_or_shown_again(staff, scene, model, verb, seed, no_log):
    send_odd_texts(staff, scene, model, verb, count=A_FEW)


@pytest.mark.hostile
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("model", "verb"), FORMS, ids=name_of)
def test_many_odd_texts_are_taken_or_shown_again(staff, scene, model, verb, seed, no_log):
    send_odd_texts(staff, scene, model, verb, count=MANY)


def send_odd_texts(client: Client, scene: dict[str, Any], model: type[models.Model], verb: str, *, count: int) -> None:
    """In every field of the form, the hidden ones too."""
    path = page(model, verb, *([row_of(model, scene).pk] if verb == "change" else []))
    stands = standing(client.get(path))
    if verb == "add":
        stands |= filled(NEW[model], scene, stands)
    judge = Judge()
    for name in [*stands, "_popup", "_to_field"]:
        own = str(stands.get(name) or "Acme")
        longest = next((one.max_length for one in model._meta.fields if one.name == name and one.max_length), 200)
        for what, text in some_odd_texts(count, longest, word=own, number=own if own[0].isdigit() else "10"):
            judge.send(client, "post", path, stands | {name: text}, what=f"{name} {what}")
    judge.check()
