from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models.functions import Now

from core.models import Account, Invoice, PayeeVersion, PaymentMethod, Plan, PlanPrice, Policy, User
from core.money import quantize
from engine import effects_created, run_due, sweep
from workflows.periods import MONTHS
from workflows.simulation.clock import Clock
from workflows.simulation.database import check_scratch

PLANS: dict[str, dict[str, Any]] = {
    "free": {"credits": 1_000, "trial_days": 14, "is_public": True},
    "starter": {"credits": 1_000},
    "growth": {"credits": 3_000},
    "scale": {"credits": 10_000},
}
# A month of each. Currencies of two, none and three decimals.
PRICES = {
    "USD": {"starter": "89.00", "growth": "189.00", "scale": "449.00"},
    "JPY": {"starter": "9800", "growth": "20900", "scale": "49500"},
    "KWD": {"starter": "27.250", "growth": "58.125", "scale": "138.000"},
}
MONTHS_FOR_A_YEAR = 10
POLICY = {
    "days_to_pay": 7,
    "renewal_lead_days": 7,
    "reminder_steps": [-7, -3, 0, 3, 10],
    "trial_warning_days": 3,
    "signup_expiry_days": 14,
    "grace_days": 7,
    "suspension_days": 30,
    "claim_pause_days": 7,
}
METHODS: list[dict[str, Any]] = [
    {"code": "slow", "name": "Slow wallet", "bank_lag_days": 2},
    {"code": "fast", "name": "Fast wallet", "bank_lag_days": 0},
]
_OF_A_METHOD = {
    "kind": "mobile_wallet",
    "fields": {"wallet": "Wallet", "number": "12025550123"},
    "requires": ["reference"],
    "instructions": {"en": "Pay {amount}."},
}
BILLING = {
    "billing_email": "bills@customer.test",
    "address_line1": "1 High Street",
    "city": "Springfield",
    "country": "US",
}
LIMIT = 1_000  # effects claimed at once
_MEMORY = """
    CREATE TABLE simulation_scratch.chosen (
        subscription_id uuid, plan_id uuid, interval text, price numeric, credits bigint);
    CREATE TABLE simulation_scratch.issued (
        invoice_id uuid PRIMARY KEY, account_id uuid, plan_id uuid, interval text, credits bigint,
        more_credits bigint, more_price numeric);
    CREATE INDEX ON simulation_scratch.chosen (subscription_id);
    CREATE INDEX ON simulation_scratch.issued (account_id)"""
_NOTE_ISSUED = """
    INSERT INTO simulation_scratch.issued
    SELECT invoice.id, invoice.account_id, plan.id, shape.interval, plan.credits * shape.months,
        (plan.credits - subscription.credits) * shape.months,
        invoice.plan_price - subscription.price
    FROM core_invoice AS invoice
    JOIN core_subscription AS subscription ON subscription.id = invoice.subscription_id
    JOIN core_plan AS plan ON plan.id = invoice.plan_id,
    LATERAL (SELECT CASE WHEN invoice.purpose = 'renewal' AND invoice.period_end - invoice.period_start > 40
            THEN 'year' WHEN invoice.purpose = 'renewal' THEN 'month' ELSE subscription.interval END AS interval,
        CASE WHEN invoice.purpose = 'renewal' AND invoice.period_end - invoice.period_start > 40
            OR invoice.purpose <> 'renewal' AND subscription.interval = 'year' THEN 12 ELSE 1 END AS months) AS shape
    WHERE invoice.id > %s ON CONFLICT DO NOTHING"""


@dataclass
class Customer:
    """money_verb: the last thing done with the account's money."""

    number: int
    account_id: UUID
    owner: User
    currency: str
    interval: str
    diligence: float
    began_on: int  # day of the simulation
    references: int = 0
    money_verb: str = ""
    did: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def account(self) -> Account:
        return Account.objects.get(pk=self.account_id)

    def next_reference(self) -> str:
        self.references += 1
        return f"R{self.references}"


class World:
    """The scratch database of one simulation. Raises NotScratch in any other."""

    def __init__(self) -> None:
        check_scratch()
        self.clock = Clock()
        with connection.cursor() as cursor:
            cursor.execute(_MEMORY)
        self.plans: dict[str, UUID] = {}
        for position, (name, facts) in enumerate(PLANS.items()):
            plan = Plan.objects.create(code=name, name=name.title(), position=position, **facts)
            self.plans[name] = plan.pk
        self.methods = [
            PaymentMethod.objects.create(position=number, **_OF_A_METHOD, **facts)
            for number, facts in enumerate(METHODS)
        ]
        Policy.current()
        self.restore()
        self.clerk = _staff("clerk@staff.test", ["review_payment", "change_paymentmethod", "write_credit_note"])
        duties = [
            "approve_payment",
            "reverse_payment",
            "void_invoice",
            "adjust_credits",
            "manage_accounts",
            "issue_credit_note",
        ]
        address = f"{'a' * 60}@{'long-name-of-a-department.' * 4}staff.test"
        self.chief = _staff(address, ["review_payment", "change_paymentmethod", *duties])
        self.sign_ups = 0
        self._noted = UUID(int=0)

    def restore(self) -> None:
        for name, facts in PLANS.items():
            Plan.objects.filter(pk=self.plans[name]).update(code=name, **facts)
        for currency in PRICES:
            for name in PLANS:
                for interval in MONTHS:
                    self.price(name, currency, interval, first_price(name, currency, interval))
        PlanPrice.objects.exclude(currency__in=PRICES).delete()
        for method in PaymentMethod.objects.exclude(tolerance_percent=0, tolerance_max=0):
            _keep_all(method)
        Policy.objects.update(**POLICY)

    def price(self, plan: str, currency: str, interval: str, amount: Decimal) -> None:
        """Past all checks."""
        which: dict[str, Any] = {"plan_id": self.plans[plan], "currency": currency, "interval": interval}
        if not PlanPrice.objects.offered().filter(**which).update(amount=amount):
            PlanPrice.objects.create(**which, amount=amount)

    def plan(self, name: str) -> Plan:
        return Plan.objects.get(pk=self.plans[name])

    def chose(self, subscription_id: UUID, plan: Plan, interval: str, price: Decimal) -> None:
        """Remember what a customer was told."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO simulation_scratch.chosen VALUES (%s, %s, %s, %s, %s)",
                [subscription_id, plan.pk, interval, price, plan.credits * MONTHS[PlanPrice.Interval(interval)]],
            )

    def note_issued(self) -> None:
        """Remember the present plan of new invoices."""
        latest = Invoice.objects.order_by("-id").values_list("id", flat=True).first()
        if latest is None or latest == self._noted:
            return
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_ISSUED, [self._noted])
        self._noted = latest

    def notes_position(self) -> UUID:
        """For `restore_notes_position`, when a replay is rolled back."""
        return self._noted

    def restore_notes_position(self, key: UUID) -> None:
        self._noted = key

    def work(self, *, send: bool = False) -> None:
        """Execute all that is due. Mails are marked done without being written, unless `send`."""
        of = () if send else ("inward",)
        while True:
            if not send:
                mark_external_done()
            if not sum(run_due(ids, of=of) for ids in sweep()) + run_due(limit=LIMIT, of=of):
                return

    def analyze(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def close(self) -> None:
        self.clock.stop()


def first_price(plan: str, currency: str, interval: str) -> Decimal:
    month = Decimal(PRICES[currency].get(plan, "0"))
    return quantize(month * (MONTHS_FOR_A_YEAR if interval == PlanPrice.Interval.YEAR else 1), currency)


def _keep_all(method: PaymentMethod) -> None:
    # Past the rule that this waits for two people.
    names = ("core_paymentmethod", "core_payeeversion")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in names:
            cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        PayeeVersion.objects.waiting().filter(method=method).update(withdrawn_at=Now())
        PaymentMethod.objects.filter(pk=method.pk).update(tolerance_percent=0, tolerance_max=0)
        number = PayeeVersion.objects.filter(method=method).count() + 1
        method.refresh_from_db()
        PayeeVersion.from_method(method, number=number, at_once=True, in_force_at=Now()).save()
        for name in names:
            cursor.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")


def mark_external_done(accounts: Iterable[UUID] = ()) -> None:
    """Mark external effects done without sending them, of these accounts or of all."""
    only = " AND account_id = ANY(%s::uuid[])" if accounts else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE engine_effect SET state = 'done', done_at = now(), attempts = 1, fence = fence + 1,
                outcome = '{{"withheld": "a simulation"}}'
                WHERE id IN (
                    SELECT id FROM engine_effect WHERE state = 'waiting' AND run_at <= now() AND lane = 'outward'
                    UNION ALL SELECT id FROM engine_effect WHERE state = 'ready' AND lane = 'outward'){only}""",
            [list(accounts)] if accounts else None,
        )


@contextmanager
def without_notifications() -> Iterator[None]:
    """New effects notify no worker: a simulation looks for them itself."""
    receivers, effects_created.receivers = effects_created.receivers, []
    effects_created.sender_receivers_cache.clear()
    try:
        yield
    finally:
        effects_created.receivers = receivers
        effects_created.sender_receivers_cache.clear()


def _staff(email: str, duties: list[str]) -> User:
    user = User.objects.create_user(email, None)
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="core", codename__in=duties))
    return User.objects.get(pk=user.pk)
