"""The same nouns without guards in the database."""

from __future__ import annotations

from django.db import models
from django_fsm import FSMField, transition


class Account(models.Model):
    name = models.CharField(max_length=150)
    email = models.CharField(max_length=254)
    status = FSMField(default="pending_payment")
    credits = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    @transition(field=status, source="pending_payment", target="active")
    def activate(self) -> None:
        self.credits += 1000


class Subscription(models.Model):
    account = models.ForeignKey(Account, models.PROTECT)
    plan = models.CharField(max_length=30)
    status = FSMField(default="pending_payment")
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    @transition(field=status, source="pending_payment", target="active")
    def activate(self, start, end) -> None:
        self.period_start, self.period_end = start, end


class Invoice(models.Model):
    account = models.ForeignKey(Account, models.PROTECT)
    subscription = models.ForeignKey(Subscription, models.PROTECT)
    number = models.CharField(max_length=30, unique=True)
    status = FSMField(default="pending")
    total = models.DecimalField(max_digits=19, decimal_places=4)
    allocated = models.DecimalField(max_digits=19, decimal_places=4, default=0)
    updated_at = models.DateTimeField(auto_now=True)

    @transition(field=status, source="pending", target="paid")
    def pay(self, amount) -> None:
        self.allocated += amount


class Payment(models.Model):
    account = models.ForeignKey(Account, models.PROTECT)
    invoice = models.ForeignKey(Invoice, models.PROTECT)
    status = FSMField(default="pending_approval")
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    received = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    reference = models.CharField(max_length=140)
    decided_by = models.CharField(max_length=150, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    @transition(field=status, source="pending_approval", target="approved")
    def approve(self, by) -> None:
        self.decided_by, self.received = by, self.amount

    @transition(field=status, source="approved", target="succeeded")
    def settle(self) -> None:
        pass


class Allocation(models.Model):
    payment = models.ForeignKey(Payment, models.PROTECT)
    invoice = models.ForeignKey(Invoice, models.PROTECT)
    amount = models.DecimalField(max_digits=19, decimal_places=4)


class CreditEntry(models.Model):
    account = models.ForeignKey(Account, models.PROTECT)
    key = models.CharField(max_length=255, unique=True)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()


class StateLog(models.Model):
    machine = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    source = models.CharField(max_length=20)
    target = models.CharField(max_length=20)
    by = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["machine", "object_id"])]


class Mail(models.Model):
    payment = models.OneToOneField(Payment, models.PROTECT)
    kind = models.CharField(max_length=30)
    recipient = models.CharField(max_length=254)
    sent_at = models.DateTimeField(auto_now_add=True)


class Timer(models.Model):
    subscription = models.ForeignKey(Subscription, models.PROTECT)
    what = models.CharField(max_length=30)
    at = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(name="timer_once", fields=["subscription", "what", "at"])]
