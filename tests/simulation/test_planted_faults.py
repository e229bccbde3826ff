from __future__ import annotations

import pytest

from tests.simulation.plants import dearer_afterwards, forgetting, never, only_marks_the_end, replacing, writing
from workflows.reporting.laws import LIVENESS, PLACES
from workflows.simulation.agreed import AGREED
from workflows.simulation.run import Simulation, daily_laws
from workflows.simulation.verbs import PRODUCT

pytestmark = pytest.mark.django_db(transaction=True)
# By the law that finds it. Settings that are believed unchecked would drown the others.
SENSELESS = ("remind_senselessly", "price_in_no_currency", "price_with_fractions")
PLANTED = {
    "a trial has its end before it": lambda: never("account.end_trial"),
    "an account that waits for a payment has chosen a plan": lambda: forgetting("account", "expire"),
    "a plan that was chosen is paid for or lapses": lambda: never("invoice.let_lapse"),
    "an active subscription has its next period before it": lambda: never("subscription.turn"),
    "nobody is active without having paid": lambda: never("invoice.fall_behind"),
    "who is past due or suspended has a next day": lambda: never("subscription.run_out_of_grace"),
    "who is past due or suspended has something to pay": lambda: forgetting("subscription", "recover"),
    "an open invoice is not open for ever": lambda: never("invoice.let_lapse", "invoice.fall_behind"),
    "an approved payment is settled": lambda: never("payment.settle"),
    "no money lies on what never was and never will be": lambda: never("subscription.close_down", "account.wind_up"),
    "money in the balance pays what is open": lambda: never("invoice.apply_balance", "payment.apply_balance"),
    "money is in a currency that there is, in coins that there are": lambda: writing(
        "core_payment", "NEW.amount := NEW.amount + 0.0001"
    ),
    "only what a bank may have kept is written off with a payment": lambda: writing(
        "core_invoice",
        """IF NEW.status = 'paid' AND OLD.status <> 'paid' THEN
            NEW.written_off := 1; NEW.allocated := NEW.total - 1; END IF""",
        when="UPDATE",
    ),
    "who has left is asked for no money": lambda: never("subscription.close_down", "account.wind_up"),
    "what ends with its period is not sold for the next": lambda: replacing("cancel_at_end", only_marks_the_end),
    "a renewal costs what was agreed when its plan was chosen": lambda: replacing(
        "choose", dearer_afterwards(PRODUCT["choose"])
    ),
    "a period gives the credits that were agreed": lambda: writing(
        "core_creditentry", "IF NEW.key LIKE 'grant:%' THEN NEW.amount := NEW.amount + 7; END IF"
    ),
    "a step up gives no larger share of the credits than of the price": lambda: writing(
        "core_creditentry", "IF NEW.key LIKE 'upgrade:%' THEN NEW.amount := NEW.amount * 2 + 10; END IF"
    ),
    "what is due is done": lambda: writing(
        "engine_effect",
        "IF NEW.kind = 'invoice.chase' AND NEW.state = 'ready' THEN NEW.state := 'waiting'; END IF",
        when="UPDATE",
    ),
}


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("law", PLANTED)
def test_a_planted_fault_is_found(law, world):
    asked = {law: daily_laws()[law]}  # another law may see the same fault first
    simulation = Simulation(world, customers=200, days=200, seed=3, skip=SENSELESS, laws=asked)

    with PLANTED[law]():
        report = simulation.run(until=law)

    assert law in report.findings


def test_there_is_a_planted_fault_for_every_law():
    assert set(PLANTED) == set(LIVENESS | PLACES | AGREED)
