"""A verb picks its object by a number, so that a story can be replayed on another account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar

from core.models import (
    Invoice,
    Payment,
    PaymentMethod,
    Plan,
    PlanPrice,
    Policy,
    Subscription,
    User,
)
from core.money import quantize
from core.problems import Problem
from engine import perform
from workflows import actions
from workflows.actions.credit_notes import CREDITABLE, issue_credit_note, write_credit_note
from workflows.actions.credits import adjust, consume
from workflows.actions.payment_methods import confirm_payee, save_method
from workflows.simulation.world import BILLING, PRICES, Customer, World, first_price

Who = Literal["customer", "staff", "settings"]
Function = TypeVar("Function", bound=Callable[..., object])


class Nothing(Exception):  # noqa: N818 - not an error: there is nothing to do it with
    """There is no object that this could be done with."""


class Broken(Exception):  # noqa: N818 - a finding
    """The product accepted what it must never accept."""

    def __init__(self, law: str, **facts: Any) -> None:
        super().__init__(law)
        self.law, self.facts = law, {name: str(value) for name, value in facts.items()}


PRODUCT: dict[str, Callable[..., Any]] = {
    "void": partial(actions.void_invoice, to_balance=True),
    "write_off": lambda invoice, by: perform(invoice.write_off, by=by),
    "close": actions.close_account,
    "choose": actions.choose_plan,
    "keep": actions.keep_plan,
    "cancel_at_end": actions.cancel_at_period_end,
}
LEFT_OUT: frozenset[str] = frozenset()

VERBS: dict[str, Verb] = {}


@dataclass(frozen=True)
class Verb:
    """choices: for each word that it takes, what the word may be."""

    name: str
    who: Who
    run: Callable[..., object]
    is_money: bool = False
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def verb(who: Who, *, money: bool = False, **choices: Sequence[Any]) -> Callable[[Function], Function]:
    def register(run: Function) -> Function:
        VERBS[run.__name__] = Verb(run.__name__, who, run, money, choices)
        return run

    return register


WHICH = (0, 1, 2)
PAID_PLANS = ("starter", "growth", "scale")
SHARES = ("1", "1", "1", "1", "0.5", "0.97", "0.3", "1.4", "2.5")
ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def sign_up(
    world: World, *, plan: str, currency: str, interval: str, diligence: float = 1.0, day: int = 0, method: int = 0
) -> Customer:
    world.sign_ups += 1
    signed = actions.sign_up(
        email=f"owner{world.sign_ups}@customer.test",
        password=None,
        account_name=f"Customer {world.sign_ups}",
        plan=world.plan(plan).code,
        currency=currency,
        billing=BILLING,
        payment_method=world.methods[method].code,
        interval=interval,
    )
    customer = Customer(
        world.sign_ups,
        signed.account.pk,
        User.objects.get(pk=signed.user.pk),
        currency,
        interval,
        diligence=diligence,
        began_on=day,
    )
    if signed.subscription is not None:
        world.chose(signed.subscription.pk, signed.subscription.plan, interval, signed.subscription.price)
    said = {"plan": plan, "currency": currency, "interval": interval, "method": method}
    customer.did.append((day, "sign_up", said))
    return customer


@verb(
    "customer",
    money=True,
    which=WHICH,
    share=SHARES,
    method=(0, 1),
    currency=(*(None,) * 12, "EUR", "JPY"),
    says=(*("plain",) * 30, "long reference", "paid in 2999"),
)
def claim(
    world: World, customer: Customer, *, which: int, share: str, method: int, currency: str | None, says: str
) -> None:
    invoice = _pick(_open_invoices(customer), which)
    in_currency = currency or invoice.currency
    whole = invoice.outstanding if currency is None else Decimal(100)
    amount = quantize(whole * Decimal(share), in_currency) or quantize(Decimal(1), in_currency)
    reference = "ß" * 71 if says == "long reference" else customer.next_reference()
    actions.claim_payment(
        invoice=invoice,
        method=world.methods[method],
        amount=amount,
        currency=in_currency,
        reference=reference,
        by=customer.owner,
        paid_on=date(2999, 1, 1) if says == "paid in 2999" else None,
    )
    if says == "paid in 2999":
        raise Broken("nobody has paid in the future", invoice=invoice.pk)


@verb("customer", which=WHICH)
def claim_once_more(world: World, customer: Customer, *, which: int) -> None:
    """The same reference in the digits of another script."""
    counted = Payment.objects.filter(
        account=customer.account_id, status__in=["pending_approval", "approved", "succeeded"]
    ).exclude(reference__startswith="ß")
    first = _pick(list(counted.order_by("id")), which)
    invoice = _pick(_open_invoices(customer), 0)
    actions.claim_payment(
        invoice=invoice,
        method=first.method,
        amount=invoice.outstanding,
        currency=invoice.currency,
        reference=first.reference.translate(ARABIC),
        by=customer.owner,
    )
    raise Broken("a reference is claimed once, in whatever digits", payment=first.pk, reference=first.reference)


@verb("customer", money=True, which=WHICH)
def withdraw(world: World, customer: Customer, *, which: int) -> None:
    perform(_pick(_claims(customer), which).withdraw, by=customer.owner)


@verb("customer", plan=PAID_PLANS, interval=(*(None,) * 8, "month", "year"))
def choose(world: World, customer: Customer, *, plan: str, interval: str | None) -> None:
    living = _living(customer)
    chosen, account = world.plan(plan), customer.account()
    asked = interval or (None if living else customer.interval)
    words: dict[str, Any] = {} if asked is None else {"interval": asked}
    subscription, _ = PRODUCT["choose"](account, chosen, by=customer.owner, **words)
    world.note_issued()
    subscription = Subscription.objects.get(pk=subscription.pk)
    if living is not None and asked not in (None, subscription.interval):
        later = getattr(subscription, "next_interval", None)
        if later != asked:
            raise Broken("what was asked for is done, or refused", subscription=subscription.pk, interval=asked)
    price = chosen.offer(subscription.currency, asked or subscription.interval)
    if price is not None:
        world.chose(subscription.pk, chosen, price.interval, price.amount)


@verb("customer")
def keep(world: World, customer: Customer) -> None:
    living = _living(customer)
    if living is None:
        raise Nothing
    try:
        PRODUCT["keep"](living, by=customer.owner)
    except Problem:
        is_free_to_choose = living.status == Subscription.Status.ACTIVE and living.cancel_at_period_end
        is_over = living.period_end is None or world.clock.now().date() + timedelta(days=2) > living.period_end
        if is_free_to_choose and not is_over and not Payment.objects.filter(account=customer.account_id).in_review():
            raise Broken("a cancellation at the period's end can be taken back", subscription=living.pk) from None
        raise


@verb("customer")
def cancel(world: World, customer: Customer) -> None:
    perform(_latest(customer).cancel, by=customer.owner)


@verb("customer")
def cancel_at_end(world: World, customer: Customer) -> None:
    PRODUCT["cancel_at_end"](_latest(customer), by=customer.owner)


@verb("customer", zone=ZONES)
def move(world: World, customer: Customer, *, zone: str) -> None:
    actions.change_account(customer.account(), by=customer.owner, time_zone=zone)


@verb("customer", amount=(1, 10, 400, 1500), again=(False, False, False, True))
def use_credits(world: World, customer: Customer, *, amount: int, again: bool) -> None:
    reference = f"R{customer.references}" if again else customer.next_reference()
    consume(customer.account(), amount, reference=reference, by=customer.owner)


@verb("customer")
def close(world: World, customer: Customer) -> None:
    PRODUCT["close"](customer.account(), by=customer.owner)


@verb(
    "staff",
    money=True,
    which=WHICH,
    received=(*(None,) * 8, "0.5", "1.3"),
    spread=(*(False,) * 6, True),
    valued=(*(False,) * 30, True),
)
def approve(world: World, customer: Customer, *, which: int, received: str | None, spread: bool, valued: bool) -> None:
    payment = _pick(_claims(customer), which)
    amount = payment.amount if received is None else quantize(payment.amount * Decimal(received), payment.currency)
    amount, lines = amount or payment.amount, list[dict[str, str]]()
    if spread:
        left = amount
        for invoice in _open_invoices(customer):
            part = min(left, invoice.outstanding)
            if invoice.currency == payment.currency and part > 0:
                lines.append({"invoice": str(invoice.pk), "amount": f"{part:f}"})
                left -= part
    words: dict[str, Any] = {"value_date": date(2999, 1, 1)} if valued else {}
    perform(payment.approve, by=world.chief, received=amount, allocations=lines, **words)
    if valued:
        raise Broken("nobody has paid in the future", payment=payment.pk)


@verb("staff", money=True, which=WHICH)
def reject(world: World, customer: Customer, *, which: int) -> None:
    perform(_pick(_claims(customer), which).reject, by=world.chief, reason_code="not_received")


@verb("staff", money=True, which=WHICH)
def reverse(world: World, customer: Customer, *, which: int) -> None:
    counted = Payment.objects.filter(account=customer.account_id, status="succeeded").order_by("-id")
    perform(_pick(list(counted[:3]), which).reverse, by=world.chief, reason_given="bounced")


@verb("staff", money=True, which=WHICH, share=("0.1", "0.4", "0.9"))
def reverse_part(world: World, customer: Customer, *, which: int, share: str) -> None:
    counted = Payment.objects.filter(account=customer.account_id, status="succeeded").order_by("-id")
    payment = _pick(list(counted[:3]), which)
    amount = quantize((payment.received or payment.amount) * Decimal(share), payment.currency)
    perform(payment.reverse_part, by=world.chief, amount=amount, reason_given="a part bounced")


@verb("staff", money=True, which=WHICH)
def void(world: World, customer: Customer, *, which: int) -> None:
    PRODUCT["void"](_pick(_open_invoices(customer), which), by=world.chief)


@verb("staff", money=True, which=WHICH)
def write_off(world: World, customer: Customer, *, which: int) -> None:
    PRODUCT["write_off"](_pick(_open_invoices(customer), which), by=world.chief)


@verb("staff", money=True, which=WHICH, share=("0.1", "0.5", "0.9", "1"), end=("issue",) * 4 + ("cancel", "wait"))
def credit(world: World, customer: Customer, *, which: int, share: str, end: str) -> None:
    """Of what is left; a draft is issued by another person, cancelled, or left to them."""
    issued = Invoice.objects.filter(account=customer.account_id, status__in=CREDITABLE).order_by("-id")
    invoice = _pick(list(issued[:3]), which)
    waiting = invoice.credit_notes.drafts().first()
    if waiting is None:
        amount = quantize(invoice.demanded * Decimal(share), invoice.currency)
        waiting = write_credit_note(invoice, amount=amount, reason="a day without service", by=world.clerk)
    if end == "issue":
        issue_credit_note(waiting, by=world.chief)
    elif end == "cancel":
        perform(waiting.cancel, by=world.chief, because="not agreed")


@verb("staff", money=True, which=WHICH, share=SHARES, method=(0, 1), closed=(False, False, True))
def record(world: World, customer: Customer, *, which: int, share: str, method: int, closed: bool) -> None:
    """Also for an invoice that is no longer open."""
    issued = Invoice.objects.filter(account=customer.account_id, number__isnull=False).order_by("-id")
    invoice = _pick(list(issued[:3]) if closed else _open_or_written_off(customer), which)
    amount = quantize((invoice.outstanding or invoice.total) * Decimal(share), invoice.currency)
    actions.record_payment(
        invoice=invoice,
        method=world.methods[method],
        amount=amount or invoice.total,
        currency=invoice.currency,
        reference=customer.next_reference(),
        by=world.clerk,
    )


@verb("staff", amount=(-200, 50, 500), why=("by hand", "by hand", "by hand", "x" * 200))
def adjust_credits(world: World, customer: Customer, *, amount: int, why: str) -> None:
    adjust(customer.account(), amount, reason=why, by=world.chief)


@verb("settings", plan=PAID_PLANS, code=("", "-renamed"))
def rename_plan(world: World, *, plan: str, code: str) -> None:
    _save(world.plan(plan), code=f"{plan}{code}", name=f"{plan.title()}{code}")


@verb(
    "settings",
    plan=PAID_PLANS,
    currency=tuple(PRICES),
    interval=("month", "month", "year"),
    factor=("1", "1", "1.2", "1.5", "0.9"),
)
def edit_price(world: World, *, plan: str, currency: str, interval: str, factor: str) -> None:
    amount = quantize(first_price(plan, currency, interval) * Decimal(factor), currency)
    _save(_price(world, plan, currency, interval), retired_at=world.clock.now())
    world.price(plan, currency, interval, amount)


@verb("settings", plan=PAID_PLANS, currency=tuple(PRICES))
def price_with_fractions(world: World, *, plan: str, currency: str) -> None:
    """More digits than there are coins for."""
    smallest = Decimal(1).scaleb(quantize(Decimal(1), currency).as_tuple().exponent)  # type: ignore[arg-type]
    _save(
        _price(world, plan, currency, "month"), amount=first_price(plan, currency, "month") + smallest * Decimal("0.3")
    )


@verb("settings", plan=PAID_PLANS, currency=("usd", "XXX"))
def price_in_no_currency(world: World, *, plan: str, currency: str) -> None:
    price = PlanPrice(plan=world.plan(plan), currency=currency, amount=Decimal(5))
    price.full_clean()
    price.save()


@verb("settings", plan=PAID_PLANS, currency=tuple(PRICES), interval=("month", "year"))
def retire_price(world: World, *, plan: str, currency: str, interval: str) -> None:
    _save(_price(world, plan, currency, interval), retired_at=world.clock.now())


@verb("settings", plan=PAID_PLANS, currency=tuple(PRICES), interval=("month", "year"))
def sell_again(world: World, *, plan: str, currency: str, interval: str) -> None:
    world.price(plan, currency, interval, first_price(plan, currency, interval))


@verb("settings", plan=PAID_PLANS, factor=("1", "1", "0.5", "2"))
def edit_credits(world: World, *, plan: str, factor: str) -> None:
    from_first = {"starter": 1_000, "growth": 3_000, "scale": 10_000}[plan]
    _save(world.plan(plan), credits=int(from_first * Decimal(factor)))


@verb(
    "settings",
    change=(
        ("grace_days", 7),
        ("grace_days", 3),
        ("suspension_days", 30),
        ("suspension_days", 10),
        ("renewal_lead_days", 7),
        ("renewal_lead_days", 14),
        ("signup_expiry_days", 14),
        ("claim_pause_days", 3),
        ("claim_pause_days", 7),
        ("days_to_pay", 3),
        ("days_to_pay", 7),
        ("reminder_steps", [0, 5]),
        ("reminder_steps", [-7, -3, 0, 3, 10]),
    ),
)
def edit_policy(world: World, *, change: tuple[str, Any]) -> None:
    name, value = change
    _save(Policy.current(), **{name: value})


@verb("settings", steps=("x", ["3"], [None], [10_000_000]))
def remind_senselessly(world: World, *, steps: Any) -> None:
    _save(Policy.current(), reminder_steps=steps)


@verb("settings", method=(0, 1), tolerance=(("0", "0"), ("0", "0"), ("5", "15"), ("5", "3.5")))
def edit_tolerance(world: World, *, method: int, tolerance: tuple[str, str]) -> None:
    # In force hours later.
    percent, most = tolerance
    row = PaymentMethod.objects.get(pk=world.methods[method].pk)
    row.tolerance_percent, row.tolerance_max = Decimal(percent), Decimal(most)
    version = save_method(row, by=world.clerk)
    if version is not None and version.is_waiting:
        confirm_payee(version, by=world.chief)


def _save(row: Plan | PlanPrice | Policy, **changes: Any) -> None:
    # As the admin does.
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()


def _price(world: World, plan: str, currency: str, interval: str) -> PlanPrice:
    found = PlanPrice.objects.offered().filter(plan=world.plans[plan], currency=currency, interval=interval).first()
    if found is None:
        raise Nothing
    return found


def _pick(found: Sequence[Any], which: int) -> Any:
    if not found:
        raise Nothing
    return found[which % len(found)]


def _open_invoices(customer: Customer) -> list[Invoice]:
    return list(Invoice.objects.filter(account=customer.account_id, status__in=Invoice.OPEN).order_by("id"))


def _open_or_written_off(customer: Customer) -> list[Invoice]:
    takes = [*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE]
    return list(Invoice.objects.filter(account=customer.account_id, status__in=takes).order_by("-id")[:3])


def _claims(customer: Customer) -> list[Payment]:
    return list(Payment.objects.filter(account=customer.account_id).awaiting_review())


def _living(customer: Customer) -> Subscription | None:
    living = ("active", "past_due", "suspended")
    found = Subscription.objects.select_related("plan").filter(account=customer.account_id, status__in=living)
    return found.first()


def _latest(customer: Customer) -> Subscription:
    found = Subscription.objects.filter(account=customer.account_id).order_by("-id").first()
    if found is None:
        raise Nothing
    return found
