"""Claims made by SQL and verbs inside the product, because signing up over the API costs a password hash."""

from __future__ import annotations

import itertools
from uuid import uuid4

from django.core.management import call_command
from django.db.transaction import atomic

from core.models import Account, Payment, PaymentMethod, Plan, Subscription, User
from engine import NewEffect, create, perform_many, schedule_many
from tests.factories import MembershipFactory
from workflows.actions import claim_payment
from workflows.lifecycle.invoicing import issue_invoice
from workflows.mail.notifications import mail_trial_start


def open_up() -> None:
    """A new database, the demo's people, and the first claims: in one process, because starting one takes seconds."""
    call_command("migrate", verbosity=0)
    call_command("seed_demo", "--without-stories")
    claim(60)


def claim(count: int) -> None:
    """So many customers, each of whom says to have paid a first invoice."""
    plan = Plan.objects.get(code="starter")
    price = plan.prices.get(currency="USD", interval="month")
    method = PaymentMethod.objects.get(code="us_bank")
    with atomic():
        for _ in range(count):
            name = uuid4().hex[:12]
            account = Account(
                name=name, status=Account.Status.PENDING_PAYMENT, billing_email=f"{name}@example.test", country="US"
            )
            birth = create(account)
            member = MembershipFactory(account=account, user__email=f"{name}@example.test").user
            subscription = Subscription(
                account=account, plan=plan, currency="USD", price=price.amount, interval=price.interval
            )
            create(subscription, cause=birth)
            invoice = issue_invoice(account, amount=price.amount, subscription=subscription, cause=birth, method=method)
            claim_payment(
                invoice=invoice, method=method, amount=price.amount, currency="USD", reference=f"WIRE {name}", by=member
            )


def schedule_mails(count: int) -> None:
    """So many mails, due together, shared out among the customers."""
    customers = itertools.islice(itertools.cycle(Account.objects.all()), count)
    schedule_many([NewEffect(mail_trial_start, f"owed:{uuid4()}", about=customer) for customer in customers])


def approve_together(*payments: str) -> None:
    rows = Payment.objects.filter(pk__in=payments)
    perform_many([payment.approve for payment in rows], by=User.objects.get(email="approver@demo.test"))
