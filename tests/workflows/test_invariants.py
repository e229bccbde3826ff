from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.models import Account, BankAccount, Payment, StatementLine
from engine import perform, perform_many
from engine.models import CircuitBreaker, Effect, Transition
from engine.testing import run_effects as run_all
from tests.api.caller import staff
from tests.factories import (
    InvoiceFactory,
    PaymentFactory,
    StaffFactory,
    SubscriptionFactory,
    scheduled_mail,
)
from tests.workflows.bank.statement_files import IBAN, Row, camt
from workflows.actions.credit_notes import issue_credit_note, write_credit_note
from workflows.bank import Part, import_statement, match_line
from workflows.periods import database_now
from workflows.refunds import Payee, request_refund
from workflows.reporting.invariants import findings, invariants

pytestmark = pytest.mark.django_db

# What the owner of the tables does by hand, and what is then found. {payment} and so on are keys.
MISDEEDS = {
    "an invoice is credited what its credit notes say": [
        "UPDATE core_invoice SET credited = credited + 1 WHERE id = '{unpaid}'",
    ],
    "a credit note is the sum of its lines, and its tax that of its categories": [
        "UPDATE core_creditnoteline SET net = net + 1 WHERE credit_note_id = '{credit_note}'",
    ],
    "of no line of an invoice more is credited than it has": [
        """INSERT INTO core_invoiceline (id, invoice_id, position, kind, description, quantity, unit, unit_price, net,
               amount, tax_category, tax_rate)
           SELECT gen_random_uuid(), invoice_id, 1, 'subscription', '', 1, 'C62', 9, 9, 9, 'O', 0
           FROM core_creditnote WHERE id = '{credit_note}'""",
        "UPDATE core_creditnoteline SET invoice_line_id = (SELECT id FROM core_invoiceline WHERE amount = 9)",
    ],
    "an invoice that is credited whole has given back all its tax": [
        """UPDATE core_invoice SET net = total - 9, tax = 9
           WHERE id = (SELECT invoice_id FROM core_creditnote WHERE id = '{credit_note}')""",
        "UPDATE core_creditnote SET net = 0, tax = total WHERE id = '{credit_note}'",
    ],
    "a credit note of money that was paid was issued by another person than who wrote it": [
        "UPDATE core_creditnote SET requested_by_id = (SELECT submitted_by_id FROM core_payment LIMIT 1)",
    ],
    "a credit note that is issued is applied": [
        "UPDATE core_creditnote SET status = 'issued', to_balance = NULL WHERE id = '{credit_note}'",
    ],
    "no draft of a credit note waits for an invoice that is demanded no more": [
        """UPDATE core_creditnote SET status = 'draft', to_balance = NULL, issued_by_id = NULL, issued_on = NULL,
           invoice_id = (SELECT id FROM core_invoice WHERE id = '{unpaid}') WHERE id = '{credit_note}'""",
        "UPDATE core_invoice SET status = 'void' WHERE id = '{unpaid}'",
    ],
    "the transitions of an object count 1, 2, 3 without a gap": [
        "UPDATE engine_transition SET seq = 9 WHERE object_id = '{payment}' AND name = 'settle'",
    ],
    "a transition starts where the one before it ended": [
        "UPDATE engine_transition SET source = 'failed' WHERE object_id = '{payment}' AND name = 'settle'",
    ],
    "an object is where its last transition led": [
        "UPDATE core_account SET status = 'suspended' WHERE id = '{account}'",
    ],
    "what is done says when, and nothing else does": [
        "UPDATE engine_effect SET done_at = NULL WHERE kind = 'payment.settle'",
    ],
    "what is dead or uncertain says why": [
        "UPDATE engine_effect SET state = 'dead', done_at = NULL WHERE kind = 'mail.payment_approved'",
    ],
    "no lease outlives its end": [
        """UPDATE engine_effect SET state = 'leased', done_at = NULL, lease_until = now() - interval '2 minutes'
           WHERE kind = 'mail.payment_approved'""",
    ],
    "a batch counts what became of its effects": [
        """INSERT INTO engine_batch (id, then_id, total, done, skipped, note)
           SELECT gen_random_uuid(), id, 2, 1, 0, '' FROM engine_effect WHERE kind = 'mail.payment_approved' LIMIT 1""",
        "UPDATE engine_effect SET batch_id = (SELECT id FROM engine_batch) WHERE kind = 'payment.settle'",
    ],
    "what follows a batch is due when the batch is complete, and not before": [
        """INSERT INTO engine_batch (id, then_id, total, done, skipped, note)
           SELECT gen_random_uuid(), id, 1, 0, 0, '' FROM engine_effect WHERE kind = 'mail.payment_approved' LIMIT 1""",
    ],
    "a transition has the effects that follow from it": [
        """DELETE FROM engine_effect WHERE kind = 'payment.settle' AND transition_id =
           (SELECT id FROM engine_transition WHERE name = 'approve' AND object_id = '{payment}')""",
    ],
    "a transition has each effect once, and none that follows from another": [
        """UPDATE engine_effect SET kind = 'payment.settle', transition_id =
           (SELECT id FROM engine_transition WHERE name = 'approve' AND object_id = '{payment}')
           WHERE kind = 'mail.payment_approved' AND object_id = '{payment}'""",
    ],
    "an invoice is allocated what its allocations say, and no more than is demanded": [
        "UPDATE core_allocation SET amount = 88 WHERE payment_id = '{payment}'",
    ],
    "the status of an invoice is what was allocated to it": [
        "ALTER TABLE core_invoice DROP CONSTRAINT invoice_status_follows_allocations",
        "UPDATE core_invoice SET status = 'partially_paid' WHERE id = '{invoice}'",
    ],
    "of a payment all that was received and not taken back has its place, and nothing before or after": [
        "UPDATE core_payment SET received = 90 WHERE id = '{payment}'",
    ],
    "of a payment as much was taken back in parts as its reversals of parts say": [
        "UPDATE core_payment SET returned = 1 WHERE id = '{payment}'",
    ],
    "money stays in its currency": [
        "UPDATE core_payment SET currency = 'EUR' WHERE id = '{payment}'",
    ],
    "the numbers of a series have no gap": [
        "INSERT INTO core_numberseries (code, next) VALUES ('INV', 3)",
        "UPDATE core_invoice SET number = 'INV-000002' WHERE id = '{invoice}'",
    ],
    "an invoice with lines is their net and its tax": [
        "UPDATE core_invoice SET net = 1, tax = total - 1 WHERE id = '{invoice}'",
    ],
    # Of EN 16931 it would be no finding.
    "the tax of an invoice is that of its categories, to the cent": [
        """UPDATE core_invoice SET net = 75.00, tax = 14.00, tax_details =
               '{{"includes_tax": true, "taxes": [{{"rate": "19", "base": "75.00", "amount": "14.00"}}]}}'
           WHERE id = '{invoice}'""",
    ],
    "a document that is made has its bytes, and no other has": [
        "INSERT INTO core_documentfile (document_id, content) SELECT id, 'x' FROM core_document LIMIT 1",
    ],
    "each document holds the digest of the one before it": [
        "INSERT INTO core_documentchain (seller_id, place, sha256) SELECT id, 1, 'x' FROM core_seller",
    ],
    "what was written has its document": [
        "UPDATE core_document SET key = 'x' WHERE key = 'receipt:{payment}'",
    ],
    "a document is of the account of what it tells, and has its number": [
        "UPDATE core_document SET account_id = '{stranger}' WHERE subject_id = '{payment}'",
    ],
    "an invoice that took money of a payment shows it": [
        "ALTER TABLE core_invoice DROP CONSTRAINT invoice_status_follows_allocations",
        "UPDATE core_invoice SET status = 'pending' WHERE id = '{invoice}'",
    ],
    "a payment is settled once for its approval": [
        """INSERT INTO engine_transition (id, account_id, machine, object_id, seq, name, source, target, reason, inputs,
               request_id, trace)
           SELECT gen_random_uuid(), account_id, machine, object_id, 4, name, target, target, '', '{{}}', '', ''
           FROM engine_transition WHERE object_id = '{payment}' AND name = 'settle'""",
        "UPDATE core_payment SET version = 4 WHERE id = '{payment}'",
    ],
    "nobody decides on their own payment": [
        "ALTER TABLE core_payment DROP CONSTRAINT payment_decided_by_another",
        "UPDATE core_payment SET decided_by_id = submitted_by_id WHERE id = '{payment}'",
    ],
    "nobody decides on what was claimed by a link that they made": [
        """INSERT INTO core_invoicelink (id, invoice_id, recipient, created_by_id, expires_at)
           SELECT id, invoice_id, '', decided_by_id, now() + interval '1 day' FROM core_payment
           WHERE id = '{payment}'""",
        "UPDATE core_payment SET claimed_by_link_id = id WHERE id = '{payment}'",
    ],
    "a claim by link is submitted by the hosted page, and no other payment is": [
        """INSERT INTO core_invoicelink (id, invoice_id, recipient, expires_at)
           SELECT id, invoice_id, '', now() + interval '1 day' FROM core_payment WHERE id = '{payment}'""",
        "UPDATE core_payment SET claimed_by_link_id = id WHERE id = '{payment}'",
    ],
    "who submitted a payment began it": [
        "UPDATE core_payment SET submitted_by_id = (SELECT min(id::text)::uuid FROM core_user) WHERE id = '{payment}'",
    ],
    "who decided on a payment performed it": [
        "UPDATE core_payment SET decided_by_id = (SELECT min(id::text)::uuid FROM core_user) WHERE id = '{payment}'",
    ],
    "an invoice demands what it was issued for": [
        "UPDATE core_invoice SET total = 88 WHERE id = '{unpaid}'",
    ],
    "an account has the credits that its entries add up to": [
        "UPDATE core_account SET credits = 999 WHERE id = '{account}'",
    ],
    "a credit entry starts at the balance that another left": [
        "UPDATE core_creditentry SET balance_after = 1500 WHERE account_id = '{account}'",
    ],
    "a period of a subscription is granted once": [
        "UPDATE core_creditentry SET key = 'grant:lost' WHERE account_id = '{account}'",
    ],
    "an account stands where its subscription stands": [
        "UPDATE core_account SET status = 'trial' WHERE id = '{account}'",
    ],
    "what is over waits for no money": [
        "UPDATE core_invoice SET status = 'pending', subscription_id = '{over}' WHERE id = '{unpaid}'",
    ],
    "who is in good standing has nothing overdue that nobody watches": [
        """UPDATE core_invoice SET purpose = 'renewal', due_on = due_on - 20, subscription_id =
           (SELECT subscription_id FROM core_invoice WHERE id = '{invoice}') WHERE id = '{unpaid}'""",
    ],
    "a period ends on its anchor day": [
        "UPDATE core_subscription SET period_end = period_end + 1 WHERE account_id = '{account}'",
    ],
    "a trial and a period have their end before them": [
        "DELETE FROM engine_effect WHERE account_id = '{account}' AND kind = 'subscription.turn'",
    ],
    "a mail is sent once for what it tells of": [
        """UPDATE engine_effect SET outcome = outcome || '{{"kind": "payment_approved"}}', transition_id =
           (SELECT id FROM engine_transition WHERE name = 'settle' AND object_id = '{payment}')
           WHERE id = (SELECT id FROM engine_effect WHERE outcome ? 'message_id' AND account_id = '{account}'
               AND kind <> 'mail.payment_approved' LIMIT 1)""",
    ],
    "a trial has its end before it": [
        "UPDATE core_account SET status = 'trial' WHERE id = '{account}'",
    ],
    "an account that waits for a payment has chosen a plan": [
        "UPDATE core_account SET status = 'pending_payment' WHERE id = '{account}'",
    ],
    "a claim that nobody decides on comes up again": [
        """INSERT INTO core_payment SELECT (jsonb_populate_record(payment, jsonb_build_object('id', gen_random_uuid(),
               'status', 'pending_approval', 'reference', 'ANOTHER', 'reference_key', 'ANOTHER', 'version', 1))).*
           FROM core_payment AS payment WHERE id = '{payment}'""",
    ],
    "a plan that was chosen is paid for or lapses": [
        "DELETE FROM engine_effect WHERE kind = 'invoice.let_lapse' AND object_id = '{unpaid}'",
    ],
    "an active subscription has its next period before it": [
        "DELETE FROM engine_effect WHERE account_id = '{account}' AND kind = 'subscription.turn'",
    ],
    "nobody is active without having paid": [
        """UPDATE core_subscription SET period_start = period_start - 60, period_end = period_end - 60
           WHERE account_id = '{account}'""",
        "UPDATE engine_transition SET at = at - interval '9 days' WHERE account_id = '{account}'",
    ],
    "who is past due or suspended has a next day": [
        "UPDATE core_subscription SET status = 'past_due' WHERE account_id = '{account}'",
    ],
    "who is past due or suspended has something to pay": [
        "UPDATE core_subscription SET status = 'suspended' WHERE account_id = '{account}'",
    ],
    "an open invoice is not open for ever": [
        "UPDATE engine_effect SET state = 'skipped' WHERE kind = 'invoice.let_lapse' AND object_id = '{unpaid}'",
    ],
    "an approved payment is settled": [
        "UPDATE core_payment SET status = 'approved' WHERE id = '{payment}'",
    ],
    "no money lies on what never was and never will be": [
        "UPDATE core_invoice SET began_on = NULL WHERE id = '{invoice}'",
        "UPDATE core_subscription SET status = 'expired', period_start = NULL WHERE account_id = '{account}'",
    ],
    "money in the balance pays what is open": [
        """UPDATE core_invoice SET account_id = '{account}', subscription_id =
           (SELECT subscription_id FROM core_invoice WHERE id = '{invoice}') WHERE id = '{unpaid}'""",
        """INSERT INTO core_balanceentry (id, account_id, payment_id, currency, amount, key, created_at)
           VALUES (gen_random_uuid(), '{account}', '{payment}', 'USD', 5, 'left', now())""",
    ],
    "money is in a currency that there is, in coins that there are": [
        "UPDATE core_invoice SET total = 89.001 WHERE id = '{unpaid}'",
    ],
    "only what a bank may have kept is written off with a payment": [
        "UPDATE core_invoice SET written_off = 1, allocated = 88 WHERE id = '{invoice}'",
        """INSERT INTO core_balanceentry (id, account_id, payment_id, currency, amount, key, created_at)
           VALUES (gen_random_uuid(), '{account}', '{payment}', 'USD', -88,
               'effect:' || replace('{invoice}', '-', '') || ':payment', now())""",
    ],
    "who has left is asked for no money": [
        """UPDATE core_account SET status = 'closed'
           WHERE id = (SELECT account_id FROM core_invoice WHERE id = '{unpaid}')""",
    ],
    "what ends with its period is not sold for the next": [
        "ALTER TABLE core_subscription DROP CONSTRAINT subscription_ends_or_goes_on",
        "ALTER TABLE core_subscription DROP CONSTRAINT subscription_next_is_whole",
        """UPDATE core_subscription SET cancel_at_period_end = true, next_plan_id = plan_id
           WHERE account_id = '{account}'""",
    ],
    "a right that is held has its row in force": [
        "ALTER TABLE core_user DISABLE TRIGGER USER",
        "UPDATE core_user SET is_superuser = true WHERE is_staff",
    ],
    "what only grows is guarded": [
        "ALTER TABLE core_balanceentry DISABLE TRIGGER USER",
    ],
    "a method has the payee of its newest version in force": [
        """UPDATE core_paymentmethod SET fields = '{{"iban": "DE89370400440532013000"}}'""",
    ],
    "a payee that was changed was confirmed by another or could be by nobody, and has waited": [
        """INSERT INTO core_payeeversion (id, method_id, number, fields, instructions, tolerance_percent, tolerance_max,
               asked_at, wait_hours, alone_hours, at_once, in_force_at)
           SELECT gen_random_uuid(), id, 2, fields, instructions, tolerance_percent, tolerance_max,
               now(), 4, 24, false, now() FROM core_paymentmethod""",
    ],
    "a payee that waits has its moment before it": [
        """INSERT INTO core_payeeversion (id, method_id, number, fields, instructions, tolerance_percent, tolerance_max,
               asked_at, wait_hours, alone_hours, at_once)
           SELECT gen_random_uuid(), id, 2, fields, instructions, tolerance_percent, tolerance_max,
               now(), 4, 24, false FROM core_paymentmethod""",
    ],
    "what stands for a bank line is no more than the line": [
        "UPDATE core_linepayment SET amount = 90 WHERE line_id = '{line}'",
    ],
    "a bank line that is matched or returned has payments or refunds, and no other has": [
        "UPDATE core_statementline SET status = 'matched' WHERE id = '{open_line}'",
    ],
    "a bank line that no person decided on names its rule, and no other does": [
        "UPDATE core_statementline SET rule = 'reference and amount' WHERE id = '{line}'",
    ],
    "a payment that a bank line brought is one of the line's, in its currency": [
        "UPDATE core_payment SET bank_line_id = '{open_line}' WHERE id = '{payment}'",
    ],
    "bank lines took back no more of a payment than was received": [
        "UPDATE core_statementline SET status = 'returned' WHERE id = '{line}'",
        "UPDATE core_payment SET received = 88 WHERE id = '{payment}'",
    ],
    "a statement counts the lines that it brought": [
        "UPDATE core_statement SET lines_new = 3",
    ],
    "a refund has its money out of the balance until it has failed or was cancelled": [
        "ALTER TABLE core_balanceentry DISABLE TRIGGER USER",
        "DELETE FROM core_balanceentry WHERE refund_id = '{refund}'",
    ],
    "a refund takes what is of its account and currency": [
        "ALTER TABLE core_balanceentry DISABLE TRIGGER USER",
        "UPDATE core_balanceentry SET currency = 'EUR' WHERE refund_id = '{refund}'",
    ],
    "of a payment that stands no more is refunded than was in the balance": [
        "ALTER TABLE core_balanceentry DISABLE TRIGGER USER",
        "UPDATE core_balanceentry SET amount = amount - 1 WHERE refund_id = '{refund}'",
    ],
    "a refund was approved by another person than who requested it": [
        """UPDATE core_refund SET approved_by_id = (SELECT id FROM core_user
           WHERE id NOT IN (requested_by_id, approved_by_id) LIMIT 1) WHERE id = '{refund}'""",
    ],
    "the refunds of a bank line are no more than it took": [
        """UPDATE core_refund SET status = 'settled', sent_on = now()::date, line_id = '{open_line}'
           WHERE id = '{refund}'""",
    ],
    "a payment reference has the right check character": [
        """UPDATE core_invoice SET payment_reference = left(payment_reference, 9) ||
               CASE right(payment_reference, 1) WHEN '2' THEN '3' ELSE '2' END WHERE id = '{unpaid}'""",
    ],
    "a row is of the same account as its parent": [
        "UPDATE engine_effect SET account_id = '{stranger}' WHERE object_id = '{payment}'",
    ],
    "an account's days are counted in a time zone that is known": [
        "UPDATE core_account SET time_zone = 'localtime' WHERE id = '{account}'",
    ],
}


@pytest.fixture
def keys(run_effects):
    """Of a payment that was settled, after another was."""
    payments = [PaymentFactory(), PaymentFactory()]
    for payment in payments:
        perform(payment.approve, by=StaffFactory())
        run_effects()
    over = SubscriptionFactory()
    perform_many([over.expire, over.account.expire])
    unpaid = InvoiceFactory()
    run_effects()
    open_line, line = _bank_lines(payments[1])
    return {
        "refund": _refund().pk,
        "credit_note": _credit_note().pk,
        "open_line": open_line.pk,
        "line": line.pk,
        "over": over.pk,
        "unpaid": unpaid.pk,
        "payment": payments[1].pk,
        "invoice": payments[1].invoice_id,
        "account": payments[1].account_id,
        "stranger": unpaid.account_id,
    }


def _refund():
    """Of a balance, approved."""
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory(), received=Decimal("99.00"))
    run_all()
    refund = request_refund(
        payment.account,
        amount=Decimal("10.00"),
        currency="USD",
        payee=Payee("Ann"),
        reason="overpaid",
        by=staff("request_refund").user,
    )
    perform(refund.approve, by=staff("approve_refund").user)
    return refund


def _credit_note():
    """Of an invoice that was paid, issued by another person than who wrote it."""
    payment = PaymentFactory(reference="CREDIT", reference_key="CREDIT")
    perform(payment.approve, by=StaffFactory())
    run_all()
    note = write_credit_note(payment.invoice, amount=Decimal("10.00"), reason="law", by=staff("write_credit_note").user)
    issue_credit_note(note, by=staff("issue_credit_note").user)
    run_all()
    return note


def _bank_lines(payment):
    """One that is open, and one that stands for the payment."""
    BankAccount.objects.create(name="Main", iban=IBAN, currency="USD")
    content = camt(Row("1.00", "open"), Row("89.00", "seen"), currency="USD")
    bookkeeper = staff("import_statements", "match_lines").user
    import_statement(content, name="statement.xml", by=bookkeeper)
    run_all()
    lines = list(StatementLine.objects.select_related("bank_account").order_by("row"))
    payment.refresh_from_db()
    match_line(lines[1], [Part(Decimal("89.00"), payment=payment)], by=bookkeeper)
    return lines


def found():
    with connection.cursor() as cursor:
        return list(findings(cursor))


def as_owner(*statements):
    """What no guard sees."""
    nouns = ["account", "subscription", "invoice", "payment", "creditentry", "allocation"]
    nouns += ["statementfile", "statement", "statementline", "linepayment", "refund", "document", "documentfile"]
    nouns += ["creditnote", "creditnoteline", "invoiceline"]
    tables = ["engine_transition", *(f"core_{noun}" for noun in [*nouns, "paymentmethod", "payeeversion"])]
    off, on = ([f"ALTER TABLE {table} {word} TRIGGER USER" for table in tables] for word in ("DISABLE", "ENABLE"))
    # A settlement before this, in the same transaction, set 300 ms: less than an autovacuum takes to give way.
    patient = "SET LOCAL lock_timeout = 0"
    with connection.cursor() as cursor:
        for statement in ("SET CONSTRAINTS ALL IMMEDIATE", patient, *off, *statements, *on):
            cursor.execute(statement)


def test_all_is_well_after_a_settlement(keys, capsys):
    call_command("check_invariants")

    assert capsys.readouterr().out == f"{len(invariants())} invariants hold.\n"


def test_all_is_well_with_part_payments_and_money_left_over(run_effects):
    first = PaymentFactory(amount=Decimal("50.00"))
    second = PaymentFactory(invoice=first.invoice, reference_key="2", submitted_by=first.submitted_by)
    third = PaymentFactory(invoice=first.invoice, reference_key="3", submitted_by=first.submitted_by)
    for payment in (first, second, third):
        perform(payment.approve, by=StaffFactory())
        run_effects()
    perform(PaymentFactory().reject, by=StaffFactory(), reason_code="not_received")

    assert Payment.objects.filter(status="succeeded").count() == 3
    assert found() == []


# The same laws, broken in another way.
MORE = {
    "who decided on a payment performed it": """UPDATE core_payment SET reversed_by_id = decided_by_id
                                                WHERE id = '{payment}'""",
    "an invoice demands what it was issued for": "UPDATE core_invoice SET metadata = '{{}}' WHERE id = '{unpaid}'",
    "what only grows is guarded": "ALTER TABLE django_admin_log DISABLE TRIGGER USER",
    "what stands for a bank line is no more than the line": """
        ALTER TABLE core_linepayment DROP CONSTRAINT line_payment_amount_in_range;
        UPDATE core_linepayment SET amount = -1""",
    "a bank line that is matched or returned has payments or refunds, and no other has": "DELETE FROM core_linepayment",
    "a bank line that no person decided on names its rule, and no other does": """
        UPDATE core_linepayment SET rule = 'reference and amount'""",
    "an object is where its last transition led": "UPDATE core_statementfile SET status = 'queued'",
}


@pytest.mark.guards("S18", "workflows.reporting.laws.MONEY")
@pytest.mark.parametrize("name", MORE)
def test_each_other_way_to_break_an_invariant_is_found(name, keys):
    """S18"""
    as_owner(MORE[name].format(**keys))

    assert name in {line.removeprefix("NOT SO: ").partition(": ")[0] for line in found()}


@pytest.mark.parametrize("name", MISDEEDS)
def test_each_broken_invariant_is_found(name, keys):
    as_owner(*(statement.format(**keys) for statement in MISDEEDS[name]))

    assert name in {line.removeprefix("NOT SO: ").partition(": ")[0] for line in found()}


def test_every_invariant_has_a_violating_test():
    assert set(MISDEEDS) == set(invariants())


def test_a_finding_fails_the_command_and_names_the_row(keys, capsys):
    as_owner(MISDEEDS["an account has the credits that its entries add up to"][0].format(**keys))

    with pytest.raises(CommandError, match="1 rows break an invariant"):
        call_command("check_invariants")

    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(f": account {keys['account']}, credits 999, entries 1000")


def test_the_command_writes_nothing(keys):
    before = Transition.objects.count(), Account.objects.count()

    call_command("check_invariants")

    assert (Transition.objects.count(), Account.objects.count()) == before


def test_effect_that_dies_paused_for_a_day_says_why(run_effects):
    effect = scheduled_mail()
    InvoiceFactory(subscription=SubscriptionFactory(account=Account.objects.get()))
    CircuitBreaker.objects.create(
        kind="mail.trial_started", failures=9, paused_until=database_now() + timedelta(minutes=4)
    )
    Effect.objects.update(failing_since=database_now() - timedelta(hours=25))

    run_effects()

    effect.refresh_from_db()
    assert effect.state == "dead"
    assert found() == []
