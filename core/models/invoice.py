from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django_fsm import RETURN_VALUE, transition

from core.models.account import Account
from core.models.base import MoneyField, StatefulModel, not_negative_amount
from core.models.guards import LinesSumUp, OutsiderDecides
from core.models.payment_method import PaymentMethod
from core.models.plan import Plan, PlanPrice
from core.models.seller import SellerVersion
from core.models.subscription import Subscription, Terms
from core.models.user import User
from core.money import quantize
from core.payees.references import FORM, LENGTH, check_reference, new_reference, normalise
from core.validation.text import as_code
from engine.stateful import StatusField
from engine.triggers import Frozen


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def visible_to(self, user: User) -> InvoiceQuerySet:
        return self if user.can_read_all_accounts() else self.filter(account__memberships__user=user)

    def as_claimed(self) -> InvoiceQuerySet:
        return self.select_related("account").only("account__country", "currency", "status")

    def overdue(self, today: date) -> InvoiceQuerySet:
        return self.filter(status__in=Invoice.OPEN, due_on__lt=today)


class Invoice(StatefulModel):
    """A demand for money, frozen when it is issued.

    draft -> pending -> partially_paid -> paid, by what payments allocate to it; void and uncollectible say no.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        PENDING = "pending"
        PARTIALLY_PAID = "partially_paid"
        PAID = "paid"
        VOID = "void"
        UNCOLLECTIBLE = "uncollectible"

    class Purpose(models.TextChoices):
        FIRST = "first"  # opens its subscription
        RENEWAL = "renewal"  # pays the next period
        UPGRADE = "upgrade"  # pays the difference to a larger plan

    OPEN = (Status.PENDING, Status.PARTIALLY_PAID)

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="invoices")
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="invoices")
    status = StatusField(choices=Status, default=Status.DRAFT)
    number = models.CharField(max_length=30, null=True, unique=True)  # noqa: DJ001 - null until issued, then gapless
    # The place of the number in its series; null for the oldest, which are all of "INV".
    series = models.CharField(max_length=20, null=True)  # noqa: DJ001
    series_count = models.PositiveBigIntegerField(null=True)
    # What the payer writes into the bank's form. Drawn by whatever makes the row, and by the column's default in the
    # database for rows of SQL, and of processes from before the column.
    payment_reference = models.CharField(max_length=LENGTH, default=new_reference)
    currency = models.CharField(max_length=3)
    # Without and with tax; invoices from before there were lines have the total alone.
    net = MoneyField(null=True)
    tax = MoneyField(null=True)
    total = MoneyField()
    # {"includes_tax", "taxes": [{"category", "rate", "label", "base", "amount", ...}], "tax_id": the check, "missing"}
    tax_details = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    # Null until the company is named; then its paper is made with the version of that moment.
    seller = models.ForeignKey(SellerVersion, models.PROTECT, null=True, db_index=False, related_name="+")
    allocated = MoneyField(default=Decimal(0))  # cached: the sum of its Allocations
    written_off = MoneyField(default=Decimal(0))  # bank fees
    credited = MoneyField(default=Decimal(0), db_default=Decimal(0), editable=False)  # cached: the sum of credit notes
    period_start = models.DateField(null=True)  # null: it starts when the invoice is paid
    period_end = models.DateField(null=True)
    began_on = models.DateField(null=True)  # when its service was given; null: not yet, or never
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.FIRST)
    payment_method = models.ForeignKey(PaymentMethod, models.PROTECT, null=True, db_index=False, related_name="+")
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    # Days on which a claim postponed its dunning, and the last of them (`workflows.lifecycle.claim_pauses`).
    held_days = models.SmallIntegerField(default=0, db_default=0, editable=False)
    held_on = models.DateField(null=True, editable=False)
    # The terms that it was issued on; the oldest have only plan and price.
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, db_index=False, related_name="+")
    plan_price = MoneyField(null=True)  # of one interval
    plan_credits = models.PositiveIntegerField(null=True)  # a month
    plan_interval = models.CharField(max_length=5, choices=PlanPrice.Interval, blank=True, default="", db_default="")
    # For external readers of the table. We read only the snapshot.
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invoice_amounts_in_range",
                condition=not_negative_amount("total", "allocated", "written_off", "credited")
                & Q(allocated__lte=F("total") - F("credited")),
            ),
            models.CheckConstraint(
                name="invoice_status_follows_allocations",
                condition=Q(status="draft", allocated=0, written_off=0, credited=0)
                | Q(Q(credited=0) | Q(credited__lt=F("total")), status="pending", allocated=0, written_off=0)
                | Q(status="void", allocated=0, written_off=0)
                | Q(status="partially_paid", allocated__gt=0, allocated__lt=F("total") - F("credited"), written_off=0)
                | Q(status="paid", allocated=F("total") - F("credited") - F("written_off"))
                | Q(status="uncollectible", allocated__lt=F("total") - F("credited"), written_off=0),
            ),
            models.CheckConstraint(
                name="invoice_issued_is_complete",
                condition=Q(status__in=["draft", "void"])  # also a draft that was never issued
                | Q(number__isnull=False, issued_on__isnull=False, due_on__isnull=False),
            ),
            models.CheckConstraint(
                name="invoice_plan_price_in_range",
                condition=Q(plan_price__isnull=True) | not_negative_amount("plan_price"),
            ),
            models.CheckConstraint(
                name="invoice_tax_makes_total",
                condition=Q(net__isnull=True, tax__isnull=True)
                | Q(net__isnull=False, tax__isnull=False, total=F("net") + F("tax")),
            ),
            models.CheckConstraint(  # "not null" twice: the check let SET NOT NULL pass without reading all rows
                name="invoice_payment_reference_form",
                condition=Q(payment_reference__isnull=False, payment_reference__regex=FORM),
            ),
            models.CheckConstraint(
                name="invoice_series_is_whole",
                condition=Q(series__isnull=True, series_count__isnull=True)
                | Q(series__isnull=False, series_count__isnull=False, number__isnull=False),
            ),
            # Not `unique=True`, which adds an index for LIKE.
            models.UniqueConstraint(name="invoice_payment_reference_once", fields=["payment_reference"]),
            # Target of a payment's composite foreign key, which cannot cross tenants.
            models.UniqueConstraint(name="invoice_of_account", fields=["account", "id"]),
            models.UniqueConstraint(
                name="invoice_one_renewal_per_period",
                fields=["subscription", "period_start"],
                condition=Q(purpose="renewal") & ~Q(status="void"),
            ),
            OutsiderDecides(
                name="invoice_closed_by_outsider",
                machine="invoice",
                verbs=["void", "write_off"],
                targets=["void", "uncollectible"],
            ),
            Frozen(
                name="invoice_frozen",
                columns=[
                    "account_id",
                    "subscription_id",
                    "number",
                    "series",
                    "series_count",
                    "payment_reference",
                    "currency",
                    "total",
                    "net",
                    "tax",
                    "tax_details",
                    "purpose",
                    "period_start",
                    "period_end",
                    "issued_on",
                    "plan_id",
                    "plan_price",
                    "plan_credits",
                    "plan_interval",
                    "metadata->subscription_id",
                    "metadata->agreed",
                    "metadata->billing_snapshot",
                ],
                once=["seller_id"],
                when="OLD.status <> 'draft'",
            ),
            LinesSumUp(name="invoice_lines_sum_up"),
        ]
        permissions = [("void_invoice", "Void invoices and write them off")]
        indexes = [
            models.Index(
                name="invoice_open_by_due",
                fields=["due_on", "id"],
                condition=Q(status__in=["pending", "partially_paid"]),
            ),
            models.Index(name="invoice_marked", fields=["id"], condition=Q(tax_details__has_key="missing")),
        ]

    def __str__(self) -> str:
        return self.number or "draft invoice"

    @property
    def outstanding(self) -> Decimal:
        return self.demanded - self.allocated - self.written_off

    @property
    def demanded(self) -> Decimal:
        """The total without what credit notes took off."""
        return self.total - self.credited

    @property
    def billing_period_start(self) -> date | None:
        return self.period_start or (self.subscription.period_start if self.subscription else None)

    @property
    def billing_period_end(self) -> date | None:
        return self.period_end or (self.subscription.period_end if self.subscription else None)

    @property
    def terms(self) -> Terms | None:
        """None for old invoices, which do not have all of them."""
        if self.plan_id is None or self.plan_price is None or self.plan_credits is None:
            return None
        price = quantize(self.plan_price, self.currency)
        includes_tax = self.tax_details.get("includes_tax", True)
        return Terms(self.plan_id, price, self.plan_credits, self.plan_interval, includes_tax)

    @property
    def snapshot(self) -> dict[str, str]:
        details: dict[str, str] = self.metadata.get("billing_snapshot", {})
        return details

    @property
    def customer_name(self) -> str:
        """As it was when the invoice was made; the oldest have none of their own."""
        return str(self.metadata.get("agreed", {}).get("customer") or self.account.name)

    @property
    def plan_name(self) -> str:
        """As it was when the invoice was made. For an upgrade, the larger plan."""
        agreed = self.metadata.get("agreed", {}).get("plan")
        return str(agreed or (self.plan.name if self.plan else self.snapshot.get("plan", "")))

    @property
    def billing_email(self) -> str:
        return self.snapshot.get("billing_email", self.account.billing_email)

    @property
    def billing_country(self) -> str:
        return self.snapshot.get("country") or self.account.country

    def may_be_voided_by(self, user: User) -> bool:
        return user.may_decide_on(self.account_id, "core.void_invoice")

    def may_be_credited_by(self, user: User) -> bool:
        """That is, a credit note be written; who issues it is another question."""
        return any(user.may_decide_on(self.account_id, f"core.{duty}_credit_note") for duty in ("write", "issue"))

    @property
    def is_partly_paid_before_service(self) -> bool:
        """Such an invoice may be voided, its money going to the balance first."""
        return self.status == self.Status.PARTIALLY_PAID and self.began_on is None

    def to_balance_if_credited(self, amount: Decimal) -> Decimal:
        """What of it was paid already, and so goes to the balance."""
        return max(self.allocated - (self.demanded - amount), Decimal(0))

    def nothing_is_allocated(self) -> bool:
        return self.allocated == 0

    @transition(field=status, source=Status.DRAFT, target=Status.PENDING)
    def issue(
        self,
        *,
        number: str,
        issued_on: date,
        due_on: date,
        snapshot: dict[str, Any],
        series: str | None = None,
        count: int | None = None,
    ) -> None:
        self.number, self.issued_on, self.due_on = number, issued_on, due_on
        self.series, self.series_count = series, count
        self.metadata = {**self.metadata, "billing_snapshot": snapshot}

    @transition(
        field=status,
        source=[*OPEN, Status.UNCOLLECTIBLE],
        target=RETURN_VALUE(Status.PARTIALLY_PAID, Status.PAID),
    )
    def pay(self, *, amount: Decimal, tolerance: Decimal = Decimal(0), began_on: date | None = None) -> Invoice.Status:
        """At most what is outstanding; a rest within `tolerance` is written off as bank fees.

        began_on: the day in the customer's time zone, if its service begins with this.
        """
        self.allocated += amount
        self.began_on = began_on or self.began_on
        if self.outstanding > tolerance:
            return self.Status.PARTIALLY_PAID
        self.written_off = self.outstanding
        return self.Status.PAID

    @transition(
        field=status,
        source=[Status.PAID, Status.PARTIALLY_PAID],
        target=RETURN_VALUE(Status.PENDING, Status.PARTIALLY_PAID),
    )
    def release(self, *, amount: Decimal) -> Invoice.Status:
        """Its payment was reversed, or its service will not be given."""
        self.allocated -= amount
        self.written_off = Decimal(0)
        return self.Status.PARTIALLY_PAID if self.allocated else self.Status.PENDING

    @transition(field=status, source=Status.PENDING, target=Status.PENDING)
    @transition(field=status, source=Status.PAID, target=Status.PAID)
    @transition(field=status, source=Status.PARTIALLY_PAID, target=RETURN_VALUE(Status.PARTIALLY_PAID, Status.PAID))
    def credit(self, *, amount: Decimal, to_balance: Decimal, began_on: date | None = None) -> Invoice.Status:
        """By a credit note of `amount`, of which `to_balance` was paid already.

        began_on: as in `pay`. What the bank had kept of a paid one is asked for no more, but not given back either.
        """
        was_paid = self.status == self.Status.PAID
        self.credited += amount
        self.allocated -= to_balance
        self.began_on = began_on or self.began_on
        if was_paid:
            self.written_off = self.demanded - self.allocated
        return self.Status.PARTIALLY_PAID if self.outstanding else self.Status.PAID

    @transition(
        field=status,
        source=[Status.DRAFT, Status.PENDING],
        target=Status.VOID,
        conditions=[nothing_is_allocated],
        permission=may_be_voided_by,
    )
    def void(self, *, by: User) -> None:
        """Its number stays used."""

    @transition(
        field=status, source=[Status.DRAFT, Status.PENDING], target=Status.VOID, conditions=[nothing_is_allocated]
    )
    def lapse(self) -> None:
        """The sign-up expired, or the subscription ended."""

    @transition(field=status, source=OPEN, target=Status.UNCOLLECTIBLE, permission=may_be_voided_by)
    def write_off(self, *, by: User) -> None:
        """Not expected any more, but taken if it comes."""

    @transition(field=status, source=OPEN, target=Status.UNCOLLECTIBLE)
    def abandon(self) -> None:
        """Its service was given; the rest is not expected any more."""


def names_invoice(words: str, *, path: str = "") -> Q:
    """The condition of a search for an invoice by its whole number or payment reference, however these are typed.

    path: from the rows that are searched to the invoice, as `invoice__`.
    """
    number = as_code(words)
    found = Q(**{f"{path}number__in": [number, number.upper()]})
    if check_reference(words):
        found |= Q(**{f"{path}payment_reference": normalise(words)})
    return found


class NumberSeries(models.Model):
    """Of a seller, a kind of document and a year, as `1/invoice/2026`; its row lock makes numbers gapless."""

    code = models.CharField(max_length=20, primary_key=True)
    next = models.PositiveBigIntegerField(default=1)
    # By which its numbers were ever written; a bank's text is searched for all of them.
    templates = ArrayField(models.CharField(max_length=60), default=list, db_default=[])

    class Meta:
        verbose_name_plural = "number series"

    def __str__(self) -> str:
        return self.code
