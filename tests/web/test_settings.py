from __future__ import annotations

from decimal import Decimal

import pytest
from django.core import checks
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.test import Client
from django.urls import reverse

from core.models import (
    Account,
    Industry,
    Invoice,
    Membership,
    PaymentMethod,
    Plan,
    PlanPrice,
    Policy,
    SiteUserAccess,
    User,
)
from core.models.base import protected_relations
from core.models.guards import CodeKept
from core.models.subscription import NEXT, Terms
from engine import perform
from engine.models import Effect
from tests.api.caller import Caller
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    SubscriptionFactory,
    UserFactory,
)
from tests.web.public_pages import failures
from tests.web.test_settings_walk import standing
from tests.workflows.conftest import prove
from workflows.actions import price_of, sign_up
from workflows.actions.sites import plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client) -> Client:
    client.force_login(UserFactory(email="root@acme.test", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def unchecked(db) -> None:
    """The tables of settings without their checks, as before them: the transaction of the test brings them back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            """SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text IN
               ('core_plan', 'core_planprice', 'core_policy', 'core_paymentmethod')"""
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        cursor.execute("ALTER TABLE core_paymentmethod DISABLE TRIGGER payment_method_payee_kept")


def page(row, name: str = "change") -> str:
    return reverse(f"admin:core_{row._meta.model_name}_{name}", args=[row.pk])


def delete(staff: Client, row):
    return staff.post(page(row, "delete"), {"post": "yes"})


def said(answer) -> str:
    return " ".join(str(message) for message in answer.wsgi_request._messages)


def words_of(answer) -> str:
    return " ".join(map(str, answer.context["protected"]))


# Prices


def test_retired_price_is_offered_nowhere_and_kept_by_who_chose_it(staff, shop):
    price = PlanPrice.objects.get(plan__code="growth", currency="EUR")
    chosen = SubscriptionFactory(plan=price.plan, currency="EUR", price=price.amount)

    answer = staff.post(
        reverse("admin:core_planprice_changelist"), {"action": "retire_selected", "_selected_action": [price.pk]}
    )

    assert answer.status_code == 302
    assert "1 price is not offered any more" in said(answer)
    plans = {plan["code"]: plan["prices"] for plan in Caller().get("plans/").json()["results"]}
    assert "EUR" not in {price["currency"] for price in plans["growth"]}
    assert "EUR" in {price["currency"] for price in plans["starter"]}
    assert price.plan.offer("EUR", "month") is None
    chosen.refresh_from_db()
    assert chosen.price == price.amount
    assert failures() == {}


def test_price_is_retired_and_replaced_by_one_click(staff, shop):
    plan = Plan.objects.get(code="growth")
    old = plan.prices.get(currency="USD", interval="month")
    sent = standing(staff.get(page(plan)))
    row = next(name for name, value in sent.items() if name.endswith("-id") and str(value) == str(old.pk))
    count = int(sent["prices-TOTAL_FORMS"])
    new = {"currency": "USD", "interval": "month", "amount": "199.00"}

    answer = staff.post(
        page(plan),
        sent
        | {row.replace("-id", "-retire"): "on", "prices-TOTAL_FORMS": count + 1}
        | {f"prices-{count}-{name}": value for name, value in new.items()},
    )

    assert answer.status_code == 302, answer.context["errors"]
    old.refresh_from_db()
    assert old.retired_at is not None
    assert price_of(plan, "USD").amount == Decimal("199.00")
    assert plan.prices.filter(currency="USD", interval="month").count() == 2


def test_saved_price_is_neither_changed_nor_deleted_in_the_admin(staff, shop):
    plan = Plan.objects.get(code="growth")
    before = list(plan.prices.order_by("pk").values())
    sent = standing(staff.get(page(plan)))
    changes = {name: "1.00" for name in sent if name.endswith("-amount")} | {"prices-0-amount": "1.00"}
    changes |= {"prices-0-currency": "CHF", "prices-0-interval": "year", "prices-0-DELETE": "on"}

    answer = staff.post(page(plan), sent | changes)

    assert answer.status_code == 302
    assert list(plan.prices.order_by("pk").values()) == before
    assert delete(staff, plan.prices.first()).status_code == 403


def test_only_one_price_of_a_currency_and_interval_is_offered():
    plan = PlanFactory()
    again = {"plan": plan, "currency": "USD", "interval": "month", "amount": Decimal("95.00")}

    with pytest.raises(IntegrityError, match="plan_price_offered_once"), atomic():
        PlanPrice.objects.create(**again)
    plan.prices.update(retired_at="2026-01-01T00:00Z")
    PlanPrice.objects.create(**again)

    assert price_of(plan, "USD").amount == Decimal("95.00")


@pytest.mark.parametrize(
    ("currency", "amount", "is_taken"),
    [
        ("USD", "5.12", True), ("USD", "5.123", False), ("JPY", "5", True), ("JPY", "5.5", False),
        ("KWD", "5.123", True), ("KWD", "5.1234", False), ("CLF", "5.1234", True),
        ("usd", "5.00", False), ("US", "5.00", False),
        ("USD", "NaN", False), ("USD", "-1", False), ("USD", "1e12", False),
    ],
)  # fmt: skip
def test_database_refuses_a_price_that_cannot_be_paid(currency, amount, is_taken):
    plan = PlanFactory(code="growth")
    insert = """INSERT INTO core_planprice (id, plan_id, currency, "interval", amount)
                VALUES (gen_random_uuid(), %s, %s, 'year', %s)"""

    def write() -> None:
        with atomic(), connection.cursor() as cursor:
            cursor.execute(insert, [plan.pk, currency, amount])

    if is_taken:
        write()
    else:
        with pytest.raises(IntegrityError, match="plan_price"):
            write()
    assert plan.prices.filter(interval="year").count() == is_taken


# What was saved past the forms and the checks


@pytest.mark.parametrize(("currency", "amount"), [("usd", "5.00"), ("XXX", "5.00"), ("CHF", "5.123"), ("JPY", "5.5")])
def test_price_that_cannot_be_paid_is_left_out_and_logged(shop, unchecked, caplog, currency, amount):
    plan = Plan.objects.get(code="growth")
    PlanPrice.objects.create(plan=plan, currency=currency, amount=Decimal(amount))
    owner = MembershipFactory(account__status="trial").user

    assert failures(owner) == {}
    assert "is left out: it cannot be paid" in caplog.text
    plans = {plan["code"]: plan["prices"] for plan in Caller().get("plans/").json()["results"]}
    assert len(plans["growth"]) == 11
    assert plan.offer(currency, "month") is None


@pytest.mark.parametrize(
    "change",
    [
        {"instructions": 5}, {"instructions": {"en": 5}}, {"fields": [1]},
        {"fields": {"iban": 5}}, {"requires": {"a": 1}}, {"requires": "reference"},
    ],
    ids=str,
)  # fmt: skip
def test_payment_method_without_a_shape_is_left_out_and_logged(shop, unchecked, caplog, run_effects, change):
    PaymentMethod.objects.filter(code="us_bank").update(**change)
    invoice = InvoiceFactory()
    owner = MembershipFactory(account=invoice.account).user

    run_effects()

    assert failures(owner, invoice=str(invoice.pk)) == {}
    codes = [row["code"] for row in Caller().get("billing/admin/payment-methods/?country=US").json()["results"]]
    assert codes == ["intl_wire", "cash_receipt"]
    assert "us_bank is left out" in caplog.text
    assert not Effect.objects.filter(state="dead").exists()


@pytest.mark.parametrize("steps", ["x", 5, ["3"], {"a": 1}, [None], [10_000_000], [True], [1.5], [3, 3]], ids=str)
def test_steps_that_are_none_stop_no_reminder(unchecked, clock, run_effects, caplog, steps):
    Policy.objects.update_or_create(
        pk=1, defaults={"reminder_steps": [*steps, 1] if isinstance(steps, list) else steps}
    )
    invoice = InvoiceFactory()
    PaymentMethodFactory()

    run_effects()
    clock.advance(days=8, hours=12)
    run_effects()

    assert not Effect.objects.filter(state="dead").exists()
    reminders = Effect.objects.filter(kind="mail.invoice_reminder", object_id=invoice.pk)
    assert [reminder.payload for reminder in reminders] == ([{"step": 1}] if isinstance(steps, list) else [])
    assert "reminder_steps" in caplog.text


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        *(("policy", "reminder_steps", each) for each in (
            '"x"', "5", '["3"]', '{"a": 1}', "[null]", "[366]", "[-366]", "[1.5]", "[[1]]", "[1,2,3,4,5,6,7,8,9,10,11]",
            "null",
        )),
        ("policy", "grace_days", "366"),
        ("policy", "claim_pause_days", "400"),
        *(("policy", "claim_ceilings", each) for each in (
            "5", "[]", "null", '{"USD": "5"}', '{"USD": -1}', '{"USD": 1.5}', '{"USD": null}', '{"usd": 5}',
            '{"US": 5}', '{"others": 5}', '{"USD": 1000000000000}', '{"USD": [5]}',
        )),
        ("policy", "adjustment_limit", "0"),
        ("policy", "adjustment_limit", "1000000001"),
        ("plan", "trial_days", "366"),
        ("plan", "max_users", "0"),
        *(("paymentmethod", column, each) for column in ("instructions", "fields")
          for each in ("[]", '"x"', "null", '{"en": 5}', '{"en": null}', '{"en": {}}')),
        *(("paymentmethod", "requires", each)
          for each in ("{}", '"reference"', '["blood"]', "[1]", "[null]", '[["reference"]]')),
        ("paymentmethod", "country", "us"),
        ("paymentmethod", "currency", "U$D"),
        ("paymentmethod", "bank_lag_days", "91"),
    ],
)  # fmt: skip
def test_database_refuses_what_readers_could_not_use(table, column, value):
    Policy.current(), PlanFactory(), PaymentMethodFactory()
    constraint = f"{table.replace('payment', 'payment_')}_"

    with pytest.raises(IntegrityError, match=constraint), atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_{table} SET {column} = %s", [value])


def test_reminders_can_be_switched_off(staff):
    Policy.current()
    path = reverse("admin:core_policy_change", args=[1])

    answer = staff.post(path, standing(staff.get(path)) | {"reminder_steps": ""})

    assert answer.status_code == 302, answer.context["errors"]
    assert Policy.current().reminder_steps == []


def test_reminder_steps_are_kept_in_their_order(staff):
    Policy.current()
    path = reverse("admin:core_policy_change", args=[1])

    answer = staff.post(path, standing(staff.get(path)) | {"reminder_steps": "[10, -365,365 , +3,\u22127]"})

    assert answer.status_code == 302, answer.context["errors"]
    assert Policy.current().reminder_steps == [-365, -7, 3, 10, 365]


# Codes


@pytest.mark.parametrize("noun", ["plan", "method"])
def test_code_in_use_stays_in_the_admin_the_model_and_the_database(staff, noun):
    payment = PaymentFactory()
    row = {"plan": payment.invoice.subscription.plan, "method": payment.method}[noun]
    code = row.code

    staff.post(page(row), standing(staff.get(page(row))) | {"code": "renamed"})
    row.refresh_from_db()
    assert row.code == code
    row.code = "renamed"
    with pytest.raises(Exception, match="is in use and stays"):
        row.full_clean()
    with pytest.raises(IntegrityError, match="is in use: its code stays"), atomic():
        row.save()
    with pytest.raises(IntegrityError, match="is in use: its code stays"), atomic():
        type(row).objects.filter(pk=row.pk).update(code="renamed")


def test_code_of_a_plan_for_the_next_period_stays():
    subscription = SubscriptionFactory()
    smaller = PlanFactory(code="smaller")
    subscription.choose_next(Terms(smaller.pk, Decimal(20), 10, "month"))
    subscription.save(update_fields=NEXT)

    with pytest.raises(IntegrityError, match="is in use"), atomic():
        Plan.objects.filter(pk=smaller.pk).update(code="renamed")


def test_code_that_nothing_refers_to_may_be_corrected():
    plan, method = PlanFactory(code="tpyo"), PaymentMethodFactory(code="tpyo")

    Plan.objects.filter(pk=plan.pk).update(code="typo")
    PaymentMethod.objects.filter(pk=method.pk).update(code="typo")

    assert Plan.objects.get().code == PaymentMethod.objects.get().code == "typo"


@pytest.mark.parametrize("model", [Plan, PaymentMethod])
def test_guard_of_a_code_knows_every_key_that_protects_its_row(model):
    (guard,) = [constraint for constraint in model._meta.constraints if isinstance(constraint, CodeKept)]

    keys = {(key.related_model._meta.db_table, key.field.column) for key in protected_relations(model)}
    assert {key for key in keys if key[0].startswith("core_")} == set(guard.references)


# Deleting


def test_unused_plan_goes_with_its_prices_and_a_used_one_stays(staff):
    unused, used = PlanFactory(code="unused"), SubscriptionFactory().plan

    assert delete(staff, unused).status_code == 302
    assert delete(staff, used).status_code == 200

    assert list(Plan.objects.all()) == [used]
    assert PlanPrice.objects.count() == 1


@pytest.mark.parametrize("way", ["its page", "the list"])
def test_method_that_an_invoice_or_a_payment_shows_stays(staff, way):
    methods = [InvoiceFactory(payment_method=PaymentMethodFactory()).payment_method, PaymentFactory().method]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in methods], "post": "yes"}

    if way == "its page":
        answers = [delete(staff, method) for method in methods]
    else:
        answers = [staff.post(reverse("admin:core_paymentmethod_changelist"), chosen)]

    assert {answer.status_code for answer in answers} == {200}
    assert all(map(words_of, answers))
    assert PaymentMethod.objects.filter(pk__in=[row.pk for row in methods]).count() == len(set(methods))


def test_plan_that_a_sign_up_falls_back_to_stays_and_the_page_says_why(staff, shop):
    free = Plan.objects.get(code="free")
    chosen = {"action": "delete_selected", "_selected_action": [free.pk], "post": "yes"}

    one, many = delete(staff, free), staff.post(reverse("admin:core_plan_changelist"), chosen)

    for answer in (one, many):
        assert "who signs up without a word gets it" in words_of(answer)
    assert Plan.objects.filter(code="free").exists()


def test_without_a_free_plan_the_smallest_limits_hold():
    PlanFactory(code="many_people", max_sites=1, max_users=9, position=1)
    PlanFactory(code="many_sites", max_sites=9, max_users=2, position=2)
    PlanFactory(code="internal", position=3)

    plan = plan_of(AccountFactory(status="trial"))

    assert (plan.max_sites, plan.max_users) == (1, 2)
    assert plan._state.adding


# People


@pytest.mark.parametrize("way", ["membership", "person", "many memberships", "many people"])
def test_last_owner_is_not_deleted(staff, way):
    ann, bob = (MembershipFactory(account=AccountFactory(name=name)) for name in ("Acme", "Other"))
    MembershipFactory(account=ann.account, role="admin")
    rows = {"membership": ann, "person": ann.user}
    lists = {"many memberships": ("membership", [ann.pk, bob.pk]), "many people": ("user", [ann.user_id, bob.user_id])}

    if way in rows:
        answer = delete(staff, rows[way])
    else:
        noun, keys = lists[way]
        chosen = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
        answer = staff.post(reverse(f"admin:core_{noun}_changelist"), chosen)

    assert "is the last owner of Acme" in words_of(answer)
    assert Membership.objects.count() == 3
    assert User.objects.filter(pk=ann.user_id).exists()


def test_two_owners_are_not_deleted_together(staff):
    ann = MembershipFactory()
    bob = MembershipFactory(account=ann.account)
    chosen = {"action": "delete_selected", "_selected_action": [ann.pk, bob.pk], "post": "yes"}

    answer = staff.post(reverse("admin:core_membership_changelist"), chosen)

    assert "is the last owner" in words_of(answer)
    assert Membership.objects.count() == 2


def test_one_of_two_owners_is_removed_as_by_the_other(staff):
    ann = MembershipFactory()
    bob = MembershipFactory(account=ann.account)

    answer = delete(staff, ann)

    assert answer.status_code == 302
    assert list(Membership.objects.all()) == [bob]
    assert not User.objects.get(pk=ann.user_id).is_active


def test_last_owner_of_a_closed_account_may_be_removed(staff):
    ann = MembershipFactory()
    perform(ann.account.close, by=ann.user)

    assert delete(staff, ann).status_code == 302

    assert not Membership.objects.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM core_membership",
        "UPDATE core_membership SET role = 'viewer'",
        "UPDATE core_membership SET account_id = '{other}' WHERE account_id = '{account}'",
    ],
)
def test_database_keeps_the_last_owner(sql):
    ann = MembershipFactory()
    other = MembershipFactory(account=AccountFactory())

    with pytest.raises(IntegrityError, match="keeps at least one owner"), atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format(account=ann.account_id, other=other.account_id))


def test_late_refusal_of_the_database_is_a_message(staff, monkeypatch):
    """As when two people save at the same moment: both forms were right."""
    ann = MembershipFactory()
    sent = standing(staff.get(page(ann))) | {"role": "viewer"}
    monkeypatch.setattr(Membership, "clean", lambda _: None)

    answer = staff.post(page(ann), sent)

    assert answer.status_code == 302
    assert "keeps at least one owner" in said(answer)
    ann.refresh_from_db()
    assert ann.role == "owner"


def test_barring_the_last_owner_is_done_with_a_warning_and_one_mail_to_operators(
    staff, settings, mailoutbox, run_effects
):
    settings.OPERATOR_EMAILS = ["ops@acme.test"]
    ann = MembershipFactory(account=AccountFactory(name="Acme", status="trial"))
    sent = standing(staff.get(page(ann.user)))
    sent.pop("is_active")

    for _ in range(2):
        User.objects.filter(pk=ann.user_id).update(is_active=True)
        answer = staff.post(page(ann.user), sent)
        assert "Operators are told." in said(answer)
    run_effects()

    (mail,) = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "no_owner"]
    assert mail.to == ["ops@acme.test"]
    assert mail.subject == "No owner can sign in: Acme"
    assert not User.objects.get(pk=ann.user_id).is_active


def test_access_to_a_site_is_for_people_of_its_account(shop):
    ann, stranger = MembershipFactory(), MembershipFactory()
    site = ann.account.sites.create(name="Shop", industry=Industry.objects.get(name="Retail"))

    SiteUserAccess(site=site, user=ann.user).full_clean()
    with pytest.raises(Exception, match="nobody of the site's account"):
        SiteUserAccess(site=site, user=stranger.user).full_clean()


# Ways to pay


def alerts(mailoutbox) -> list:
    return [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "no_way_to_pay"]


@pytest.mark.parametrize("way", ["switched off", "deleted", "deleted from the list", "moved"])
def test_last_payment_method_goes_with_a_warning_and_one_mail(staff, settings, mailoutbox, run_effects, way):
    settings.OPERATOR_EMAILS = ["ops@acme.test"]
    PaymentMethodFactory(code="elsewhere", country="PK", currency="PKR")
    PaymentMethodFactory(code="other_money", country="US", currency="EUR")
    fields = {"beneficiary": "Acme", "account_number": "12345678"}
    method = PaymentMethodFactory(instructions={"en": "Send it."}, fields=fields)
    sent = standing(staff.get(page(method)))

    if way == "switched off":
        answer = staff.post(page(method), {name: value for name, value in sent.items() if name != "is_enabled"})
    elif way == "moved":
        answer = staff.post(page(method), sent | {"country": "CA"})
    elif way == "deleted":
        answer = delete(staff, method)
    else:
        chosen = {"action": "delete_selected", "_selected_action": [method.pk], "post": "yes"}
        answer = staff.post(reverse("admin:core_paymentmethod_changelist"), chosen)
    run_effects()

    assert answer.status_code == 302, answer.context["errors"]
    assert "No payment method is left in US, in USD" in said(answer)
    (mail,) = alerts(mailoutbox)
    assert (mail.to, mail.subject) == (["ops@acme.test"], "Nobody can pay in US, in USD")
    assert not PaymentMethod.objects.filter(code="us_bank", country="US", is_enabled=True).exists()


def test_very_last_payment_method_is_told_as_such(staff, settings, mailoutbox, run_effects):
    settings.OPERATOR_EMAILS = ["ops@acme.test"]
    method = PaymentMethodFactory()

    answer = delete(staff, method)
    run_effects()

    assert "No payment method is left anywhere" in said(answer)
    assert [mail.subject for mail in alerts(mailoutbox)] == ["Nobody can pay anywhere"]


def test_method_that_is_not_the_last_goes_without_a_word(staff, mailoutbox, run_effects):
    method = PaymentMethodFactory()
    PaymentMethodFactory(code="everywhere", country="", currency="")

    answer = delete(staff, method)
    run_effects()

    assert "nobody can pay" not in said(answer)
    assert alerts(mailoutbox) == []


def test_invoices_that_nobody_can_pay_are_one_mail_a_day(settings, mailoutbox, run_effects, clock):
    settings.OPERATOR_EMAILS = ["ops@acme.test"]
    PaymentMethodFactory(currency="EUR")
    invoices = [InvoiceFactory(), InvoiceFactory()]

    run_effects()

    (mail,) = alerts(mailoutbox)
    assert mail.to == ["ops@acme.test"]
    assert all(invoice.number in mail.body for invoice in invoices)
    InvoiceFactory()
    run_effects()
    assert len(alerts(mailoutbox)) == 1
    clock.advance(days=7, hours=12)  # reminded of, and still not payable
    run_effects()
    assert len(alerts(mailoutbox)) == 2


def test_invoice_that_can_be_paid_after_all_is_no_alert(settings, mailoutbox, run_effects):
    settings.OPERATOR_EMAILS = ["ops@acme.test"]
    chosen = PaymentMethodFactory(code="chosen", country="PK", currency="USD")  # of another country, chosen for it
    InvoiceFactory(payment_method=chosen)

    run_effects()

    assert alerts(mailoutbox) == []
    assert Invoice.objects.filter(status="pending").exists()


# What is told before customers come


def test_checks_say_what_a_new_installation_lacks(shop, db):
    def found() -> set[str]:
        return {message.id for message in checks.run_checks(databases=["default"], include_deployment_checks=True)}

    lacking = {"core.W005", "core.W006", "core.W007"}
    assert not found() & lacking
    PaymentMethod.objects.update(is_enabled=False)
    Plan.objects.filter(code="free").update(is_public=False)
    PlanPrice.objects.update(retired_at="2026-01-01T00:00Z")

    assert found() >= lacking


@pytest.mark.parametrize(("days", "is_warned"), [(2, False), (3, False), (4, True), (14, True)])
def test_trial_that_is_not_longer_than_the_warning_is_not_warned_of(run_effects, clock, mailoutbox, days, is_warned):
    PlanFactory(code="free", trial_days=days, price=0)
    signed = sign_up(
        email="ann@acme.test", password="a fairly long one", account_name="Acme", plan=Plan.objects.get().code,
        currency="USD", billing={}, time_zone="UTC",
    )  # fmt: skip
    prove(signed)
    run_effects()
    begun = [mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox]

    clock.advance(days=days - 2)
    run_effects()
    clock.advance(days=3)
    run_effects()

    assert "trial_ending" not in begun
    kinds = [mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox]
    assert (kinds.count("trial_ending"), kinds.count("trial_ended")) == (int(is_warned), 1)
    assert Account.objects.get().status == "expired"
