"""Celery and django-fsm as one writes them first: a task for each step, ORM saves, on_commit(delay), no outbox.

`python -m benchmarks.peers.naive` approves; `... worker` is its worker. As Celery ships, a connection is opened for
every task; BENCH_KEEP keeps it.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.naive_settings"

import django

django.setup()

from celery import Celery  # noqa: E402
from celery.signals import worker_ready  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.transaction import atomic, on_commit  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.json_command_loop import answer_commands  # noqa: E402
from benchmarks.peers.models import (  # noqa: E402
    Account,
    Allocation,
    CreditEntry,
    Invoice,
    Mail,
    Payment,
    StateLog,
    Subscription,
    Timer,
)

app = Celery("naive", broker=os.environ["BROKER_URL"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
if os.environ.get("BENCH_KEEP"):
    app.conf.update(CELERY_DB_REUSE_MAX=1_000_000)

VERIFY = """
    SELECT count(*) FROM peers_payment p JOIN peers_invoice i ON i.id = p.invoice_id
        JOIN peers_subscription s ON s.id = i.subscription_id JOIN peers_account a ON a.id = p.account_id
    WHERE p.id BETWEEN %(first)s AND %(last)s AND p.status = 'succeeded' AND i.status = 'paid' AND i.allocated = i.total
        AND s.status = 'active' AND a.status = 'active' AND a.credits = 1000
        AND (SELECT count(*) FROM peers_creditentry WHERE account_id = a.id) = 1
        AND (SELECT count(*) FROM peers_allocation WHERE payment_id = p.id) = 1
        AND (SELECT count(*) FROM peers_mail WHERE payment_id = p.id) = 1
        AND (SELECT count(*) FROM peers_timer WHERE subscription_id = s.id) = 2
        AND (SELECT count(*) FROM peers_statelog WHERE machine = 'payment' AND object_id = p.id) = 2"""


def log(row, source, by=""):
    StateLog.objects.create(machine=row._meta.model_name, object_id=row.pk, source=source, target=row.status, by=by)


def approve_one(payment_id):
    with atomic():
        payment = Payment.objects.select_for_update().get(pk=payment_id)
        source = payment.status
        payment.approve("approver@demo.test")
        payment.save()
        log(payment, source, "approver@demo.test")
        on_commit(lambda: settle.delay(payment.pk))


@app.task
def settle(payment_id):
    with atomic():
        payment = Payment.objects.select_for_update().get(pk=payment_id)
        if payment.status != "approved":
            return
        invoice = Invoice.objects.select_for_update().get(pk=payment.invoice_id)
        subscription = Subscription.objects.select_for_update().get(pk=invoice.subscription_id)
        account = Account.objects.select_for_update().get(pk=payment.account_id)
        today = timezone.now().date()
        Allocation.objects.create(payment=payment, invoice=invoice, amount=payment.received)
        for row, step, given in (
            (payment, payment.settle, ()),
            (invoice, invoice.pay, (payment.received,)),
            (subscription, subscription.activate, (today, today + timedelta(days=30))),
            (account, account.activate, ()),
        ):
            source = row.status
            step(*given)
            row.save()
            log(row, source)
        CreditEntry.objects.create(
            account=account, key=f"grant:{subscription.pk}:{today}", amount=1000, balance_after=account.credits
        )
        on_commit(lambda: notify.delay(payment.pk))
        on_commit(lambda: plan.delay(subscription.pk))


@app.task
def notify(payment_id):
    payment = Payment.objects.select_related("invoice__subscription", "account").get(pk=payment_id)
    if Mail.objects.filter(payment=payment).exists():
        return
    Mail.objects.create(payment=payment, kind="payment_approved", recipient=payment.account.email)


@app.task
def plan(subscription_id):
    with atomic():
        subscription = Subscription.objects.get(pk=subscription_id)
        for what, days in (("renewal", 7), ("turn", 0)):
            at = subscription.period_end - timedelta(days=days)
            Timer.objects.get_or_create(subscription=subscription, what=what, at=at)


@worker_ready.connect
def say_ready(**_):
    Path(os.environ["WORKER_READY_FILE"]).write_text("")


def prepare(count):
    models = [Account, Subscription, Invoice, Payment, Allocation, CreditEntry, StateLog, Mail, Timer]
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    rows = range(1, count + 1)
    Account.objects.bulk_create(
        (Account(name=f"Customer {n}", email=f"bills{n}@example.test") for n in rows), batch_size=1000
    )
    Subscription.objects.bulk_create((Subscription(account_id=n, plan="starter") for n in rows), batch_size=1000)
    Invoice.objects.bulk_create(
        (Invoice(account_id=n, subscription_id=n, number=f"INV-{n}", total=89) for n in rows), batch_size=1000
    )
    Payment.objects.bulk_create(
        (Payment(account_id=n, invoice_id=n, amount=89, reference=f"WIRE {n}") for n in rows), batch_size=1000
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {}


def approve(first, count, rate=0):
    started, used = time.monotonic(), time.process_time()
    for done, n in enumerate(range(first, first + count)):
        if rate:
            time.sleep(max(0.0, started + done / rate - time.monotonic()))
        approve_one(n)
    return {"cpu": time.process_time() - used, "seconds": time.monotonic() - started}


def settled(first, count):
    """How many are as they must be."""
    with connection.cursor() as cursor:
        cursor.execute(VERIFY, {"first": first, "last": first + count - 1})
        return cursor.fetchone()[0]


def is_over(last):
    """The mails and timers of all claims up to `last` are there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM peers_mail), (SELECT count(*) FROM peers_timer)")
        return cursor.fetchone() == (last, 2 * last)


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        app.worker_main(["worker", "--concurrency=2", "--loglevel=ERROR", "--without-gossip", "--without-mingle"])
    else:
        answer_commands(prepare=prepare, approve=approve, settled=settled, is_over=is_over)
