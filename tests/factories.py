"""The smallest valid row of each model. Rows with a lifecycle are created through the engine."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth.models import Permission
from django.db import connection
from django.utils import timezone
from factory.django import DjangoModelFactory

from core.models import (
    Account,
    BankAccount,
    Document,
    DocumentFile,
    Invitation,
    Invoice,
    Membership,
    Payment,
    PaymentMethod,
    Plan,
    PlanPrice,
    Seller,
    SellerVersion,
    Subscription,
    TaxRule,
    User,
)
from core.models.user import STAFF_PERMISSIONS
from engine import create, perform, schedule
from engine.models import Effect
from tests.workflows.bank.statement_files import IBAN
from workflows.documents.chain import next_link
from workflows.documents.composing.parts import blank
from workflows.mail.notifications import mail_trial_start
from workflows.periods import database_now

PASSWORD = "correct horse battery"
COMPANY = {"legal_name": "Acme Ltd", "address_line1": "1 High Street", "city": "Springfield", "country": "GB"}
SETTINGS_PERMISSIONS = (
    "change_seller",
    "add_plan",
    "change_plan",
    "add_planprice",
    "change_planprice",
    "add_paymentmethod",
    "change_paymentmethod",
    "change_policy",
    "add_user",
)


class SellerVersionFactory(DjangoModelFactory):
    """The business that bills, as documents name it."""

    class Meta:
        model = SellerVersion
        django_get_or_create = ("seller", "number")

    seller = factory.LazyFunction(Seller.current)
    number = 1
    legal_name = "Example Software Ltd"
    address_line1 = "1 Sample Street"
    city = "Sampletown"
    postal_code = "12345"
    country = "US"


class TaxRuleFactory(DjangoModelFactory):
    """For all customers of a seller's country."""

    class Meta:
        model = TaxRule

    seller_country = "US"
    category = "O"
    rate = Decimal(0)
    valid_from = date(2020, 1, 1)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"user{n}@example.test")

    @classmethod
    def _create(cls, model_class: Any, *_: Any, **fields: Any) -> User:
        user = model_class(**fields)
        user.set_unusable_password()
        user.save()
        return user


class StaffFactory(UserFactory):
    """Somebody who may decide on payments."""

    is_staff = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> User:
        user = super()._create(model_class, *args, **fields)
        names = ["review_payment", "approve_payment"]
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="core", codename__in=names))
        return user


class OperatorFactory(UserFactory):
    """Somebody who may see and repeat what the engine owes."""

    is_staff = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> User:
        user = super()._create(model_class, *args, **fields)
        user.user_permissions.set(Permission.objects.filter(codename="operate_effects"))
        return user


class _Begun(DjangoModelFactory):
    """A row with a lifecycle: its first Transition comes with it, what follows does not."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *_: Any, **fields: Any) -> Any:
        row = model_class(**fields)
        inputs = {"total": row.total, "currency": row.currency} if isinstance(row, Invoice) else {}
        create(row, by=fields.get("submitted_by"), **inputs)
        return row


class AccountFactory(_Begun):
    """Somebody who has paid before: `proved_at=None, proved_email=""` for a stranger."""

    class Meta:
        model = Account

    name = "Demo Ltd"
    status = Account.Status.PENDING_PAYMENT
    billing_email = "bills@example.test"
    proved_at = factory.LazyFunction(timezone.now)
    proved_email = factory.LazyAttribute(lambda account: account.billing_email)
    address_line1 = "1 High Street"
    city = "Springfield"
    country = "US"


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    account = factory.SubFactory(AccountFactory)
    user = factory.SubFactory(UserFactory)
    role = Membership.Role.OWNER


class InvitationFactory(DjangoModelFactory):
    """An offer of an account that has paid before, by its owner."""

    class Meta:
        model = Invitation

    account = factory.SubFactory(AccountFactory)
    email = factory.Sequence(lambda n: f"invited{n}@example.test")
    invited_by = factory.LazyAttribute(lambda offer: MembershipFactory(account=offer.account).user)


class PlanFactory(DjangoModelFactory):
    class Meta:
        model = Plan
        django_get_or_create = ("code",)
        skip_postgeneration_save = True

    code = "starter"
    name = "Starter"
    credits = 1000

    @factory.post_generation
    def price(plan, create: bool, amount: Any, **_: Any) -> None:  # type: ignore[misc]  # noqa: N805
        PlanPrice.objects.get_or_create(
            plan=plan,
            currency="USD",
            interval="month",
            defaults={"amount": Decimal("89.00") if amount is None else amount},
        )


class PaymentMethodFactory(DjangoModelFactory):
    class Meta:
        model = PaymentMethod
        django_get_or_create = ("code",)

    code = "us_bank"
    name = "ACH or wire"
    kind = PaymentMethod.Kind.BANK_TRANSFER
    country = "US"
    currency = "USD"
    requires = ["reference"]


class SubscriptionFactory(_Begun):
    class Meta:
        model = Subscription

    account = factory.SubFactory(AccountFactory)
    plan = factory.SubFactory(PlanFactory)
    currency = "USD"
    price = Decimal("89.00")
    interval = "month"


class InvoiceFactory(_Begun):
    """An issued invoice of 89.00 USD for a subscription that waits for it."""

    class Meta:
        model = Invoice

    subscription = factory.SubFactory(SubscriptionFactory)
    account = factory.SelfAttribute("subscription.account")
    plan = factory.LazyAttribute(lambda invoice: invoice.subscription.plan if invoice.subscription else None)
    currency = "USD"
    total = Decimal("89.00")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> Invoice:
        invoice = super()._create(model_class, *args, **fields)
        perform(
            invoice.issue,
            number=f"T-{invoice.pk.hex[-12:]}",
            issued_on=database_now().date(),
            due_on=database_now().date() + timedelta(days=7),
            snapshot={"plan": "starter"},
        )
        return invoice


class PaymentFactory(_Begun):
    """A claim of the whole invoice, by the account's owner."""

    class Meta:
        model = Payment

    invoice = factory.SubFactory(InvoiceFactory)
    account = factory.SelfAttribute("invoice.account")
    method = factory.SubFactory(PaymentMethodFactory)
    amount = Decimal("89.00")
    currency = "USD"
    reference = "WIRE 42"
    reference_key = "WIRE42"
    reference_counts = factory.LazyAttribute(lambda payment: payment.method.tells_transfers_apart)
    submitted_by = factory.LazyAttribute(lambda payment: MembershipFactory(account=payment.account).user)


class DocumentFactory(_Begun):
    """A statement that is not drawn yet."""

    class Meta:
        model = Document

    account = factory.SubFactory(AccountFactory)
    kind = Document.Kind.STATEMENT
    key = factory.Sequence(lambda n: f"test:{n}")
    subject_id = factory.SelfAttribute("account.pk")
    seller = factory.SubFactory(SellerVersionFactory)
    language = "en"
    data = factory.LazyAttribute(lambda row: blank(row.kind, language="en", on=database_now().date(), title="Paper"))


def made_document(content: bytes = b"%PDF-1.7 of a test", **fields: Any) -> Document:
    """As a worker makes it, without drawing."""
    document: Document = DocumentFactory(**fields)
    assert document.seller is not None
    sha256 = hashlib.sha256(content).hexdigest()
    link = next_link(document.seller.seller, sha256)
    DocumentFile.objects.create(document=document, content=content)
    perform(
        document.make,
        sha256=sha256,
        previous_sha256=link.previous_sha256,
        place=link.place,
        size=len(content),
        template_version=1,
        made_at=database_now(),
    )
    return document


def scheduled_mail(**fields: Any) -> Effect:
    """One effect that is ready, about an account of its own."""
    account = AccountFactory(**fields)
    return Effect.objects.get(pk=schedule(mail_trial_start, key=f"owed:{account.pk}", about=account))


def make_staff_as_before(user: User) -> None:
    """Of the staff and of an account at once, as people may be from before that was refused."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_user DISABLE TRIGGER user_staff_apart")
        cursor.execute("UPDATE core_user SET is_staff = true, was_staff = true WHERE id = %s", [user.pk])
        cursor.execute("ALTER TABLE core_user ENABLE TRIGGER user_staff_apart")
    user.is_staff = True


def staff_of_all_duties(**fields: Any) -> User:
    person: User = UserFactory(**{"is_staff": True} | fields)
    own = Permission.objects.filter(content_type__app_label="core", codename__in=STAFF_PERMISSIONS)
    person.user_permissions.set(own)
    return person


def staff_of_all_settings(**fields: Any) -> User:
    person: User = UserFactory(**{"is_staff": True} | fields)
    own = Permission.objects.filter(content_type__app_label="core", codename__in=SETTINGS_PERMISSIONS)
    person.user_permissions.set(own)
    return person


def sepa_bank_account() -> BankAccount:
    """Of ours, in EUR, with its payment method."""
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    account.payment_methods.add(PaymentMethodFactory(code="sepa", currency="EUR"))
    return account
