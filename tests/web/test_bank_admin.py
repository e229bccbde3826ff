"""What the admin shows of the bank, and that nothing of it is changed there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import (
    BankAccount,
    LinePayment,
    PayerIdentity,
    PendingLine,
    Statement,
    StatementFile,
    StatementLine,
)
from tests.api.caller import staff
from tests.factories import InvoiceFactory, PaymentMethodFactory, UserFactory
from tests.workflows.bank.statement_files import IBAN, OTHER_IBAN, Row, camt
from workflows.bank import Part, import_statement, match_line

pytestmark = pytest.mark.django_db
MODELS = [BankAccount, StatementFile, Statement, StatementLine, PendingLine, LinePayment, PayerIdentity]


@pytest.fixture
def line(run_effects) -> StatementLine:
    """Matched, beside one that is announced."""
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="USD")
    account.payment_methods.add(PaymentMethodFactory())
    bookkeeper = staff("import_statements", "match_lines").user
    rows = Row("89.00", "rent", payer="<b>Ann</b>", payer_iban=OTHER_IBAN), Row("5.00", "soon", pending=True)
    import_statement(camt(*rows, currency="USD"), name="march.xml", by=bookkeeper)
    run_effects()
    found = StatementLine.objects.select_related("bank_account").get()
    return match_line(found, [Part(Decimal("89.00"), invoice=InvoiceFactory())], by=bookkeeper)


@pytest.fixture
def superuser(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def pages(model) -> list[str]:
    name = f"admin:core_{model._meta.model_name}"
    row = model.objects.first()
    assert row is not None, model
    return [reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_rows_of_the_bank_are_shown_and_not_changed(model, line, superuser):
    before = list(model.objects.values())

    for path in pages(model):
        with CaptureQueriesContext(connection) as asked:
            answer = superuser.get(path)
        assert answer.status_code == 200
        assert len(asked) <= 12
        assert b"<b>Ann" not in answer.content
        assert b'name="_save"' not in answer.content
    assert superuser.post(path, {"name": "Mine", "status": "open", "is_automatic": "on"}).status_code == 403
    assert superuser.get(reverse(f"admin:core_{model._meta.model_name}_add")).status_code == 403
    assert list(model.objects.values()) == before


def test_page_of_a_line_has_its_payment_and_its_history(line, superuser):
    payment = LinePayment.objects.get().payment_id

    page = superuser.get(reverse("admin:core_statementline_change", args=[line.pk])).content.decode()

    assert reverse("admin:core_payment_change", args=[payment]) in page
    assert "match" in page
    assert "begin" in page
    assert "89.00 USD" in page


def test_page_of_a_file_has_its_statements(line, superuser):
    part = Statement.objects.get()

    page = superuser.get(reverse("admin:core_statementfile_change", args=[part.file_id])).content.decode()

    assert reverse("admin:core_statement_change", args=[part.pk]) in page


def test_profile_of_an_account_is_read_and_cleared(superuser, line):
    account = BankAccount.objects.get()
    account.profile = {"name": "<b>Main", "dates": ["dd.mm.yyyy"]}
    account.save()
    page = superuser.get(reverse("admin:core_bankaccount_change", args=[account.pk])).content.decode()
    assert "dd.mm.yyyy" in page
    assert "<b>Main" not in page
    changed = reverse("admin:core_bankaccount_changelist")
    form = {"action": "clear_profile", "_selected_action": [str(account.pk)]}

    superuser.post(changed, form)
    account.refresh_from_db()
    assert account.profile is not None  # a superuser has no duty by that alone

    superuser.force_login(bookkeeper := UserFactory(is_staff=True, is_superuser=True))
    bookkeeper.user_permissions.add(Permission.objects.get(codename="import_statements"))
    answer = superuser.post(changed, form, follow=True)

    account.refresh_from_db()
    assert account.profile is None
    assert "Cleared: 1." in answer.content.decode()
