from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from core.models import Account, CreditEntry
from core.problems import Conflict, InsufficientCredits, PermissionDenied, WrongState
from engine import perform
from tests.factories import AccountFactory, StaffFactory
from workflows.actions.credits import adjust, consume
from workflows.settlement.credits import grant, post


@pytest.fixture
def account(db):
    account = AccountFactory(status="trial")
    post([grant(account, 100, key="g", description="", cause_id=None)])
    return account


def use(account, amount, *, role="owner", **given):
    """Credits used by somebody of that role, who need not be in the database."""
    return consume(account, amount, by=SimpleNamespace(role_in=lambda _: role), **given)


def test_using_credits_leaves_a_line(account):
    entry = use(account, 30, reference="job-1", description="a job")

    account.refresh_from_db()
    assert (entry.amount, entry.balance_after, account.credits) == (-30, 70, 70)


def test_the_same_reference_is_used_once(account):
    first = use(account, 30, reference="job-1")
    again = use(account, 30, reference="job-1")

    account.refresh_from_db()
    assert (again, account.credits) == (first, 70)
    with pytest.raises(Conflict):
        use(account, 31, reference="job-1")


def test_credits_are_never_overdrawn(account):
    with pytest.raises(InsufficientCredits) as refusal:
        use(account, 101, reference="job-1")

    assert refusal.value.members == {"credits": 100}
    assert CreditEntry.objects.count() == 1


@pytest.mark.parametrize("state", Account.Status.values)
def test_credits_are_used_by_who_is_open_and_by_nobody_else(state, db):
    ways = {"active": [], "past_due": ["fall_behind"], "suspended": ["fall_behind", "suspend"], "expired": ["expire"]}
    account = AccountFactory(status="pending_payment" if state == "pending_payment" else "trial")
    if state in ways:
        for verb in ("activate", *ways[state]):
            perform(getattr(account, verb))
    elif state == "closed":
        staff = StaffFactory()
        staff.user_permissions.add(Permission.objects.get(codename="manage_accounts"))
        perform(account.close, by=staff)
    post([grant(account, 10, key="g", description="", cause_id=None)])

    if state in ("trial", "active", "past_due"):
        assert use(account, 10, reference="job").balance_after == 0
    else:
        with pytest.raises(WrongState) as refusal:
            use(account, 10, reference="job")
        assert refusal.value.members["object_status"] == state


def test_a_reference_asked_for_again_when_nothing_is_left_is_still_answered(account):
    first = use(account, 100, reference="job-1")

    assert use(account, 100, reference="job-1") == first


def test_an_adjustment_says_who_and_why(account):
    staff = StaffFactory()
    staff.user_permissions.add(Permission.objects.get(codename="adjust_credits"))

    entry = adjust(account, -40, reason="double booking", by=staff)

    assert (entry.amount, entry.balance_after) == (-40, 60)
    assert "double booking" in entry.description
    with pytest.raises(InsufficientCredits):
        adjust(account, -61, reason="x", by=staff)
    with pytest.raises(PermissionDenied):
        adjust(account, 1, reason="x", by=StaffFactory())


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_take_what_is_there_and_no_more():
    account = AccountFactory(status="trial")
    post([grant(account, 100, key="g", description="", cause_id=None)])
    start, outcomes = threading.Barrier(50), []

    def take(n):
        start.wait()
        try:
            use(account, 3, reference=f"job-{n % 45}")  # five of them ask for what others ask for
            outcomes.append("taken")
        except InsufficientCredits:
            outcomes.append("short")
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = list(CreditEntry.objects.filter(kind="consume").order_by("-balance_after"))
    assert len(lines) == 33
    assert Account.objects.get().credits == 1
    assert [line.balance_after for line in lines] == list(range(97, 0, -3))
    assert len({line.key for line in lines}) == 33
    assert len(outcomes) == 50
