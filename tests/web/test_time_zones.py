from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import Account
from core.time_zones import time_zone_names
from tests.factories import AccountFactory, MembershipFactory, StaffFactory
from tests.web.conftest import signed_in
from web.chart import credit_use
from workflows.actions.credits import consume
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db
FREE = {"plan": "free", "email": "ann@acme.test", "password": "correct horse battery", "account_name": "Acme"}
PAID = {
    **FREE,
    "plan": "starter",
    "country": "PK",
    "billing_email": "ann@acme.test",
    "address_line1": "1 Mall Road",
    "city": "Lahore",
    "payment_method": "intl_wire",
}


def signed_up(**form):
    answer = Client().post(reverse("sign_up"), form)
    assert answer.status_code == 302, answer.content.decode()
    return Account.objects.get(name="Acme")


@pytest.mark.parametrize(
    ("form", "zone"),
    [
        ({**FREE, "time_zone": "Asia/Karachi"}, "Asia/Karachi"),
        ({**FREE, "time_zone": "Asia/Calcutta"}, "Asia/Kolkata"),
        ({**PAID, "time_zone": "Europe/London"}, "Europe/London"),
        (PAID, "Asia/Karachi"),
        ({**PAID, "time_zone": "Mars/Olympus"}, "Asia/Karachi"),
        (FREE, "UTC"),
        ({**FREE, "time_zone": "localtime"}, "UTC"),
        ({**FREE, "time_zone": "x" * 5000}, "UTC"),
    ],
    ids=["browser", "old name", "browser before country", "country", "unknown, country", "none", "no zone", "long"],
)
def test_sign_up_takes_the_browser_s_zone_else_the_country_s_else_utc(shop, form, zone):
    assert signed_up(**form).time_zone == zone


def test_page_of_signing_up_has_a_place_for_the_browser_s_zone(shop):
    page = Client().get(reverse("sign_up")).content.decode()

    assert '<input type="hidden" name="time_zone" id="id_time_zone">' in page


def test_zone_is_chosen_with_the_billing_details(visit):
    account = AccountFactory()
    client = visit(account)
    page = client.get(reverse("billing"))
    form = page.context["form"].initial | {"time_zone": "Asia/Karachi"}

    answer = client.post(reverse("billing"), form)

    account.refresh_from_db()
    assert (answer.status_code, account.time_zone) == (302, "Asia/Karachi")
    assert "America/St Johns (UTC-0" in page.content.decode()
    assert [zone for zone, _ in page.context["form"].fields["time_zone"].choices] == time_zone_names()


@pytest.mark.parametrize("zone", ["localtime", "Mars/Olympus", "Factory", "asia/karachi"])
def test_zone_that_is_none_is_refused_beside_its_field(visit, zone):
    account = AccountFactory()
    client = visit(account)
    form = client.get(reverse("billing")).context["form"].initial | {"time_zone": zone}

    answer = client.post(reverse("billing"), form)

    account.refresh_from_db()
    assert (answer.status_code, account.time_zone) == (200, "UTC")
    assert list(answer.context["form"].errors) == ["time_zone"]


def test_form_of_a_page_from_before_leaves_the_zone_as_it_is(visit):
    account = AccountFactory(time_zone="Asia/Karachi")
    client = visit(account)
    form = client.get(reverse("billing")).context["form"].initial
    del form["time_zone"]

    answer = client.post(reverse("billing"), form | {"name": "Changed"})

    account.refresh_from_db()
    assert (answer.status_code, account.name, account.time_zone) == (302, "Changed", "Asia/Karachi")


@pytest.mark.parametrize(("stored", "shown"), [("Etc/GMT+5", "Etc/GMT+5"), ("Asia/Calcutta", "Asia/Kolkata")])
def test_unusual_zone_of_an_older_account_is_chosen_and_can_be_saved(visit, stored, shown):
    account = AccountFactory(time_zone=stored)
    client = visit(account)
    form = client.get(reverse("billing")).context["form"]

    answer = client.post(reverse("billing"), form.initial)

    account.refresh_from_db()
    assert (form["time_zone"].value(), answer.status_code, account.time_zone) == (shown, 302, shown)


@pytest.mark.parametrize("zone", ["localtime", "Mars/Olympus", "Europe"])
@pytest.mark.parametrize("name", ["dashboard", "credits", "plan", "invoices", "billing"])
def test_zone_that_nobody_knows_breaks_no_page(shop, visit, zone, name):
    account = AccountFactory(status="trial", time_zone=zone, trial_ends_on=date(2026, 12, 12))

    assert visit(account).get(reverse(name)).status_code == 200


def test_staff_see_in_which_zone_an_account_s_days_are_counted():
    account = AccountFactory(time_zone="Asia/Karachi")
    staff = signed_in(StaffFactory())

    page = staff.get(reverse("desk_account", args=[account.pk])).content.decode()

    assert "Asia/Karachi, UTC+05:00" in page


def use_at(clock, account, *moments):
    """Use 1, 2, 4 ... credits at those moments."""
    post([grant(account, 1000, key="test", description="test", cause_id=None)])
    user = MembershipFactory(account=account).user
    for number, moment in enumerate(moments):
        clock.go_to(moment)
        consume(account, amount=2**number, reference=f"r{number}", by=user)


@pytest.mark.parametrize(
    ("zone", "on_the_27th", "on_the_28th"),
    [
        ("UTC", 1 + 2, 4),
        ("Asia/Karachi", 0, 1 + 2 + 4),
        ("Pacific/Pago_Pago", 1 + 2 + 4, 0),
        ("Mars/Olympus", 1 + 2, 4),
    ],
)
def test_chart_counts_by_days_that_python_decides(clock, zone, on_the_27th, on_the_28th):
    account = AccountFactory(status="trial", time_zone=zone)
    late = datetime(2026, 11, 27, 22, tzinfo=UTC)
    use_at(clock, account, late, late + timedelta(hours=1, minutes=59), late + timedelta(hours=12))
    clock.go_to(late + timedelta(days=4))

    with CaptureQueriesContext(connection) as queries:
        chart = credit_use(account)

    used = {bar.day: bar.amount for bar in chart.bars}
    assert (used[date(2026, 11, 27)], used[date(2026, 11, 28)]) == (on_the_27th, on_the_28th)
    assert not any("AT TIME ZONE" in query["sql"].upper() for query in queries)


def test_times_on_customers_pages_are_those_of_their_clocks(visit, clock):
    account = AccountFactory(status="trial", time_zone="Asia/Kathmandu")
    use_at(clock, account, datetime(2026, 11, 27, 18, 30, tzinfo=UTC))

    page = visit(account).get(reverse("credits")).content.decode()

    assert "28 November 2026, 00:15" in page
    assert re.search(r"datetime=\"2026-11-28T00:15:[0-9.]+\+05:45\"", page)
