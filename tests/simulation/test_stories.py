"""One customer, staff and time, by Hypothesis: what breaks a law is shortened to a story in the words of the verbs.

The long form, in `make faults`, tries more and longer ones.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.simulation.test_planted_faults import SENSELESS
from workflows.simulation.run import daily_laws, failures_after, perform_verb
from workflows.simulation.scope import Laws, Violation
from workflows.simulation.story import Teller, undone
from workflows.simulation.verbs import VERBS, sign_up
from workflows.simulation.world import PRICES

pytestmark = pytest.mark.django_db(transaction=True)
ACTS = sorted(name for name in VERBS if name not in SENSELESS)


def _spoken(name):
    words = {
        word: st.sampled_from(list(dict.fromkeys(map(_frozen, VERBS[name].choices[word]))))
        for word in VERBS[name].choices
    }
    return st.tuples(st.just(name), st.fixed_dictionaries(words))


def _frozen(choice):
    return (
        choice if not isinstance(choice, tuple) or not isinstance(choice[-1], list) else (choice[0], tuple(choice[1]))
    )


def machine(world, laws):
    class Life(RuleBasedStateMachine):
        """What happens to one account."""

        @initialize(
            plan=st.sampled_from(["free", "starter", "growth"]),
            currency=st.sampled_from(list(PRICES)),
            interval=st.sampled_from(["month", "year"]),
        )
        def create(self, plan, currency, interval):
            self.block = undone(world)
            self.block.__enter__()
            self.teller = Teller(world, laws, start=world.clock.now(), seed=0)
            self.customer = sign_up(world, plan=plan, currency=currency, interval=interval)
            self.look()

        @rule(act=st.sampled_from(ACTS).flatmap(_spoken))
        def act(self, act):
            name, said = act
            outcome = perform_verb(world, VERBS[name], said, None if VERBS[name].who == "settings" else self.customer)
            assert not isinstance(outcome, Violation), str(outcome)
            self.look()

        @rule(days=st.integers(1, 40))
        def wait(self, days):
            self.teller.live_through(self.customer, days)
            self.look()

        def look(self):
            self.teller.work(self.customer)
            assert [str(found) for found in failures_after(self.teller.seen)] == []
            assert [str(found) for found in laws.broken_by([self.customer.account_id])] == []

        def teardown(self):
            if hasattr(self, "block"):
                self.block.__exit__(None, None, None)

    return Life


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        (6, 15),
        pytest.param(300, 60, marks=[pytest.mark.faults, pytest.mark.timeout(1800)]),
    ],
)
def test_laws_hold_for_any_history_of_a_customer(world, examples, steps):
    run_state_machine_as_test(
        machine(world, Laws(daily_laws())),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
