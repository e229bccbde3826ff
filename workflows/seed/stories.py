"""The demo's stories, performed by the product's own actions, backdated. Nobody is mailed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import make_password

from core.models import Account, Invoice, Payment, PaymentMethod, Plan, User
from core.payees.instructions import DEMO_WARNING
from core.validation.email import canonical_email
from engine import perform
from workflows.actions import SignUp, choose_plan, claim_payment, record_payment, sign_up
from workflows.actions.credits import consume
from workflows.seed.backdate import BackdatedClock, backdated
from workflows.seed.people import demo_password

DUTIES = {"reviewer": ("review_payment",), "approver": ("approve_payment", "reverse_payment")}
PLACES = {  # city, state, postal code
    "US": ("New York", "NY", "10001"),
    "FR": ("Paris", "", "75001"),
    "DE": ("Berlin", "", "10115"),
    "GB": ("London", "", "SW1A 1AA"),
    "PK": ("Karachi", "Sindh", "74000"),
    "IN": ("Mumbai", "Maharashtra", "400001"),
    "BR": ("Sao Paulo", "SP", "01001-000"),
}


@dataclass
class Teller:
    code: str
    past: BackdatedClock
    staff: dict[str, User]
    company: SignUp = field(init=False)
    claims: int = 0

    def signs_up(
        self, name: str, *, days_ago: float, plan: str = "starter", country: str = "US", currency: str = "USD",
        method: str = "us_bank",
    ) -> None:  # fmt: skip
        self.past.go_back(days=days_ago)
        self.method = PaymentMethod.objects.get(code=method)
        city, state, postal_code = PLACES[country]
        address = f"{self.code}@example.com"
        self.company = sign_up(
            email=address,
            password=None,
            account_name=name,
            plan=plan,
            currency=currency,
            billing={
                "billing_email": address,
                "address_line1": "1 Example Street",
                "address_line2": DEMO_WARNING,
                "city": city,
                "state": state,
                "postal_code": postal_code,
                "country": country,
                "tax_id": "",
            },
            payment_method=self.method.code,
        )
        self.waits(0)

    def waits(self, days: float) -> None:
        self.past.live(self.company.account.pk, days=days)

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.company.account.pk)

    def invoice(self, purpose: str = "first") -> Invoice:
        return Invoice.objects.filter(account=self.company.account, purpose=purpose).latest("id")

    def claims_payment(self, amount: str, reference: str, *, invoice: Invoice | None = None) -> Payment:
        invoice = invoice or self.invoice()
        payment = claim_payment(
            invoice=invoice,
            method=self.method,
            amount=Decimal(amount),
            currency=invoice.currency,
            reference=reference,
            notes=DEMO_WARNING,
            paid_on=invoice.issued_on,
            payer_name=self.company.account.name,
            by=self.company.user,
        )
        self.waits(0)
        return payment

    def staff_record(self, amount: str, reference: str, *, method: str) -> Payment:
        invoice = self.invoice()
        payment = record_payment(
            invoice=invoice,
            method=PaymentMethod.objects.get(code=method),
            amount=Decimal(amount),
            currency=invoice.currency,
            reference=reference,
            notes=DEMO_WARNING,
            by=self.staff["reviewer"],
        )
        self.waits(0)
        return payment

    def staff_do(self, verb: Callable[..., Any], **inputs: Any) -> None:
        perform(verb, by=self.staff["approver"], **inputs)
        self.waits(0)

    def pays(self, amount: str, reference: str) -> Payment:
        payment = self.claims_payment(amount, reference)
        self.waits(0.5)
        self.staff_do(payment.approve, admin_notes="Seen on the statement.")
        return Payment.objects.get(pk=payment.pk)


def exact(tell: Teller) -> None:
    tell.signs_up("Exact Bakery", days_ago=20)
    tell.waits(0.5)
    tell.pays("89.00", "021000021004711")
    for day, amount in enumerate((120, 60, 45), start=1):
        tell.waits(4)
        consume(tell.account, amount, reference=f"batch-{day}", by=tell.company.user, description="A batch of labels")


def short(tell: Teller) -> None:
    tell.signs_up("Short Wire Trading", days_ago=5, country="FR", method="intl_wire")
    payment = tell.claims_payment("89.00", "2026110112345678")
    tell.waits(2)
    tell.staff_do(payment.approve, received=Decimal("77.00"), admin_notes="The correspondent bank kept 12.00.")


def over(tell: Teller) -> None:
    tell.signs_up("Overpaying Optics", days_ago=36)
    tell.waits(0.5)
    tell.pays("200.00", "091000019000815")


def blurred(tell: Teller) -> None:
    """Refused, because nobody could read the slip; sent again, and approved."""
    tell.signs_up("Blurred Slip Printing", days_ago=9, country="IN", currency="INR", method="in_upi")
    first = tell.claims_payment("7900.00", "412345678901")
    tell.waits(1)
    tell.staff_do(first.reject, reason_code="unreadable_proof", admin_notes="The picture is blurred: send a sharp one.")
    tell.waits(1)
    tell.pays("7900.00", "412345678901")


def cash(tell: Teller) -> None:
    tell.signs_up("Cash and Carry", days_ago=12, method="cash_receipt")
    payment = tell.staff_record("89.00", "R-10042", method="cash_receipt")
    tell.waits(1)
    tell.staff_do(payment.approve, admin_notes="The receipt book agrees.")


def late(tell: Teller) -> None:
    """The money is kept for them, and opens nothing by itself."""
    tell.signs_up("Late Post Couriers", days_ago=32)
    tell.waits(30)
    payment = tell.staff_record("89.00", "122105155000042", method="us_bank")
    tell.waits(1)
    tell.staff_do(payment.approve, admin_notes="Arrived after the invoice had lapsed.")


def two_in_one(tell: Teller) -> None:
    """The first was recalled when the second month was due: one transfer then paid both."""
    tell.signs_up("Two in One Tools", days_ago=36)
    first = tell.pays("89.00", "071000013000161")
    tell.waits(27)
    tell.staff_do(first.reverse, reason_given="Recalled by the sending bank.")
    tell.waits(4)
    both = tell.claims_payment("178.00", "071000013000162")
    lines = [{"invoice": str(invoice.pk), "amount": "89.00"} for invoice in (tell.invoice(), tell.invoice("renewal"))]
    tell.staff_do(both.approve, allocations=lines, admin_notes="One transfer for two invoices.")


def bounced(tell: Teller) -> None:
    tell.signs_up("Bounced Cheque Builders", days_ago=15)
    payment = tell.pays("89.00", "111900659001187")
    tell.waits(5)
    consume(tell.account, 700, reference="render-1", by=tell.company.user, description="A rendering")
    tell.waits(6)
    tell.staff_do(payment.reverse, reason_given="Returned unpaid by the bank.")


def in_review(tell: Teller) -> None:
    """The trial goes on while a payment is in review."""
    tell.signs_up("Patient Pottery", days_ago=16, plan="free")
    tell.waits(12)
    choose_plan(tell.account, Plan.objects.get(code="starter"), by=tell.company.user, method=tell.method)
    tell.waits(1)
    tell.claims_payment("89.00", "026009593000777")


def same_reference(tell: Teller) -> None:
    tell.signs_up("Copycat Cafe", days_ago=1.5)
    tell.claims_payment("89.00", "021000021004711")


def waiting(name: str, amount: str, reference: str, days_ago: float, **where: str) -> Callable[[Teller], None]:

    def tell_it(tell: Teller) -> None:
        tell.signs_up(name, days_ago=days_ago + 0.05, **where)
        tell.waits(0.05)
        tell.claims_payment(amount, reference)

    return tell_it


STORIES: dict[str, Callable[[Teller], None]] = {
    "over": over,
    "two-in-one": two_in_one,
    "late": late,
    "exact": exact,
    "in-review": in_review,
    "bounced": bounced,
    "cash": cash,
    "blurred": blurred,
    "short": short,
    "pix": waiting(
        "Padaria Pix", "480.00", "E00000000202611201200abcdefghijk", 5, country="BR", currency="BRL", method="br_pix"
    ),
    "fps": waiting(
        "Faster Florists", "149.00", "FASTER FLORISTS", 3, country="GB", currency="GBP", plan="growth", method="gb_fps"
    ),
    "sepa": waiting(
        "Sparbuch Studios", "82.00", "RF18 5390 0754 7034", 2, country="DE", currency="EUR", method="eu_sepa"
    ),
    "same-reference": same_reference,
    "upi": waiting("Upbeat Imports", "7900.00", "409876543210", 1, country="IN", currency="INR", method="in_upi"),
    "wallet": waiting(
        "Wallet Weavers", "25000.00", "30912345678", 0.25, country="PK", currency="PKR", method="pk_wallet"
    ),
    "too-little": waiting("Half Measure Homes", "150.00", "031176110000150", 0.02, plan="growth"),
}


def seed_stories() -> int:
    """Tells none if the demo's staff have lost their duties."""
    staff = {name: User.objects.get(email_canonical=canonical_email(f"{name}@demo.test")) for name in DUTIES}
    if not all(staff[name].is_granted(f"core.{duty}") for name, duties in DUTIES.items() for duty in duties):
        return 0
    addresses = {canonical_email(f"{code}@example.com"): code for code in STORIES}
    known = set(User.objects.filter(email_canonical__in=addresses).values_list("email_canonical", flat=True))
    missing = [code for address, code in addresses.items() if address not in known]
    if missing:
        with backdated() as past:
            for code in missing:
                teller = Teller(code, past, staff)
                STORIES[code](teller)
                teller.waits(366)  # at most: up to now
        told = User.objects.filter(email_canonical__in=addresses).exclude(email_canonical__in=known)
        told.update(password=make_password(demo_password()))
    return len(missing)
