"""Every transition of docs/workflows.md from every state."""

from __future__ import annotations

from collections import deque
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from core.models import Account, Invoice, Payment, Subscription
from core.problems import WrongState
from engine import create, perform
from engine.models import Transition
from engine.stateful import edges_of, initial_states
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    SubscriptionFactory,
)

pytestmark = pytest.mark.django_db

MACHINES = (Account, Subscription, Invoice, Payment)
ARROWS = [(model, *edge) for model in MACHINES for edge in edges_of(model)]
NO_ARROWS = [
    (model, name, state)
    for model in MACHINES
    for name in sorted({name for name, _, _ in edges_of(model)})
    for state in model.Status.values
    if not any((name, state) == edge[:2] for edge in edges_of(model))
]
TODAY, NEXT = date(2027, 1, 31), date(2027, 2, 28)
TOTAL = Decimal("89.00")

# What people and the engine give a transition. Those by hand name who does it.
INPUTS = {
    "Account.close": {"by": "staff"},
    "Subscription.activate": {"on": TODAY, "until": NEXT},
    "Subscription.renew": {"until": NEXT},
    "Subscription.upgrade": {"plan": uuid4(), "price": TOTAL, "credits_a_month": 10},
    "Subscription.cancel": {"by": "owner"},
    "Invoice.issue": {"number": "INV-1", "issued_on": TODAY, "due_on": TODAY, "snapshot": {}},
    "Invoice.void": {"by": "staff"},
    "Invoice.write_off": {"by": "staff"},
    "Invoice.pay": {"amount": TOTAL},
    "Invoice.release": {"amount": TOTAL},
    "Invoice.credit": {"amount": Decimal(1), "to_balance": Decimal(0)},
    "Payment.approve": {"by": "staff"},
    "Payment.reject": {"by": "staff", "reason_code": "other"},
    "Payment.withdraw": {"by": "owner"},
    "Payment.reverse": {"by": "staff", "reason_given": "bounced"},
    "Payment.reverse_part": {"by": "staff", "amount": Decimal(1), "reason_given": "bounced"},
}


@pytest.fixture
def people(db):
    staff = StaffFactory()
    duties = ["reverse_payment", "void_invoice", "manage_accounts"]
    staff.user_permissions.add(*Permission.objects.filter(codename__in=duties))
    return {"staff": staff, "owner": MembershipFactory(account=AccountFactory()).user}


@pytest.fixture
def born(people):
    """A row of that model in a state it may be born in, of the owner's account."""

    def make(model, state):
        account = people["owner"].membership.account
        if model is Account:
            row = AccountFactory.build(status=state)
        elif model is Subscription:
            row = SubscriptionFactory.build(account=account, plan=PlanFactory())
        elif model is Invoice:
            row = Invoice(account=account, currency="USD", total=TOTAL)
        else:
            invoice = make(Invoice, "draft")
            row = Payment(
                account=account, invoice=invoice, method=PaymentMethodFactory(), amount=TOTAL, currency="USD",
                submitted_by=people["owner"],
            )  # fmt: skip
        create(row)
        return row

    return make


@pytest.fixture
def take(people):
    def take_(row, name, target=None):
        """A transition of a row with what it needs, so that it leads to that target."""
        given = dict(INPUTS.get(f"{type(row).__name__}.{name}", {}))
        if "by" in given:
            given["by"] = people[given["by"]]
        if name == "pay":
            given["amount"] = row.outstanding if target == "paid" else row.outstanding / 2
        if name == "release":
            given["amount"] = row.allocated / 2 if target == "partially_paid" else row.allocated
        if name == "credit" and row.status == "paid":
            given["to_balance"] = given["amount"]
        elif name == "credit" and target == "paid":
            given["amount"] = row.outstanding
        if name == "upgrade":
            given["plan"] = PlanFactory().pk
        return perform(getattr(row, name), **given)

    return take_


@pytest.fixture
def bring(born, take):
    def bring_(model, state):
        """A row of that model in that state, by the shortest way there is."""
        ways = deque([(birth, []) for birth in initial_states(model)])
        been = set()
        while ways[0][0] != state:
            here, way = ways.popleft()
            been.add(here)
            for edge in edges_of(model):
                name, source, to = edge
                if source == here and to not in been:
                    ways.append((to, [*way, (name, to)]))
        start = ways[0][1]
        first = next(birth for birth in initial_states(model) if not start or _leads(model, birth, start))
        row = born(model, state if not start else first)
        for name, to in start:
            take(row, name, to)
        assert row.status == state
        return row

    return bring_


def _leads(model, birth, way):
    return (way[0][0], birth, way[0][1]) in edges_of(model)


@pytest.mark.parametrize(
    ("model", "name", "source", "target"),
    ARROWS,
    ids=lambda word: getattr(word, "__name__", word),
)
def test_transition_leads_to_its_declared_state(model, name, source, target, bring, take):
    row = bring(model, source)

    fact = take(row, name, target)

    row.refresh_from_db()
    assert (fact.name, fact.source, fact.target) == (name, source, target)
    assert (row.status, row.version) == (target, fact.seq)


@pytest.mark.parametrize(("model", "name", "state"), NO_ARROWS, ids=lambda word: getattr(word, "__name__", word))
def test_undeclared_transition_is_refused(model, name, state, bring, take):
    row = bring(model, state)
    before = Transition.objects.count()

    with pytest.raises(WrongState) as refusal:
        take(row, name)

    row.refresh_from_db()
    assert refusal.value.members["object_status"] == row.status == state
    assert Transition.objects.count() == before


def test_the_machines_have_the_states_of_the_design():
    assert {model.__name__: " ".join(model.Status.values) for model in MACHINES} == {
        "Account": "trial pending_payment active past_due suspended expired closed",
        "Subscription": "pending_payment active past_due suspended cancelled expired",
        "Invoice": "draft pending partially_paid paid void uncollectible",
        "Payment": "pending_approval approved succeeded failed cancelled reversed",
    }
