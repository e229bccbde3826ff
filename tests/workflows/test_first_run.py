from __future__ import annotations

import pytest
from django.contrib.admin.models import CHANGE, LogEntry

from core.models import BankAccount, PaymentMethod, PlanPrice, Policy
from tests.factories import COMPANY, PlanFactory, StaffFactory, UserFactory, sepa_bank_account
from workflows.actions.seller import save_seller
from workflows.mail.mail_check import send_test_mail
from workflows.reporting.first_run import first_run
from workflows.seed import seed, seed_catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return UserFactory(email="ann@staff.test", is_staff=True)


def missing(user) -> set[str]:
    return {name for name, is_done in first_run(user).items() if not is_done}


def test_empty_installation_lacks_everything(ann):
    assert missing(ann) == set(first_run(ann))


def test_seeded_catalogue_has_prices_and_no_place_to_pay_to(ann):
    seed_catalogue()

    assert missing(ann) == {"company", "way_to_pay", "approvers", "operators", "mail", "reminders", "bank_account"}


def test_demo_counts_for_nothing_that_is_made_up(ann):
    seed(stories=False)

    assert {"company", "way_to_pay", "bank_account", "operators", "mail"} <= missing(ann)


def test_each_is_done_by_its_row_alone(ann, settings, run_effects):
    settings.EMAIL_HOST = "mail.acme.com"
    doings = {
        "company": lambda: save_seller(COMPANY, by=None),
        "plan": PlanFactory,
        "way_to_pay": lambda: PaymentMethod.objects.create(code="ours", name="Ours", kind="cash"),
        "approvers": lambda: [StaffFactory(), StaffFactory()],
        "operators": lambda: [
            setattr(settings, "MAIL_FROM", "Acme <billing@acme.com>"),
            setattr(settings, "OPERATOR_EMAILS", ["ops@acme.com"]),
        ],
        "mail": lambda: [send_test_mail(by=ann), run_effects()],
        "reminders": lambda: LogEntry.objects.log_actions(ann.pk, [Policy.current()], CHANGE, "", single_object=True),
        "bank_account": sepa_bank_account,
    }
    left = missing(ann)
    assert left == doings.keys()

    for name, do in doings.items():
        do()
        left -= {name}
        assert missing(ann) - {"way_to_pay"} == left - {"way_to_pay"}, name  # the bank account brings a way to pay

    assert missing(ann) == set()


def test_answers_that_go_to_an_example_leave_the_mails_undone(ann, settings):
    settings.MAIL_FROM, settings.OPERATOR_EMAILS = "Acme <billing@acme.com>", ["ops@acme.com"]
    save_seller(COMPANY, by=None)
    assert "operators" not in missing(ann)

    save_seller({"reply_to": "answers@shop.example"}, by=None)

    assert "operators" in missing(ann)


@pytest.mark.parametrize(
    "undo",
    [
        lambda: PaymentMethod.objects.update(is_demo=True),
        lambda: PaymentMethod.objects.update(is_enabled=False),
    ],
)
def test_way_to_pay_that_is_a_demo_or_switched_off_counts_for_nothing(ann, undo):
    PaymentMethod.objects.create(code="ours", name="Ours", kind="cash")
    assert "way_to_pay" not in missing(ann)

    undo()

    assert "way_to_pay" in missing(ann)


def test_price_counts_while_it_is_offered_publicly_and_above_zero(ann):
    plan = PlanFactory()
    for change in ({"is_public": False},):
        type(plan).objects.update(**change)
        assert "plan" in missing(ann)
    type(plan).objects.update(is_public=True)
    assert "plan" not in missing(ann)

    PlanPrice.objects.update(retired_at="2026-01-01T00:00Z")

    assert "plan" in missing(ann)


def test_one_approver_is_not_two_pairs_of_eyes(ann):
    StaffFactory()
    UserFactory(is_staff=True, is_superuser=True)  # sees everything, decides on nothing

    assert "approvers" in missing(ann)


def test_log_of_another_row_says_nothing_of_reminders(ann):
    account = BankAccount.objects.create(name="Main", number="12345", currency="USD")

    LogEntry.objects.log_actions(ann.pk, [account], CHANGE, "", single_object=True)

    assert "reminders" in missing(ann)
