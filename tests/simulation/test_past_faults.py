"""What went wrong for some customer once, told in the words of the verbs: no law is broken by it any more.

Who is in the first story signs up on 1 March, pays on the 3rd, and has a period to 3 April, which is day 33.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workflows.simulation.run import daily_laws
from workflows.simulation.scope import Laws
from workflows.simulation.story import Story, Teller

pytestmark = pytest.mark.django_db(transaction=True)
START = datetime(2030, 3, 1, tzinfo=UTC)
SEED = 2  # of the hours at which the days' work is done: half past three on day 33

OTHER_HOURS = {  # for what needs them
    "moved far west while a claim for an overdue renewal was in review": 1,
    "moved far west while a claim held up the end of a trial": 1,
}


def joins(plan="starter", currency="USD", interval="month"):
    return (0, "sign_up", {"plan": plan, "currency": currency, "interval": interval, "method": 0})


def claims(day, *, share="1", says="plain", which=0):
    return (day, "claim", {"which": which, "share": share, "method": 0, "currency": None, "says": says})


def approved(day, *, valued=False):
    return (day, "approve", {"which": 0, "received": None, "spread": False, "valued": valued})


def pays(day, *, share="1", which=0):
    return claims(day, share=share, which=which), approved(day)


def chooses(day, plan, interval=None):
    return (day, "choose", {"plan": plan, "interval": interval})


def does(day, verb, **said):
    return (day, verb, said)


def first(day, verb):
    return (day, verb, {"which": 0})


STORIES = {
    "bounced before the end of a period and paid again": (
        joins(), *pays(2), *pays(28), first(54, "reverse"), *pays(58), 90,
    ),
    "moved far west while a claim for an overdue renewal was in review": (
        joins(), *pays(2), does(3, "move", zone="Pacific/Kiritimati"), claims(34),
        does(38, "move", zone="Pacific/Pago_Pago"), first(40, "reject"), 70,
    ),
    "moved far west while a claim held up the end of a trial": (
        joins("free"), does(1, "move", zone="Pacific/Kiritimati"), chooses(12, "starter"), claims(13),
        does(15, "move", zone="Pacific/Pago_Pago"), first(17, "reject"), 60,
    ),
    # At half past three by UTC the period has begun there, and not yet where the customer is now.
    "moved far west and paid a renewal in the hours that the zones are apart": (
        joins(), *pays(2), does(30, "move", zone="Pacific/Pago_Pago"), claims(32), approved(33), 60,
    ),
    "the first payment bounced, long before the invoice would have lapsed": (
        joins(), *pays(2), first(5, "reverse"), 40,
    ),
    "a sign-up was paid in part": (joins(), *pays(2, share="0.5"), 60),
    "a sign-up was paid in part and written off": (joins(), *pays(2, share="0.5"), first(3, "write_off"), 60),
    "a renewal was paid in part and the subscription cancelled": (
        joins(), *pays(2), *pays(28, share="0.5"), does(29, "cancel"), 70,
    ),
    "money came for a voided sign-up after the plan was chosen again": (
        joins(), claims(1), first(2, "void"), chooses(3, "starter"), approved(4), 40,
    ),
    "a step up a day before the end": (joins(), *pays(2), chooses(32, "growth"), *pays(32, which=1), 40),
    "a cancellation taken back": (joins(), *pays(2), does(5, "cancel_at_end"), does(6, "keep"), 40),
    "a smaller plan chosen after a cancellation": (
        joins("growth"), *pays(2), does(5, "cancel_at_end"), chooses(6, "starter"), 40,
    ),
    "a plan was renamed while its renewal was open": (
        joins(), *pays(2), does(27, "rename_plan", plan="starter", code="-renamed"), *pays(28), 60,
    ),
    "the price of a plan that was chosen for later was taken away": (
        joins("growth"), *pays(2), chooses(10, "starter"),
        does(11, "retire_price", plan="starter", currency="USD", interval="month"), 45,
    ),
    "the price of a plan that was chosen for later was raised": (
        joins("growth"), *pays(2), chooses(10, "starter"),
        does(11, "edit_price", plan="starter", currency="USD", interval="month", factor="1.5"), 45,
    ),
    "the credits of a plan were changed before it was paid for": (
        joins(), claims(1), does(2, "edit_credits", plan="starter", factor="0.5"), approved(3), 10,
    ),
    "a price with fractions of a cent": (
        joins("free"), does(1, "price_with_fractions", plan="starter", currency="USD"), chooses(2, "starter"), 10,
    ),
    "a price in no currency": (joins("free"), does(1, "price_in_no_currency", plan="starter", currency="usd"), 10),
    "senseless reminder steps": (joins("free"), does(1, "remind_senselessly", steps="x"), chooses(2, "starter"), 10),
    "a reference that is longer in capitals": (joins(), claims(1, says="long reference"), 5),
    "a long reason for credits": (joins("free"), does(1, "adjust_credits", amount=50, why="x" * 200), 5),
    "a reference again in other digits": (joins(), claims(1, share="0.5"), first(2, "claim_once_more"), 5),
    "paid in the year 2999": (joins(), claims(1, says="paid in 2999"), 5),
    "approved with a value date in the year 2999": (joins(), claims(1), approved(2, valued=True), 5),
    "from months to years": (joins(), *pays(2), chooses(5, "growth", "year"), 20),
    "a renewal paid ahead and cancelled at once": (joins(), *pays(2), *pays(28), does(29, "cancel"), 70),
    "a balance that nearly pays a renewal, and a tolerance for banks": (
        joins(), does(1, "edit_tolerance", method=0, tolerance=("20", "15")), *pays(2, share="1.865"), 40,
    ),
    "a payment bounced after its subscription had ended": (
        joins(), *pays(2), does(5, "cancel"), first(9, "reverse"), 60,
    ),
    "staff voided what a past due customer had to pay": (
        joins(), *pays(2), first(5, "reverse"), first(6, "void"), 60,
    ),
}  # fmt: skip


def test_past_faults_break_no_law(world):
    laws = Laws(daily_laws())

    ends = {}
    for name, (*events, until) in STORIES.items():
        teller = Teller(world, laws, start=START, seed=OTHER_HOURS.get(name, SEED))
        if end := teller.tell(Story(tuple(events), until)):
            ends[name] = f"day {end[1]}: {end[0]}"

    assert ends == {}


def test_an_ordinary_customer_breaks_no_law(world):
    told = Story((joins(), *pays(2), *pays(28), *pays(60), does(80, "cancel_at_end")), 120)

    assert Teller(world, Laws(daily_laws()), start=START, seed=SEED).tell(told) is None
