"""Nobody decides on an account that they belong or belonged to: S6 of the security review."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError as FormError
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import Account, Membership, MembershipRecord, Payment, User
from core.problems import PermissionDenied
from engine import available, perform
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
    UserFactory,
    make_staff_as_before,
)
from workflows.actions import close_account, record_payment, void_invoice
from workflows.actions.credits import adjust
from workflows.actions.sites import remove_member

pytestmark = pytest.mark.django_db

STAFF_PERMISSIONS = (
    "review_payment",
    "approve_payment",
    "reverse_payment",
    "void_invoice",
    "adjust_credits",
    "manage_accounts",
)


def give_duties(user: User) -> User:
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="core", codename__in=STAFF_PERMISSIONS))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def account() -> Account:
    account = AccountFactory(status=Account.Status.TRIAL)
    MembershipFactory(account=account)
    return account


@pytest.fixture(params=["belongs", "belonged"])
def insider(request, account) -> User:
    """Staff with every duty, who sit in the account as people may from before that was refused, or sat in it once."""
    place = MembershipFactory(account=account, role="viewer")
    if request.param == "belonged":
        remove_member(place)
        User.objects.filter(pk=place.user.pk).update(is_active=True)
    make_staff_as_before(place.user)
    return give_duties(place.user)


@pytest.fixture
def outsider() -> User:
    return give_duties(UserFactory(is_staff=True))


@pytest.fixture
def claim(account) -> Payment:
    return PaymentFactory(invoice=InvoiceFactory(subscription__account=account))


def verbs(account, claim):
    """Every verb of the staff on an account's money: what it does, as somebody."""
    fresh = InvoiceFactory(subscription__account=account)
    settled = PaymentFactory(invoice=InvoiceFactory(subscription__account=account), reference_key="SETTLED")
    perform(settled.approve, by=StaffFactory())
    perform(settled.settle)
    return {
        "approve": lambda by: perform(claim.approve, by=by),
        "reject": lambda by: perform(claim.reject, by=by, reason_code="other"),
        "reverse": lambda by: perform(settled.reverse, by=by, reason_given="bounced"),
        "reverse a part": lambda by: perform(settled.reverse_part, by=by, amount=Decimal(1), reason_given="bounced"),
        "void": lambda by: void_invoice(fresh, by=by, reason="wrong"),
        "write off": lambda by: perform(fresh.write_off, by=by),
        "adjust": lambda by: adjust(account, 5, reason="goodwill", by=by),
        "close": lambda by: close_account(account, by=by, reason="asked"),
        "record": lambda by: record_payment(
            invoice=fresh, method=PaymentMethodFactory(), amount=1, currency="USD", reference="SEEN", by=by
        ),
    }


NAMES = ("approve", "reject", "reverse", "reverse a part", "void", "write off", "adjust", "close", "record")


@pytest.mark.guards("S6", "core.models.user.User.may_decide_on")
@pytest.mark.parametrize("name", NAMES)
def test_present_and_former_members_decide_on_no_money_of_the_account(name, account, claim, insider):
    """S6"""
    with pytest.raises(PermissionDenied):
        verbs(account, claim)[name](insider)


@pytest.mark.parametrize("name", NAMES)
def test_staff_who_were_never_members_decide(name, account, claim, outsider):
    verbs(account, claim)[name](outsider)


@pytest.mark.guards("S6", "core.models.user.User.is_granted")
@pytest.mark.parametrize("name", NAMES)
def test_former_staff_with_a_leftover_permission_decide_nothing(name, account, claim, outsider):
    """S6"""
    User.objects.filter(pk=outsider.pk).update(is_staff=False)

    with pytest.raises(PermissionDenied):
        verbs(account, claim)[name](User.objects.get(pk=outsider.pk))


def test_owner_closes_the_account_although_they_belong_to_it(account):
    owner = account.memberships.get().user

    close_account(account, by=owner)

    account.refresh_from_db()
    assert account.status == Account.Status.CLOSED


def test_no_button_is_shown_for_what_is_refused(account, claim, insider, outsider):
    assert available(claim, insider) == []
    assert available(claim, outsider) == ["approve", "reject"]


def test_insider_still_reads_every_account(account, insider):
    assert insider.can_read_all_accounts()
    assert Payment.objects.visible_to(insider).count() == Payment.objects.count()


@pytest.mark.guards("S6", "payment_decided_by_outsider")
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_database_refuses_a_decision_by_who_belongs_to_the_account(verb, claim, insider, monkeypatch):
    """S6"""
    monkeypatch.setattr(User, "may_decide_on", lambda *_: True)
    inputs = {"reason_code": "other"} if verb == "reject" else {}

    with pytest.raises(IntegrityError, match="belongs to the account, or did"), atomic():
        perform(getattr(claim, verb), by=insider, **inputs)


@pytest.mark.guards("S6", "payment_reversed_by_outsider")
def test_database_refuses_a_reversal_by_who_belongs_to_the_account(claim, insider, monkeypatch):
    """S6"""
    perform(claim.approve, by=StaffFactory())
    perform(claim.settle)
    monkeypatch.setattr(User, "may_decide_on", lambda *_: True)

    with pytest.raises(IntegrityError, match="belongs to the account, or did"), atomic():
        perform(claim.reverse, by=insider, reason_given="bounced")


@pytest.mark.guards("S6", "payment_part_reversed_by_outsider")
def test_database_refuses_a_reversal_of_a_part_by_who_belongs_to_the_account(claim, insider, monkeypatch):
    """S6"""
    perform(claim.approve, by=StaffFactory())
    perform(claim.settle)
    monkeypatch.setattr(User, "may_decide_on", lambda *_: True)

    with pytest.raises(IntegrityError, match="belongs to the account, or did"), atomic():
        perform(claim.reverse_part, by=insider, amount=Decimal(1), reason_given="bounced")


@pytest.mark.guards("S6", "invoice_closed_by_outsider")
@pytest.mark.parametrize("verb", ["void", "write_off"])
def test_database_refuses_that_an_insider_closes_an_invoice(verb, claim, insider, monkeypatch):
    """S6"""
    monkeypatch.setattr(User, "may_decide_on", lambda *_: True)

    with pytest.raises(IntegrityError, match="belongs to the account, or did"), atomic():
        perform(getattr(claim.invoice, verb), by=insider)


@pytest.mark.guards("S18", "payment_decided_by_outsider")
def test_decision_in_the_name_of_another_is_refused(claim, outsider, monkeypatch):
    """S18: `decided_by` is who performed it."""
    other = StaffFactory()
    approve = Payment.approve.__wrapped__
    monkeypatch.setattr(Payment.approve, "__wrapped__", lambda self, **given: approve(self, **{**given, "by": other}))

    with pytest.raises(IntegrityError, match="decided_by_id is not who performed approve"), atomic():
        perform(claim.approve, by=outsider)


@pytest.mark.guards("S6", "membership_recorded")
def test_membership_is_remembered_when_it_is_over(account):
    place = MembershipFactory(account=account)
    key = place.user_id

    remove_member(place)

    assert MembershipRecord.objects.filter(user_id=key, account_id=account.pk).count() == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE core_membershiprecord SET user_id = id", "DELETE FROM core_membershiprecord"]
)
def test_records_of_membership_only_grow(account, statement):
    with pytest.raises(IntegrityError, match="append-only"), atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.guards("S6", "membership_recorded")
def test_staff_are_not_made_members(account):
    """S6: in the form of the admin, and in the database, past the admin."""
    staff = StaffFactory()

    with pytest.raises(FormError) as refusal:
        Membership(account=account, user=staff, role="viewer").full_clean()
    assert list(refusal.value.message_dict) == ["user"]
    with pytest.raises(IntegrityError, match="of the staff"), atomic():
        Membership.objects.create(account=account, user=staff, role="viewer")


@pytest.mark.guards("S6", "user_staff_apart")
def test_members_are_not_made_staff(account):
    """S6: in the form of the admin, and in the database, past the admin."""
    member = account.memberships.get().user

    member.is_staff = True
    with pytest.raises(FormError) as refusal:
        member.clean()
    assert list(refusal.value.message_dict) == ["is_staff"]
    with pytest.raises(IntegrityError, match="belongs to an account"), atomic():
        User.objects.filter(pk=member.pk).update(is_staff=True)


def test_user_who_is_staff_and_member_from_before_can_be_edited(account):
    member = account.memberships.get()
    make_staff_as_before(member.user)

    member.user.name = "Ann"
    member.user.clean()
    member.user.save()
    member.role = Membership.Role.OWNER
    member.full_clean()
    member.save()

    assert User.objects.get(pk=member.user_id).name == "Ann"


@pytest.mark.django_db(transaction=True)
def test_made_staff_and_member_at_the_same_moment_one_is_refused():
    for _ in range(8):
        account, person = AccountFactory(), UserFactory()

        def join(account=account, person=person):
            Membership.objects.create(account=account, user=person, role="viewer")

        def hire(person=person):
            User.objects.filter(pk=person.pk).update(is_staff=True)

        def attempt(do):
            try:
                do()
            except IntegrityError:
                return False
            else:
                return True
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(attempt, [join, hire])) == [False, True]


def test_was_staff_stays_when_it_is_taken_back(account):
    staff = StaffFactory()

    staff.is_staff = False
    staff.save()
    User.objects.filter(pk=staff.pk).update(was_staff=False)

    assert User.objects.get(pk=staff.pk).was_staff
