from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from knox.models import AuthToken

from core.models import Payment, Policy
from engine import perform
from tests.factories import PaymentFactory, StaffFactory, UserFactory

OURS = ("engine", "core")

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize(
    "model", [m for m in admin.site._registry if m._meta.app_label in OURS], ids=lambda m: m.__name__
)
def test_every_list_opens(superuser, run_effects, model):
    PaymentFactory()
    run_effects()

    answer = superuser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))

    assert answer.status_code == 200


NOWHERE = {
    "IdempotentResponse",  # holds what callers were told
    "CrowdedTrial",  # the desk has a page of its own: Clusters of trials
    "Invitation",  # an account's own people see to it
    "DocumentChain",  # the last place and digest of the documents
    "DocumentFile",  # the bytes of a document
    "InvoiceLine",  # on the page of its invoice
    "CreditNoteLine",  # on the page of its credit note
    "Logo",  # on the documents
    "StatementContent",  # the bytes of a file
    "StatementDraft",  # a table that waits for its sender
}
SEARCHED = [model for model in admin.site._registry if model._meta.app_label in OURS and model is not Policy]


def test_every_model_has_its_place():
    registered = {model.__name__ for model in admin.site._registry}

    assert {
        model.__name__ for app in ("engine", "core") for model in apps.get_app_config(app).get_models()
    } - registered == NOWHERE


@pytest.mark.parametrize("model", SEARCHED, ids=lambda m: m.__name__)
def test_every_list_is_searched(superuser, run_effects, model):
    PaymentFactory()
    run_effects()
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")

    answer = superuser.get(path, {"q": "nobody has this name"})

    assert answer.context["cl"].search_fields
    assert list(answer.context["cl"].result_list) == []


# Few rows, or nothing to tell them apart by.
UNFILTERED = {"Seller", "RateLimitBucket", "CircuitBreaker", "Industry", "NumberSeries", "RefusalCount", "Throttle"}


@pytest.mark.parametrize("model", SEARCHED, ids=lambda m: m.__name__)
def test_every_list_is_filtered(superuser, model):
    assert bool(admin.site._registry[model].list_filter) == (model.__name__ not in UNFILTERED)


def test_many_payments_are_approved_from_the_list(client, run_effects):
    staff = StaffFactory(is_superuser=True)
    client.force_login(staff)
    good = [PaymentFactory(reference_key=str(n)) for n in range(3)]
    decided = PaymentFactory()
    perform(decided.reject, by=StaffFactory(), reason_code="other")

    answer = client.post(
        reverse("admin:core_payment_changelist"),
        {"action": "approve_selected", "_selected_action": [payment.pk for payment in [*good, decided]]},
        follow=True,
    )

    said = [str(message) for message in answer.context["messages"]]
    assert "3 payments approved." in said
    assert any("it is failed" in words for words in said)
    run_effects()
    assert Payment.objects.filter(status="succeeded").count() == 3


def test_status_cannot_be_edited_in_a_form(superuser):
    payment = PaymentFactory()
    path = reverse("admin:core_payment_change", args=[payment.pk])

    assert superuser.get(path).status_code == 200
    assert superuser.post(path, {"status": "succeeded"}).status_code == 403
    payment.refresh_from_db()
    assert payment.status == "pending_approval"


def test_the_admin_s_log_in_page_closes_after_some_wrong_passwords(client, settings):
    settings.LIMITS = {**settings.LIMITS, "login": {"pair": (2, timedelta(hours=1))}}
    UserFactory(email="ann@acme.test", is_staff=True)
    form = {"username": "ann@acme.test", "password": "wrong"}

    answers = [client.post("/admin/login/", form) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 60
    assert b"Too many tries" in answers[2].content


def test_staff_who_know_their_password_come_in_as_often_as_they_like(client, settings):
    settings.LIMITS = {**settings.LIMITS, "login": {"pair": (2, timedelta(hours=1))}}
    staff = UserFactory(email="ann@acme.test", is_staff=True)
    staff.set_password("correct horse battery")
    staff.save()

    for _ in range(5):
        answer = client.post("/admin/login/", {"username": "Ann@acme.test", "password": "correct horse battery"})
        assert answer.status_code == 302


def test_disabling_somebody_in_the_admin_ends_their_tokens(superuser):
    user = UserFactory()
    AuthToken.objects.create(user)
    page = reverse("admin:core_user_change", args=[user.pk])
    form = superuser.get(page).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value not in (None, False)}

    answer = superuser.post(page, data | {"is_active": ""})

    assert answer.status_code == 302, answer.context["errors"]
    user.refresh_from_db()
    assert not user.is_active
    assert not AuthToken.objects.exists()


def test_rejecting_many_asks_for_the_reason_first(client):
    client.force_login(StaffFactory(is_superuser=True))
    payments = [PaymentFactory(reference_key=str(n)) for n in range(2)]
    chosen = {"action": "reject_selected", "_selected_action": [payment.pk for payment in payments]}
    path = reverse("admin:core_payment_changelist")

    asked = client.post(path, chosen).content.decode()
    again = client.post(path, {**chosen, "confirmed": "yes", "reason_code": ""}).content.decode()
    assert "2</strong> payments will be rejected" in asked
    assert "errorlist" in again
    assert Payment.objects.filter(status="pending_approval").count() == 2

    confirmed = {**chosen, "confirmed": "yes", "reason_code": "not_received", "admin_notes": "Ask your bank."}
    said = client.post(path, confirmed, follow=True).content.decode()

    assert "2 payments rejected." in said
    assert (
        Payment.objects.filter(status="failed", reason_code="not_received", admin_notes="Ask your bank.").count() == 2
    )


def test_superusers_are_offered_no_decision(superuser):
    PaymentFactory()

    assert "approve_selected" not in superuser.get(reverse("admin:core_payment_changelist")).content.decode()


@pytest.mark.parametrize("count", [1, 20])
def test_a_list_costs_the_same_however_long_it_is(superuser, run_effects, django_assert_max_num_queries, count):
    for n in range(count):
        payment = PaymentFactory(reference_key=str(n))
        perform(payment.approve, by=StaffFactory())
    run_effects()

    for model in admin.site._registry:
        if model._meta.app_label in OURS:
            with django_assert_max_num_queries(9):
                superuser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))


def test_every_page_asks_at_most_twelve_questions(shop, superuser, run_effects):
    perform(PaymentFactory().approve, by=StaffFactory())
    run_effects()
    dear, seen = {}, 0
    for model in admin.site._registry:
        name, row = f"admin:{model._meta.app_label}_{model._meta.model_name}", model._default_manager.first()
        paths = [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        if row is not None:
            paths += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history")]
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                answer = superuser.get(path)
            seen += answer.status_code == 200
            if len(queries) > 12:
                dear[path] = [query["sql"][:100] for query in queries]

    assert dear == {}
    assert seen > 60


@pytest.mark.parametrize("noun", ["account", "subscription", "invoice", "payment"])
def test_a_page_shows_what_happened_and_what_belongs_to_it(superuser, run_effects, noun):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory(email="approver@demo.test"))
    run_effects()
    invoice = payment.invoice
    rows = {"account": payment.account, "subscription": invoice.subscription, "invoice": invoice, "payment": payment}
    row = rows[noun]

    page = superuser.get(reverse(f"admin:core_{noun}_change", args=[row.pk])).content.decode()

    assert reverse("history", args=[noun, row.pk]) in page
    assert "89.00 USD" in page
    assert "begin" in page
    linked = {"account": ["invoice", "payment"], "subscription": ["invoice"], "invoice": ["payment", "account"],
              "payment": ["invoice", "account"]}  # fmt: skip
    for other in linked[noun]:
        assert reverse(f"admin:core_{other}_change", args=[rows[other].pk]) in page


def test_a_page_costs_the_same_however_much_it_shows(superuser, run_effects, django_assert_max_num_queries):
    first = PaymentFactory()
    for n in range(20):
        PaymentFactory(invoice=first.invoice, submitted_by=first.submitted_by, reference_key=str(n))
    run_effects()

    for row in (first.account, first.invoice, first):
        with django_assert_max_num_queries(12):
            superuser.get(reverse(f"admin:core_{row._meta.model_name}_change", args=[row.pk]))


@pytest.mark.parametrize("query", ["within=7", "within=x", "country=PK", "currency=USD", "status=paid", "q=demo"])
def test_lists_are_filtered_without_reading_them_whole(superuser, query):
    PaymentFactory()

    for noun in ("account", "invoice", "payment", "creditentry", "balanceentry"):
        path = reverse(f"admin:core_{noun}_changelist")
        assert superuser.get(f"{path}?{query}").status_code in (200, 302)


def test_recent_rows_are_found_by_their_keys(superuser):
    payment = PaymentFactory()
    path = reverse("admin:core_payment_changelist")

    assert str(payment.pk) in superuser.get(f"{path}?within=1").content.decode()


@pytest.mark.parametrize("name", ["membership", "site", "siteuseraccess"])
def test_no_form_offers_everybody_in_one_list(superuser, name):
    PaymentFactory()

    page = superuser.get(reverse(f"admin:core_{name}_add")).content.decode()

    assert "admin-autocomplete" in page
    assert "user0@example" not in page
