from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import BankAccount, StatementLine
from tests.factories import InvoiceFactory, PaymentFactory, PaymentMethodFactory, StaffFactory, staff_of_all_duties
from tests.web.conftest import signed_in
from tests.workflows.bank.statement_files import IBAN, Row, camt
from workflows.bank import import_statement

pytestmark = pytest.mark.django_db
MARCH = ("2026-03-01", "2026-03-05")


@pytest.fixture
def bookkeeper(db):
    return staff_of_all_duties()


@pytest.fixture
def imported(bookkeeper, run_effects):
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    account.payment_methods.add(PaymentMethodFactory(code="sepa", currency="EUR"))

    def imported_(content):
        import_statement(content, name="march.xml", by=bookkeeper)
        run_effects()

    return imported_


def claim(number=1):
    return PaymentFactory(
        invoice=InvoiceFactory(currency="EUR"),
        method=PaymentMethodFactory(code="sepa", currency="EUR"),
        currency="EUR",
        reference=f"CLAIM{number}",
        reference_key=f"CLAIM{number}",
        paid_on=date(2026, 3, 2),
    )


def test_desk_says_of_each_claim_what_the_bank_says(imported, bookkeeper):
    there, missing = claim(1), claim(2)
    desk = signed_in(bookkeeper)
    assert "No statement yet reaches its day" in desk.get(f"/desk/{there.pk}/").content.decode()

    imported(camt(Row("89.00", there.invoice.payment_reference), days=MARCH))

    page = desk.get(f"/desk/{there.pk}/").content.decode()
    assert "On the statement of 4 March" in page
    assert "nobody has decided on this line" in page
    assert f"/desk/bank/lines/{StatementLine.objects.get().pk}/" in page
    assert "Not on the statement, which reaches to 5 March" in desk.get(f"/desk/{missing.pk}/").content.decode()
    queue = desk.get("/desk/").content.decode()
    assert queue.count("On the statement of 4 March") == 1
    assert queue.count("Not on the statement, which reaches to 5 March") == 1


def test_line_is_no_link_for_those_who_may_not_open_it(imported):
    payment = claim()
    imported(camt(Row("89.00", payment.invoice.payment_reference), days=MARCH))

    page = signed_in(StaffFactory()).get(f"/desk/{payment.pk}/").content.decode()

    assert "On the statement of 4 March" in page
    assert "/desk/bank/lines/" not in page


def test_queue_costs_the_same_however_long_it_is(imported):
    staff = signed_in(StaffFactory())
    claim(0)
    imported(camt(Row("5.00", "other"), days=MARCH))
    staff.get("/desk/")  # what is kept for a minute is there
    counts = []
    for number in (1, 12):
        for place in range(number):
            claim(f"{number}{place}")
        with CaptureQueriesContext(connection) as queries:
            assert "Not on the statement" in staff.get("/desk/").content.decode()
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 10
