from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import Industry, Membership, Payment, User
from core.models.user import STAFF_PERMISSIONS
from engine.models import Effect
from tests.browser.pages import APPROVER, CUSTOMER, GRANTER, OPERATOR, SETTER, STRANGER
from tests.factories import SETTINGS_PERMISSIONS, MembershipFactory, PaymentFactory, UserFactory, made_document
from tests.web.conftest import signed_in
from workflows.actions.sites import open_site
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12


@pytest.fixture
def payment(shop) -> Payment:
    """One of thirty of its invoice, of an account with as many lines in its ledger, and some people."""
    first = PaymentFactory()
    for n in range(30):
        PaymentFactory(
            invoice=first.invoice, submitted_by=first.submitted_by, method=first.method, reference_key=f"R{n}"
        )
        post([grant(first.account, 10, key=f"test:{n}", description="test", cause_id=None)])
    for role in Membership.Role.values:
        MembershipFactory(account=first.account, role=role)
    open_site(first.account, name="Shop", industry=Industry.objects.first(), by=first.submitted_by)
    Effect.objects.filter(pk__in=Effect.objects.values("pk")[:20]).update(state="dead", attempts=12)
    return first


@pytest.fixture
def colleague() -> User:
    """Of the staff, with every duty."""
    person = UserFactory(is_staff=True)
    person.user_permissions.set(
        Permission.objects.filter(
            codename__in=[*STAFF_PERMISSIONS, "operate_effects", "grant_duties", *SETTINGS_PERMISSIONS]
        )
    )
    return person


def test_no_page_asks_more_than_twelve_questions(payment, colleague):
    keys = {
        "invoice": payment.invoice_id,
        "payment": payment.pk,
        "account": payment.account_id,
        "site": payment.account.sites.get().pk,
        "effect": Effect.objects.filter(state="dead").latest("id").pk,
        "person": payment.submitted_by_id,
        "plan": payment.invoice.plan_id,
        "method": payment.method_id,
        "document": made_document(account=payment.account).pk,
    }
    dear = {}
    for client, paths in (
        (Client(), STRANGER),
        (signed_in(payment.submitted_by), CUSTOMER),
        (signed_in(colleague), [*APPROVER, *OPERATOR, *GRANTER, *SETTER]),
    ):
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(path.format(**keys))
            assert answer.status_code == 200, path
            if len(queries) > MOST_QUERIES:
                dear[path] = [(query["sql"] or "")[:160] for query in queries]

    assert dear == {}
