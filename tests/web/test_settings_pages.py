"""The settings on the desk, by plain requests as without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.models import PaymentMethod, Plan, PlanPrice, Policy, User
from core.security.sessions import CONFIRMED_AT, SessionStore
from engine import pause, resume
from engine.models import Effect
from tests.factories import (
    COMPANY,
    SETTINGS_PERMISSIONS,
    MembershipFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    SubscriptionFactory,
    UserFactory,
    scheduled_mail,
    staff_of_all_settings,
)
from tests.web.conftest import signed_in
from workflows.actions.seller import save_seller
from workflows.payees.examples import METHODS
from workflows.seed.payment_methods import seed_payment_methods

pytestmark = pytest.mark.django_db

OURS = {"beneficiary": "Acme", "account_number": "12345678"}


def staff(*names: str, email: str = "") -> User:
    person = UserFactory(is_staff=True, **({"email": email} if email else {}))
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    return person


@pytest.fixture
def ann() -> Client:
    return signed_in(staff_of_all_settings(email="ann@staff.test"))


def words(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def said(answer) -> str:
    return " ".join(map(str, answer.context["messages"]))


def standing(form) -> dict[str, object]:
    """What a browser would send of the form as it stands."""
    values = {field.html_name: field.value() for field in form}
    return {name: value for name, value in values.items() if value is not None and value is not False}


# Who may


PAGES = {
    "settings": SETTINGS_PERMISSIONS,
    "settings_company": ("change_seller",),
    "settings_brand": ("change_seller",),
    "settings_numbers": ("change_seller",),
    "settings_plans": ("change_plan", "view_plan", "change_planprice"),
    "settings_new_plan": ("add_plan",),
    "settings_methods": ("change_paymentmethod", "view_paymentmethod"),
    "settings_new_method": ("add_paymentmethod",),
    "settings_people": ("add_user", "grant_duties"),
    "settings_reminders": ("change_policy", "view_policy"),
    "settings_mail": ("operate_effects", "change_policy"),
}


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_who_has_one_of_their_permissions(page):
    path = reverse(page)

    assert Client().get(path)["Location"] == f"/login/?next={path}"
    assert signed_in(MembershipFactory().user).get(path).status_code == 403
    assert signed_in(StaffFactory()).get(path).status_code == 403  # who approves payments sets nothing
    assert signed_in(staff()).get(path).status_code == 403
    for name in PAGES[page]:
        assert signed_in(staff(name)).get(path).status_code == 200, name
    assert signed_in(UserFactory(is_staff=True, is_superuser=True)).get(path).status_code == 200


def test_page_shows_links_to_those_pages_that_are_open():
    page = signed_in(staff("change_policy")).get(reverse("settings")).content.decode()

    assert reverse("settings_reminders") in page
    assert reverse("settings_mail") in page
    assert reverse("settings_plans") not in page


def test_staff_without_another_page_begin_in_the_settings():
    assert signed_in(staff("view_plan")).get("/home/")["Location"] == reverse("settings")


SENT = {  # page, what it is about, form
    "a plan": ("settings_new_plan", [], {"name": "Large", "code": "large", "credits": "5"}),
    "its name": ("settings_plan", ["plan"], {"verb": "save", "name": "Other"}),
    "a price": (
        "settings_plan",
        ["plan"],
        {"verb": "price", "currency": "USD", "interval": "month", "amount": "1.00"},
    ),
    "a retired price": ("settings_retire_price", ["price"], {}),
    "a retired plan": ("settings_retire_plan", ["plan"], {}),
    "a way to pay": ("settings_new_method", [], {"name": "Ours", "code": "ours", "kind": "cash"}),
    "its name too": ("settings_method", ["method"], {"name": "Other"}),
    "a person": ("settings_people", [], {"email": "new@acme.com"}),
    "reminders": ("settings_reminders", [], {"grace_days": "1"}),
    "a mail": ("settings_mail", [], {}),
    "a company": ("settings_company", [], COMPANY),
    "numbers": ("settings_numbers", [], {"invoice": "X-{number:06}"}),
    "a brand": ("settings_brand", [], {"brand_name": "Acme"}),
}


@pytest.mark.parametrize("what", SENT)
def test_who_may_only_look_changes_nothing(what):
    plan, method = PlanFactory(), PaymentMethodFactory()
    keys = {"plan": plan.pk, "price": plan.prices.get().pk, "method": method.pk}
    page, about, data = SENT[what]
    Policy.current()
    before = [list(model.objects.values()) for model in (Plan, PlanPrice, PaymentMethod, Policy)]
    looker = staff("view_plan", "view_paymentmethod", "view_policy", "view_user", "view_payeeversion")
    people = User.objects.count()

    answer = signed_in(looker).post(reverse(page, args=[keys[noun] for noun in about]), data)

    assert answer.status_code == 403
    assert [list(model.objects.values()) for model in (Plan, PlanPrice, PaymentMethod, Policy)] == before
    assert User.objects.count() == people
    assert not Effect.objects.filter(kind="mail.test").exists()
    assert not LogEntry.objects.exists()


def test_who_may_only_look_sees_no_form():
    plan, method = PlanFactory(), PaymentMethodFactory(fields=OURS, instructions={"en": "Pay {amount}."})
    eve = signed_in(staff("view_plan", "view_paymentmethod", "view_policy"))

    for name, args in (("plan", [plan.pk]), ("method", [method.pk]), ("reminders", []), ("plans", []), ("methods", [])):
        page = eve.get(reverse(f"settings_{name}", args=args)).content.decode()
        assert page.count("<form") == 1, name  # to sign out
    assert "12345678" in eve.get(reverse("settings_method", args=[method.pk])).content.decode()


CONFIRMED = (
    *("settings_company", "settings_brand", "settings_numbers"),
    *("settings_new_method", "settings_people", "settings_reminders"),
)


@pytest.mark.parametrize("page", [*CONFIRMED, "settings_method"])
def test_password_is_asked_for_again_after_a_quarter_of_an_hour(ann, page):
    path = reverse(page, args=[PaymentMethodFactory().pk] if page == "settings_method" else [])
    assert ann.get(path).status_code == 200
    session = SessionStore(ann.cookies["sessionid"].value)
    session[CONFIRMED_AT] = (timezone.now() - timedelta(minutes=16)).isoformat()
    session.save()

    for answer in (ann.get(path), ann.post(path, {"grace_days": "1"})):
        assert answer["Location"].startswith(reverse("desk_confirm"))


# The checklist


def test_queue_tells_who_may_set_something_what_is_left(ann):
    both = staff("review_payment", "change_policy")

    page = words(signed_in(both).get("/desk/"))

    assert "8 steps are left to set this installation up" in page
    assert "left to set" not in words(signed_in(StaffFactory()).get("/desk/"))


def test_checklist_has_links_for_those_who_can_do_it():
    page = signed_in(staff("change_policy")).get(reverse("settings")).content.decode()

    assert f'<a href="{reverse("settings_reminders")}"><strong>Reminders are as you want them' in page
    assert "<strong>A public plan has a price</strong>" in page
    assert f'<a href="{reverse("settings_plans")}"' not in page
    assert "another permission than yours" in page


def test_entry_goes_when_it_is_done(ann):
    def left():
        return words(ann.get(reverse("settings")))

    assert "A public plan has a price" in left()
    PlanFactory()
    assert "A public plan has a price" not in left()
    assert "Reminders are as you want them" in left()
    form = ann.get(reverse("settings_reminders")).context["form"]
    assert ann.post(reverse("settings_reminders"), standing(form)).status_code == 302  # looked at, and kept
    assert "Reminders are as you want them" not in left()


def test_everything_done_is_one_line_and_none_on_the_desk(ann, monkeypatch):
    for module in ("web.staff.setup", "web.staff_settings.overview"):
        monkeypatch.setattr(f"{module}.first_run", lambda _: {"plan": True})

    assert "Everything that the first day needs is set up" in words(ann.get(reverse("settings")))
    both = signed_in(staff("review_payment", "change_policy"))
    assert "left to set" not in words(both.get("/desk/"))


# Plans and prices


@pytest.fixture
def plan() -> Plan:
    return PlanFactory(max_sites=3)


def save(ann: Client, plan: Plan, **values: object):
    page = reverse("settings_plan", args=[plan.pk])
    form = ann.get(page).context["forms"]["save"]
    return ann.post(page, standing(form) | {"verb": "save"} | values, follow=True)


def price(ann: Client, plan: Plan, **values: object):
    data = {"verb": "price", "currency": "USD", "interval": "month", "amount": "99.00"} | values
    return ann.post(reverse("settings_plan", args=[plan.pk]), data, follow=True)


def test_plan_is_added_and_offered_when_it_has_a_price(ann):
    data = {"name": "Large", "code": "large", "credits": "5000", "trial_days": "0", "position": "2", "is_public": "on"}

    answer = ann.post(reverse("settings_new_plan"), data, follow=True)

    plan = Plan.objects.get()
    assert answer.redirect_chain == [(reverse("settings_plan", args=[plan.pk]), 302)]
    assert "nobody can choose this plan" in words(answer)
    assert "no price" in words(ann.get(reverse("settings_plans")))
    assert "From now on it costs 1,199.00 EUR a year" in said(
        price(ann, plan, currency="eur", interval="year", amount="1.199,00")
    )
    assert "1,199.00 EUR" in words(ann.get(reverse("settings_plans")))
    assert (plan.code, plan.max_users, plan.credits) == ("large", None, 5000)


def test_new_price_says_how_many_keep_the_old_one(ann, plan):
    SubscriptionFactory(plan=plan)
    SubscriptionFactory(plan=plan, price=Decimal(79))
    page = words(ann.get(reverse("settings_plan", args=[plan.pk])))
    assert "2 subscriptions of this plan run on at the price that they were chosen at" in page
    assert re.search(r"89.00 USD a month 1 subscription\b", page)
    assert re.search(r"Earlier prices that are still paid 79.00 USD a month 1", page)

    answer = price(ann, plan)

    assert "From now on it costs 99.00 USD a month" in said(answer)
    assert re.search(r"99.00 USD a month 0 subscriptions", words(answer))
    assert list(PlanPrice.objects.offered().values_list("amount", flat=True)) == [99]


def test_price_is_retired_by_a_button(ann, plan):
    answer = ann.post(reverse("settings_retire_price", args=[plan.prices.get().pk]), follow=True)

    assert "not offered any more" in said(answer)
    assert not PlanPrice.objects.offered().exists()
    assert ann.get(reverse("settings_retire_price", args=[plan.prices.get().pk])).status_code == 405


def test_plan_is_retired_after_a_question(ann, plan):
    SubscriptionFactory(plan=plan)
    path = reverse("settings_retire_plan", args=[plan.pk])
    assert "1 subscription of it goes on and renews as before" in words(ann.get(path))
    assert Plan.objects.get().is_public

    ann.post(path)

    assert not Plan.objects.get().is_public
    assert not PlanPrice.objects.offered().exists()
    assert "Retire this plan" not in words(ann.get(reverse("settings_plan", args=[plan.pk])))


def test_plan_is_changed_and_the_change_is_in_its_history(ann, plan):
    answer = save(ann, plan, name="Starter Plus", max_sites="")

    assert "Saved." in said(answer)
    plan.refresh_from_db()
    assert (plan.name, plan.max_sites, plan.credits, plan.code) == ("Starter Plus", None, 1000, "starter")
    assert "Name" in LogEntry.objects.get().get_change_message()
    assert LogEntry.objects.get().object_id == str(plan.pk)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"credits": "many"}, "credits"),
        ({"credits": "-1"}, "credits"),
        ({"credits": "9" * 5000}, "credits"),
        ({"credits": str(2**31)}, "credits"),
        ({"max_users": "0"}, "max_users"),
        ({"trial_days": "366"}, "trial_days"),
        ({"position": "70000"}, "position"),
    ],
)
def test_wrong_plan_is_shown_again(ann, plan, change, field):
    before = Plan.objects.values().get()

    answer = save(ann, plan, **change)

    assert field in answer.context["forms"]["save"].errors
    assert Plan.objects.values().get() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "XXX"}, "currency"),
        ({"currency": "U$D"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"interval": "week"}, "interval"),
        ({"amount": ""}, "amount"),
        ({"amount": "0"}, "amount"),  # free, and no day to try it
        ({"amount": "-1.00"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "5.123"}, "amount"),
        ({"currency": "KWD", "amount": "1.234"}, "amount"),  # which of two?
        ({"amount": "EUR 5.00"}, "amount"),
        ({"currency": "JPY", "amount": "5.5"}, "amount"),
        ({"amount": "89.00"}, "amount"),  # as it is
    ],
)
def test_wrong_price_is_shown_again(ann, plan, change, field):
    answer = price(ann, plan, **change)

    assert field in answer.context["forms"]["price"].errors
    assert PlanPrice.objects.get().retired_at is None


def test_free_plan_has_a_price_of_nothing(ann):
    plan = PlanFactory(trial_days=14)

    assert "0.00 GBP a month" in said(price(ann, plan, currency="GBP", amount="0"))


def test_plan_page_knows_two_verbs(ann, plan):
    page = reverse("settings_plan", args=[plan.pk])

    assert ann.post(page, {"verb": "delete"}).status_code == 404
    assert ann.post(page).status_code == 404


# People


def test_somebody_is_added_and_gets_a_link(ann, run_effects, mailoutbox):
    answer = ann.post(reverse("settings_people"), {"email": "new@acme.com", "name": "Newton"}, follow=True)
    run_effects()

    person = User.objects.get(email="new@acme.com")
    assert (person.name, person.is_staff, person.has_usable_password()) == ("Newton", False, False)
    assert "has no rights yet" in said(answer)
    assert [mail.to for mail in mailoutbox] == [["new@acme.com"]]


def test_who_may_grant_is_led_to_the_rights_of_somebody_new():
    eve = signed_in(staff("add_user", "grant_duties"))

    answer = eve.post(reverse("settings_people"), {"email": "new@acme.com"})

    assert answer["Location"] == reverse("desk_person", args=[User.objects.get(email="new@acme.com").pk])


@pytest.mark.parametrize("email", ["", "nobody", "ANN@staff.test", "a@b", "x" * 250 + "@acme.com"])
def test_wrong_address_of_a_person_is_shown_again(ann, email):
    count = User.objects.count()

    answer = ann.post(reverse("settings_people"), {"email": email})

    assert "email" in answer.context["form"].errors
    assert User.objects.count() == count


def test_people_are_listed_with_what_they_may(ann):
    StaffFactory(email="rita@staff.test")
    MembershipFactory(user__email="owner@acme.test")

    page = words(ann.get(reverse("settings_people")))

    assert re.search(r"rita@staff.test\s+approves payments", page)
    assert "One person alone may approve payments" in page
    assert "owner@acme.test" not in page
    StaffFactory()
    assert "One person alone" not in words(ann.get(reverse("settings_people")))


# Reminders


def typed(ann: Client, **values: object) -> dict[str, object]:
    return standing(ann.get(reverse("settings_reminders")).context["form"]) | values


def test_reminders_are_saved_and_other_numbers_stay(ann):
    Policy.objects.create(pk=1, adjustment_limit=5)

    answer = ann.post(reverse("settings_reminders"), typed(ann, reminder_steps="3, -1", grace_days="2"), follow=True)

    assert "Saved." in said(answer)
    policy = Policy.objects.get()
    assert (policy.reminder_steps, policy.grace_days, policy.adjustment_limit) == ([-1, 3], 2, 5)
    assert LogEntry.objects.get().object_id == "1"


@pytest.mark.parametrize("path", ["settings_reminders", "settings_reminders_preview"])
def test_preview_shows_what_was_typed_and_saves_nothing(ann, path):
    data = typed(ann, reminder_steps="2", grace_days="3", preview="yes")

    page = words(ann.post(reverse(path), data))

    assert page.count("Reminder, 2 days late") == 2
    assert "before Mail:" not in page
    assert "Mail: Overdue: invoice INV-000123" in page
    assert "Mail: Your plan Example is suspended" in page
    assert Policy.objects.get().grace_days == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("reminder_steps", value) for value in (
            "x", "366", "-366", "1.5", "3, 3", ",", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11", "\u0663", "9" * 7,
        )),
        *((name, value) for name in ("grace_days", "days_to_pay", "renewal_lead_days") for value in (
            "", "-1", "366", "1.5", "a week", "9" * 5000,
        )),
    ],
)  # fmt: skip
def test_wrong_reminders_are_shown_again(ann, name, value):
    before = Policy.objects.values().filter(pk=Policy.current().pk).get()
    data = typed(ann) | {name: value}

    answer = ann.post(reverse("settings_reminders"), data)

    assert answer.status_code == 200
    assert name in answer.context["form"].errors
    assert Policy.objects.values().get() == before
    preview = ann.post(reverse("settings_reminders_preview"), data)
    assert preview.status_code == 200
    assert "Reminder," not in words(preview)


# Mail


def test_mail_page_tells_what_the_brand_says_and_what_the_environment(ann, settings):
    settings.MAIL_FROM, settings.MAIL_REPLY_TO = "Acme <billing@acme.com>", "help@acme.com"
    seller = {**COMPANY, "sender_name": "Acme Cloud", "support_url": "https://acme.com/help"}
    save_seller(seller, by=None)

    page = words(ann.get(reverse("settings_mail")))
    save_seller({"reply_to": "answers@shop.example"}, by=None)
    later = words(ann.get(reverse("settings_mail")))

    assert "Sender Brand Acme Cloud" in page
    assert "Their address MAIL_FROM billing@acme.com" in page
    assert "Answers go to MAIL_REPLY_TO help@acme.com" in page
    assert "Page for questions Brand https://acme.com/help" in page
    assert "nobody reads them" not in page
    assert "Answers go to Brand answers@shop.example" in later
    assert "nobody reads them" in later


def test_mail_page_shows_the_server_without_its_password(ann, settings):
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "mail.acme.com", "robot", "s3cret"
    settings.MAIL_FROM, settings.MAIL_REPLY_TO = "Acme <billing@acme.com>", "help@acme.com"
    settings.EMAIL_USE_TLS = True

    page = words(ann.get(reverse("settings_mail")))

    assert "mail.acme.com" in page
    assert "Sender MAIL_FROM Acme " in page
    assert "Their address MAIL_FROM billing@acme.com" in page
    assert "Answers go to MAIL_REPLY_TO help@acme.com" in page
    assert "STARTTLS" in page
    assert "with a password" in page
    assert "robot" not in page
    assert "s3cret" not in page


def test_test_mail_is_sent_by_a_worker_and_its_end_is_shown(ann, run_effects, mailoutbox):
    answer = ann.post(reverse("settings_mail"), follow=True)
    assert "on its way" in words(answer)
    assert 'data-poll="2"' in answer.content.decode()
    assert mailoutbox == []
    assert "still under way" in said(ann.post(reverse("settings_mail"), follow=True))

    run_effects()

    page = ann.get(reverse("settings_mail"))
    assert [mail.to for mail in mailoutbox] == [["ann@staff.test"]]
    assert "delivered to the server" in words(page)
    assert 'data-poll="2"' not in page.content.decode()


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"state": "dead", "attempts": 1, "last_error": "550 5.7.1 <not wanted>"}, "failed"),
        ({"state": "uncertain", "attempts": 1, "last_error": "no answer"}, "did not say whether"),
        (
            {"state": "waiting", "attempts": 2, "last_error": "refused", "failing_since": "2026-01-01T00:00Z"},
            "tried again",
        ),
        ({"state": "skipped"}, "skipped by an operator"),
        ({"state": "done", "outcome": {"recipients": []}}, "not sent"),
    ],
)  # fmt: skip
def test_test_mail_that_failed_says_so_in_the_words_of_the_server(ann, change, shown):
    ann.post(reverse("settings_mail"))
    Effect.objects.filter(kind="mail.test").update(fence=1, **change)

    page = ann.get(reverse("settings_mail")).content.decode()

    assert shown in page
    assert change.get("last_error", "").replace("<", "&lt;").replace(">", "&gt;") in page


def test_many_test_mails_are_refused(ann, settings, run_effects):
    settings.LIMITS = {**settings.LIMITS, "mail": {"pair": (2, timedelta(hours=1))}}

    answers = []
    for _ in range(3):
        answers.append(said(ann.post(reverse("settings_mail"), follow=True)))
        run_effects()

    assert "Too many tries" in answers[2]
    assert Effect.objects.filter(kind="mail.test").count() == 2


def test_pause_of_mails_is_told_and_another_is_not(ann):
    operator = staff("operate_effects")
    pause("kind", "invoice.chase", by=operator, reason="wrong days")
    assert "Paused:" not in words(ann.get(reverse("settings_mail")))

    for scope, name in (("kind", "mail.test"), ("lane", "outward"), ("outward", ""), ("all", "")):
        paused = pause(scope, name, by=operator, reason="wrong bank")
        assert f"Paused: {paused}" in words(ann.get(reverse("settings_mail")))
        resume(paused, by=operator)


def test_failed_mails_lead_operators_to_their_effects(ann):
    mail = scheduled_mail()
    Effect.objects.filter(pk=mail.pk).update(state="dead", attempts=3, fence=3, last_error="550 no")
    operator = signed_in(staff("operate_effects"))

    page = operator.get(reverse("settings_mail")).content.decode()

    assert reverse("effect", args=[mail.pk]) in page
    assert "550 no" in page
    assert reverse("effect", args=[mail.pk]) not in ann.get(reverse("settings_mail")).content.decode()


# Ways to pay: tests/web/test_settings_methods.py


def test_every_page_of_the_catalogue_opens(ann):
    seed_payment_methods()

    for method in PaymentMethod.objects.all():
        page = ann.get(reverse("settings_method", args=[method.pk]))
        assert page.status_code == 200, method.code
    assert len(METHODS) == PaymentMethod.objects.count()
