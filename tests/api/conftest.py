from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db.transaction import atomic, set_rollback

from core.models import Account, BankAccount, Payment, Plan, User
from engine import perform
from tests.api.caller import BASE, Caller, answered, is_problem
from tests.api.published import operation_of
from tests.api.scenario import BILLING, Scenario, build
from tests.api.scenario import digest as whole_digest
from tests.factories import (
    PASSWORD,
    AccountFactory,
    MembershipFactory,
    OperatorFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    sepa_bank_account,
    staff_of_all_duties,
)
from workflows.actions import claim_payment, sign_up
from workflows.bank import import_statement
from workflows.settlement.credits import grant, post

__all__ = ["BASE", "Caller", "is_problem"]


@pytest.fixture
def anybody(db: None) -> Caller:
    return Caller()


@pytest.fixture(autouse=True)
def happy(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that is marked as the happy path of operations has to be answered well by each of them."""
    answered.clear()
    yield
    if operations := {name for mark in request.node.iter_markers("happy") for name in mark.args}:
        well = {operation_of(method, path) for method, path, status in answered if status < 300}
        assert operations - well == set()


@pytest.fixture
def digest(db: None) -> Callable[[], list[Any]]:
    """What every table of ours holds: what a refused request must not change."""
    return whole_digest


@pytest.fixture(scope="module")
def scenario(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scenario]:
    """One for all tests of a module, which override `_django_db_helper` and roll back what they do."""
    transaction = atomic()
    transaction._from_testcase = True  # the engine sends no mail inside any other
    with django_db_blocker.unblock(), transaction:
        yield build()
        set_rollback(True)


@pytest.fixture
def account() -> Account:
    """On trial, with 100 credits and room for two people and one site."""
    PlanFactory(code="free", name="Free", max_sites=1, max_users=2, price=Decimal(0))
    account = AccountFactory(status="trial")
    post([grant(account, 100, key="g", description="", cause_id=None)])
    return account


@pytest.fixture
def people(account: Account) -> dict[str, Caller]:
    return {role: Caller(MembershipFactory(account=account, role=role).user) for role in ("owner", "viewer")}


@pytest.fixture
def plans() -> dict[str, Plan]:
    prices = {"free": "0.00", "small": "20.00", "large": "90.00"}
    rows = {code: PlanFactory(code=code, name=code.title(), price=Decimal(price)) for code, price in prices.items()}
    Plan.objects.filter(code="small").update(max_sites=1, max_users=1)
    Plan.objects.filter(code="free").update(trial_days=14)
    return rows


@pytest.fixture
def signed(plans: dict[str, Plan], run_effects: Callable[[], None]) -> Any:
    """An active customer on the large plan."""
    new = sign_up(
        email="ann@acme.test",
        password=PASSWORD,
        account_name="Acme & Söhne",
        plan=plans["large"].code,
        currency="USD",
        billing=BILLING,
    )
    claim = claim_payment(
        invoice=new.invoice, method=PaymentMethodFactory(), amount=Decimal(90), currency="USD", reference="A",
        by=new.user,
    )  # fmt: skip
    perform(claim.approve, by=StaffFactory())
    run_effects()
    return new


@pytest.fixture
def person() -> User:
    return OperatorFactory()


@pytest.fixture
def operator(person: User) -> Caller:
    return Caller(person)


@pytest.fixture
def settled(run_effects: Callable[[], None]) -> tuple[Payment, User]:
    """A payment that was approved and settled, and who approved it."""
    payment = PaymentFactory()
    staff = StaffFactory()
    perform(payment.approve, by=staff)
    run_effects()
    return payment, staff


@pytest.fixture
def bookkeeper(db: None) -> Caller:
    """Staff with every duty about money."""
    return Caller(staff_of_all_duties())


@pytest.fixture
def bank_account(db: None) -> BankAccount:
    return sepa_bank_account()


@pytest.fixture
def imported(bookkeeper: Caller, bank_account: BankAccount, run_effects: Callable[[], None]) -> Callable[[bytes], None]:
    """`imported(content)`: after a worker has read it."""

    def imported_(content: bytes) -> None:
        import_statement(content, name="statement.xml", by=bookkeeper.user)
        run_effects()

    return imported_
