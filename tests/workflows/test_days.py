"""The last day that a mail or page names is a day that the customer has."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils.translation import override

from core.models import Account, Subscription
from core.problems import ValidationError
from engine import schedule
from engine.models import Effect
from tests.factories import AccountFactory, MembershipFactory
from tests.workflows.conftest import prove
from tests.workflows.customers import kinds_of, status
from workflows.actions import change_account, sign_up
from workflows.lifecycle.trials import end_trial
from workflows.mail.formatting import period_text
from workflows.periods import last_day_of, midnight
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"]


@pytest.fixture
def trial(plans, run_effects):
    def start(zone="UTC", **more):
        signed = sign_up(
            email="ann@acme.test",
            password="a fairly long one",
            account_name="Acme",
            plan=plans["free"].code,
            currency="USD",
            billing={},
            time_zone=zone,
            **more,
        )
        prove(signed)
        run_effects()
        return signed

    return start


def day_after(words, mail):
    """The day that a mail names after those words."""
    text = " ".join(mail.body.split())
    named = re.search(rf"{words}:? (\d+ \w+ \d{{4}})", text)[1]
    return datetime.strptime(f"{named} +0000", "%d %B %Y %z").date()


def go_to_local(clock, zone, at, *, days=1):
    clock.go_to(datetime.combine(clock.today(zone) + timedelta(days), at, ZoneInfo(zone)))


@pytest.mark.parametrize("zone", ZONES)
def test_trial_of_14_days_begun_just_before_midnight_lasts_14_days(trial, clock, run_effects, zone):
    go_to_local(clock, zone, time(23, 50))
    began = clock.now()
    account = trial(zone).account

    clock.go_to(began + timedelta(days=14))
    run_effects()
    after_14_days = status(account)
    clock.go_to(began + timedelta(days=14, minutes=11))
    run_effects()

    assert (after_14_days, status(account)) == (["trial"], ["expired"])


@pytest.mark.parametrize("zone", ZONES)
def test_last_day_that_the_mails_name_is_one_of_the_trial(trial, clock, run_effects, mailoutbox, zone):
    go_to_local(clock, zone, time(23, 50))
    account = trial(zone).account
    (welcome,) = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "trial_started"]
    named = day_after("The trial ends on", welcome)

    clock.go_to(datetime.combine(named, time(23, 59), ZoneInfo(zone)))
    run_effects()
    on_that_day = status(account)
    clock.go_to(datetime.combine(named + timedelta(1), time(0, 1), ZoneInfo(zone)))
    run_effects()

    assert account.trial_ends_on == named
    assert (on_that_day, status(account)) == (["trial"], ["expired"])
    assert kinds_of(mailoutbox)["trial_ended"] == 1


def test_trial_begun_under_the_rule_of_before_is_ended_after_its_last_day(clock, run_effects):
    """Its timer stands at the beginning of that day: it comes back for the end."""
    last = clock.today() + timedelta(3)
    account = AccountFactory(status="trial", trial_ends_on=last)
    schedule(end_trial, key=f"trial_end:{account.pk}:{last}", about=account, at=midnight(last, "UTC"))

    clock.go_to(datetime.combine(last, time(12), UTC))
    run_effects()
    on_its_last_day = status(account)
    clock.go_to(datetime.combine(last + timedelta(1), time(0, 1), UTC))
    run_effects()

    assert (on_its_last_day, status(account)) == (["trial"], ["expired"])


def test_trial_whose_zone_moves_west_ends_when_its_last_day_is_over_there(trial, clock, run_effects, live_through):
    go_to_local(clock, "UTC", time(12))
    signed = trial("Pacific/Kiritimati")

    change_account(signed.account, by=signed.user, time_zone="Pacific/Pago_Pago")
    live_through(14)
    after_14_days = status(signed.account)
    live_through(3)

    assert (after_14_days, status(signed.account)) == (["trial"], ["expired"])


def test_trial_keeps_the_day_that_it_was_told(trial, clock):
    go_to_local(clock, "Asia/Kathmandu", time(23, 50))

    account = trial("Asia/Kathmandu").account

    assert account.trial_ends_on == clock.today("Asia/Kathmandu") + timedelta(14)
    over_at = midnight(account.trial_ends_on + timedelta(1), "Asia/Kathmandu")
    assert Effect.objects.get(kind="account.end_trial").run_at == over_at
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


@pytest.mark.parametrize(("zone", "kept"), [("Asia/Calcutta", "Asia/Kolkata"), ("Etc/Zulu", "UTC")])
def test_verbs_keep_a_zone_under_its_present_name(trial, zone, kept):
    signed = trial(zone)
    born_in = signed.account.time_zone
    change_account(signed.account, by=signed.user, time_zone="Asia/Karachi")

    changed = change_account(signed.account, by=signed.user, time_zone=zone)

    assert (born_in, changed.time_zone) == (kept, kept)


def test_account_leaves_a_zone_that_nobody_knows_and_its_timers_go_with_it(trial):
    signed = trial()
    Account.objects.filter(pk=signed.account.pk).update(time_zone="localtime")

    account = change_account(signed.account, by=signed.user, time_zone="Asia/Karachi")

    over_at = midnight(account.trial_ends_on + timedelta(1), "Asia/Karachi")
    assert Effect.objects.get(kind="account.end_trial").run_at == over_at


def test_verbs_refuse_what_is_no_zone(trial, clock):
    member = MembershipFactory(account=AccountFactory(time_zone="Asia/Karachi"))

    for zone in ("localtime", "Mars/Olympus", "Factory"):
        with pytest.raises(ValidationError):
            trial(zone)
        with pytest.raises(ValidationError):
            change_account(member.account, by=member.user, time_zone=zone, name="Changed")

    account = Account.objects.get()
    assert (account.time_zone, account.name) == ("Asia/Karachi", "Demo Ltd")


def test_approval_names_the_last_day_that_is_paid_for(active, mailoutbox):
    active()

    (mail,) = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "payment_approved"]

    assert day_after("Paid until", mail) == last_day_of(Subscription.objects.get().period_end)


def test_suspension_names_the_last_day_on_which_paying_helps(active, live_through, clock, mailoutbox):
    signed = active()
    while status(signed.subscription) != ["suspended"]:
        live_through(1)
    live_through(0)
    (mail,) = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "subscription_suspended"]
    named = day_after("your plan ends on", mail)

    live_through((named - clock.today()).days)
    on_that_day = (clock.today(), status(signed.subscription))
    live_through(1)

    assert on_that_day == (named, ["suspended"])
    assert status(signed.subscription) == ["cancelled"]


@pytest.mark.parametrize(
    ("start", "end", "english", "arabic"),
    [
        (date(2026, 5, 1), date(2026, 6, 1), "1 to 31 May 2026", "1 %s 31 مايو 2026"),
        (date(2026, 5, 3), date(2026, 6, 3), "3 May to 2 June 2026", "3 مايو %s 2 يونيو 2026"),
        (date(2026, 12, 3), date(2027, 1, 3), "3 December 2026 to 2 January 2027", None),
        (date(2026, 12, 1), date(2027, 1, 1), "1 to 31 December 2026", None),
        (date(2026, 5, 1), date(2027, 5, 1), "1 May 2026 to 30 April 2027", None),
        (date(2028, 1, 31), date(2028, 2, 29), "31 January to 28 February 2028", None),
        (date(2026, 5, 31), date(2026, 6, 1), "31 May 2026", "31 مايو 2026"),
    ],
)
def test_period_is_written_with_its_last_day(start, end, english, arabic):
    assert period_text(start, end) == english
    if arabic:
        with override("ar"):
            written = period_text(start, end)
        assert all(part in written for part in arabic.split(" %s "))


def raw_ends(text):
    """Ends of periods in a template that would be written as they are, the first day after; in `if` nothing is."""
    written = re.sub(r"\{%\s*(el)?if\b.*?%\}|\{%\s*period\b.*?%\}", "", text)
    return re.findall(r"\w*period_end\b(?!\|last_day)", written)


def test_no_template_writes_the_end_of_a_period_as_it_is():
    templates = [path for room in ("web", "workflows/mail", "api") for path in (ROOT / room / "templates").rglob("*.*")]

    assert len(templates) > 100
    assert {path.name: found for path in templates if (found := raw_ends(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("template", "count"),
    [
        ('{{ subscription.period_end|date:"j F" }}', 1),
        ("{% blocktranslate with last=invoice.billing_period_end %}", 1),
        ('{{ subscription.period_end|last_day|date:"j F" }}', 0),
        ("{% if subscription.period_end %}", 0),
        ("{% period invoice.period_start invoice.period_end %}", 0),
    ],
)
def test_end_of_a_period_in_a_template_is_found(template, count):
    assert len(raw_ends(template)) == count


def test_no_mail_writes_the_end_of_a_period_as_it_is():
    source = (ROOT / "workflows" / "mail" / "context.py").read_text()

    assert re.findall(r"(?<!_last_day\()(?<=\()[\w.]*period_end", source) == []
    assert "_last_day(subscription.period_end)" in source
