from __future__ import annotations

import pytest

from core.models import Account
from core.problems import PermissionDenied, ValidationError
from tests.factories import AccountFactory, MembershipFactory, PlanFactory
from workflows.actions import change_account, sign_up

pytestmark = pytest.mark.django_db

BILLING = {"billing_email": "b@acme.test", "address_line1": "1 High Street", "city": "Springfield", "country": "US"}


@pytest.mark.parametrize(
    ("change", "field"), [({"city": ""}, "city"), ({"tax_id": "x"}, "tax_id"), ({"country": "ZZ"}, "country")]
)
def test_every_entry_checks_the_billing_details(change, field):
    with pytest.raises(ValidationError) as refusal:
        sign_up(
            email="ann@acme.test",
            password="a fairly long one",
            account_name="Acme",
            plan=PlanFactory().code,
            currency="USD",
            billing=BILLING | change,
        )

    assert field in refusal.value.members["errors"]
    assert not Account.objects.exists()


def test_only_owners_and_admins_change_an_account():
    account = AccountFactory(**BILLING)
    admin = MembershipFactory(account=account, role="admin").user
    member = MembershipFactory(account=account, role="member").user
    stranger = MembershipFactory(role="owner").user

    for somebody in (member, stranger):
        with pytest.raises(PermissionDenied):
            change_account(account, by=somebody, city="Elsewhere")
    assert change_account(account, by=admin, city="Shelbyville").city == "Shelbyville"
    assert Account.objects.get(pk=account.pk).city == "Shelbyville"


def test_a_change_is_judged_by_the_row_as_it_is_and_not_as_it_was_read():
    account = AccountFactory(**BILLING)
    owner = MembershipFactory(account=account, role="owner").user
    Account.objects.filter(pk=account.pk).update(country="DE")  # meanwhile, by somebody else

    with pytest.raises(ValidationError):
        change_account(account, by=owner, tax_id="12-3456789")
    assert change_account(account, by=owner, tax_id="DE136695976").country == "DE"
