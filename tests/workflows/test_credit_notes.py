"""Credit notes: what is not demanded any more, and where what was paid of it goes."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic, set_rollback
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import (
    Allocation,
    CreditNote,
    CreditNoteLine,
    Document,
    Invoice,
    InvoiceLine,
    Payment,
    PlanPrice,
    Subscription,
)
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from engine import perform
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    PaymentMethodFactory,
    SellerVersionFactory,
    TaxRuleFactory,
)
from tests.workflows.refunds.conftest import laws_hold, staff_who
from workflows.actions import choose_plan, close_account
from workflows.actions.credit_notes import issue_credit_note, write_credit_note
from workflows.actions.invoices import void_invoice
from workflows.actions.personal import erase_person, export_person
from workflows.documents.composing.receipt import receipt_data
from workflows.documents.composing.reminder import reminder_data
from workflows.lifecycle.invoicing import issue_invoice
from workflows.mail.notifications import allocated_by, freed_by
from workflows.reporting.credit_note_laws import CREDIT_NOTES
from workflows.settlement.balances import balance_of
from workflows.tax.crediting import lines_left
from workflows.tax.templates import CGST_SGST

pytestmark = pytest.mark.django_db
WHY = "Two days without service"


@pytest.fixture
def german(db):
    TaxRuleFactory(seller_country="DE", customer_country="", category="S", rate=Decimal(19), label="VAT")
    return SellerVersionFactory(country="DE")


@pytest.fixture
def clerk(db):
    return staff_who("write_credit_note")


@pytest.fixture
def manager(db):
    return staff_who("write_credit_note", "issue_credit_note")


@pytest.fixture
def other_manager(db):
    return staff_who("issue_credit_note")


def again(row):
    return type(row).objects.get(pk=row.pk)


def sums(invoice):
    invoice = again(invoice)
    return invoice.status, invoice.credited, invoice.allocated, invoice.outstanding


def test_part_of_an_open_invoice_is_off_at_once(german, customer, manager):
    invoice = customer().invoice

    note = write_credit_note(invoice, amount=Decimal("19.00"), reason=WHY, by=manager)

    assert (note.status, note.net, note.tax, note.total) == ("applied", Decimal("15.97"), Decimal("3.03"), 19)
    assert (note.requested_by, note.issued_by, note.to_balance) == (manager, manager, 0)
    assert sums(invoice) == ("pending", 19, 0, 70)
    assert laws_hold()


def test_what_is_left_is_paid_and_gives_the_service(german, customer, manager, pay):
    signed = customer()
    write_credit_note(signed.invoice, amount=Decimal("19.00"), reason=WHY, by=manager)

    pay(again(signed.invoice), amount=Decimal("70.00"))

    assert sums(signed.invoice) == ("paid", 19, 70, 0)
    assert Subscription.objects.get().status == "active"
    assert balance_of(signed.account.pk) == {}
    assert laws_hold()


def test_paid_money_goes_to_the_balance_once_another_person_has_issued_it(active, manager, other_manager, run_effects):
    signed = active()
    note = write_credit_note(signed.invoice, amount=Decimal("30.00"), reason=WHY, by=manager)

    assert (note.status, sums(signed.invoice)) == ("draft", ("paid", 0, 89, 0))
    with pytest.raises(PermissionDenied, match="somebody else"):
        issue_credit_note(note, by=manager)
    issue_credit_note(note, by=other_manager)
    run_effects()

    note = again(note)
    assert (note.status, note.to_balance, note.issued_by) == ("applied", 30, other_manager)
    assert sums(signed.invoice) == ("paid", 30, 59, 0)
    assert balance_of(signed.account.pk) == {"USD": Decimal(30)}
    assert [line.amount for line in Allocation.objects.order_by("pk")] == [89, -89, 59]
    assert Subscription.objects.get().status == "active"
    assert laws_hold()


def test_open_part_goes_first_and_the_rest_to_the_balance(german, customer, pay, manager, other_manager):
    signed = customer()
    pay(signed.invoice, amount=Decimal("60.00"))

    note = write_credit_note(again(signed.invoice), amount=Decimal("49.00"), reason=WHY, by=manager)
    issue_credit_note(note, by=other_manager)

    assert sums(signed.invoice) == ("paid", 49, 40, 0)
    assert (again(note).to_balance, balance_of(signed.account.pk)) == (20, {"USD": Decimal(20)})
    assert laws_hold()


def test_credit_over_the_open_rest_pays_and_gives_the_service(german, customer, pay, manager, run_effects):
    signed = customer()
    pay(signed.invoice, amount=Decimal("60.00"))

    write_credit_note(again(signed.invoice), amount=Decimal("29.00"), reason=WHY, by=manager)
    run_effects()

    invoice = again(signed.invoice)
    assert (sums(invoice), invoice.began_on is not None) == (("paid", 29, 60, 0), True)
    assert Subscription.objects.get().status == "active"
    assert again(signed.account).credits == 1000
    assert laws_hold()


def test_credited_money_pays_what_is_open(active, plans, manager, other_manager, run_effects):
    signed = active()
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    note = write_credit_note(signed.invoice, amount=Decimal("30.00"), reason=WHY, by=manager)

    issue_credit_note(note, by=other_manager)
    run_effects()

    assert sums(upgrade) == ("partially_paid", 0, 30, 70)
    assert balance_of(signed.account.pk) == {}
    assert laws_hold()


def test_whole_of_a_paid_invoice_gives_all_back_and_takes_no_service(active, manager, other_manager, run_effects):
    signed = active()

    for part in ("30.00", "59.00"):
        note = write_credit_note(again(signed.invoice), amount=Decimal(part), reason=WHY, by=manager)
        issue_credit_note(note, by=other_manager)
    run_effects()

    assert sums(signed.invoice) == ("paid", 89, 0, 0)
    assert balance_of(signed.account.pk) == {"USD": Decimal(89)}
    assert Subscription.objects.get().status == "active"
    with pytest.raises(ValidationError):
        write_credit_note(again(signed.invoice), amount=Decimal("0.01"), reason=WHY, by=manager)
    assert laws_hold()


def test_reversal_of_a_payment_takes_back_what_was_credited_of_it(active, manager, other_manager, run_effects):
    signed = active()
    note = write_credit_note(signed.invoice, amount=Decimal("30.00"), reason=WHY, by=manager)
    issue_credit_note(note, by=other_manager)

    perform(Payment.objects.get().reverse, by=staff_who("reverse_payment"), reason_given="bounced")
    run_effects()

    assert sums(signed.invoice) == ("pending", 30, 0, 59)
    assert balance_of(signed.account.pk) == {}
    assert laws_hold()


def test_what_the_bank_kept_is_not_given_back(german, customer, pay, manager):
    PaymentMethodFactory(tolerance_percent=1, tolerance_max=1)
    signed = customer()
    pay(signed.invoice, amount=Decimal("88.50"))
    assert sums(signed.invoice) == ("paid", 0, Decimal("88.50"), 0)

    note = write_credit_note(again(signed.invoice), amount=Decimal("0.30"), reason=WHY, by=manager)

    invoice = again(signed.invoice)
    assert (note.status, note.to_balance) == ("applied", 0)
    assert (invoice.status, invoice.written_off, invoice.allocated) == ("paid", Decimal("0.20"), Decimal("88.50"))
    assert laws_hold()


def test_nothing_paid_and_nothing_left_is_a_void_invoice(german, customer, manager):
    invoice = customer().invoice

    with pytest.raises(Conflict, match="void the invoice"):
        write_credit_note(invoice, amount=Decimal("89.00"), reason=WHY, by=manager)

    assert CreditNote.objects.count() == 0


def test_whole_of_a_partly_paid_one_without_service_is_a_void_invoice(german, customer, pay, manager):
    signed = customer()
    pay(signed.invoice, amount=Decimal("60.00"))

    with pytest.raises(Conflict, match="has not begun"):
        write_credit_note(again(signed.invoice), amount=Decimal("89.00"), reason=WHY, by=manager)


def test_void_of_the_rest_cancels_the_rest(german, customer, manager, run_effects):
    signed = customer()
    write_credit_note(signed.invoice, amount=Decimal("19.00"), reason=WHY, by=manager)

    void_invoice(again(signed.invoice), by=staff_who("void_invoice"), reason="not wanted")
    run_effects()

    cancelled = Document.objects.get(kind="cancellation").data
    assert cancelled["totals"][-1]["value"] == "70.00 USD"
    assert [row[-1] for row in cancelled["sections"][0]["rows"]] == ["58.82 USD"]
    credited = Document.objects.get(kind="credit_note").data
    assert [total["value"] for total in credited["totals"]] == ["15.97 USD", "3.03 USD", "19.00 USD"]
    assert (signed.invoice.net, Decimal("58.82") + Decimal("15.97")) == (Decimal("74.79"), Decimal("74.79"))
    assert laws_hold()


def test_what_was_paid_for_nothing_is_not_kept_by_a_credit_note(german, customer, pay, manager, run_effects):
    signed = customer()
    pay(signed.invoice, amount=Decimal("60.00"))
    close_account(again(signed.account), by=signed.user)  # and no worker has come yet

    with pytest.raises(Conflict, match="buy nothing"):
        write_credit_note(again(signed.invoice), amount=Decimal("29.00"), reason=WHY, by=manager)
    run_effects()

    assert balance_of(signed.account.pk) == {"USD": Decimal(60)}
    assert laws_hold()


def test_upgrade_that_comes_too_late_is_not_paid_by_a_credit_note(active, plans, receive, manager, run_effects):
    signed = active()
    first = Payment.objects.get()
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    receive(upgrade, "30.00")
    perform(first.reverse, by=staff_who("reverse_payment"), reason_given="bounced")
    run_effects()

    with pytest.raises(Conflict, match="buy nothing"):
        write_credit_note(again(upgrade), amount=again(upgrade).outstanding, reason=WHY, by=manager)


def test_tolerance_is_of_what_is_demanded(german, customer, pay, manager):
    PaymentMethodFactory(tolerance_percent=5, tolerance_max=4)
    signed = customer()
    write_credit_note(signed.invoice, amount=Decimal("85.00"), reason=WHY, by=manager)

    pay(again(signed.invoice), amount=Decimal("0.01"))

    assert sums(signed.invoice) == ("partially_paid", 85, Decimal("0.01"), Decimal("3.99"))


def test_mails_and_receipts_count_what_was_paid_once(active, manager, other_manager, run_effects):
    signed = active()
    issue_credit_note(
        write_credit_note(signed.invoice, amount=Decimal("30.00"), reason=WHY, by=manager), by=other_manager
    )
    run_effects()
    payment = Payment.objects.get()

    receipt = receipt_data(payment, "en", number="RC-1", on=date(2026, 11, 29), seller=None)
    assert [row[1:] for row in receipt["sections"][0]["rows"]] == [["59.00 USD", "59.00 USD", "0.00 USD"]]
    perform(payment.reverse, by=staff_who("reverse_payment"), reason_given="bounced")
    run_effects()
    assert allocated_by(again(payment)) == 59


def test_end_of_a_plan_tells_what_was_freed_once(active, up_to_renewal, pay, manager, other_manager, run_effects):
    signed = active()
    up_to_renewal(signed)
    renewal = Invoice.objects.get(purpose="renewal")
    pay(renewal)
    note = write_credit_note(again(renewal), amount=Decimal("30.00"), reason=WHY, by=manager)
    issue_credit_note(note, by=other_manager)
    close_account(again(signed.account), by=signed.user)
    run_effects()

    assert freed_by(signed.subscription) == 59
    assert balance_of(signed.account.pk) == {"USD": Decimal(89)}
    assert laws_hold()


def test_part_taken_back_of_a_payment_ahead_is_freed_by_nobody(active, up_to_renewal, pay, run_effects):
    signed = active()
    up_to_renewal(signed)
    payment = pay(Invoice.objects.get(purpose="renewal"))
    perform(
        payment.reverse_part, by=staff_who("reverse_payment"), amount=Decimal("30.00"), reason_given="bounced in part"
    )
    run_effects()
    close_account(again(signed.account), by=signed.user)
    run_effects()

    assert freed_by(signed.subscription) == 59


def test_reminder_letter_adds_up(german, customer, manager):
    invoice = customer().invoice
    write_credit_note(invoice, amount=Decimal("19.00"), reason=WHY, by=manager)

    letter = reminder_data(again(invoice), "en", on=date(2026, 12, 29))

    assert letter["sections"][0]["rows"][0][1:] == ["70.00 USD", "0.00 USD", "70.00 USD"]


def test_nobody_is_erased_while_a_credit_note_waits(active, manager):
    signed = active()
    write_credit_note(signed.invoice, amount=Decimal("30.00"), reason=WHY, by=manager)

    with pytest.raises(Conflict, match="credit note"):
        erase_person(signed.user, by=staff_who("erase_person"), reason="asked by letter")


def test_draft_lapses_with_its_invoice(german, customer, clerk, run_effects):
    signed = customer()
    note = write_credit_note(signed.invoice, amount=Decimal("19.00"), reason=WHY, by=clerk)
    assert note.status == "draft"

    void_invoice(again(signed.invoice), by=staff_who("void_invoice"), reason="not wanted")
    run_effects()

    assert (again(note).status, again(note).ended_because) == ("cancelled", "The invoice is over")
    assert laws_hold()


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        ({"amount": Decimal("89.01")}, "89.00 USD is left"),
        ({"amount": Decimal("0.00")}, "above zero"),
        ({"amount": Decimal("-1.00")}, "above zero"),
        ({"amount": Decimal("1.001")}, "fewer digits"),
        ({"amount": Decimal("NaN")}, "above zero"),
        ({"lines": {2: Decimal("1.00")}}, "no line 2"),
        ({"lines": {1: Decimal("89.01")}}, "Of line 1, 89.00 USD is left"),
        ({"lines": {}}, "89.00 USD is left"),
        ({"lines": {1: Decimal("1.00")}, "amount": Decimal("1.00")}, "either"),
        ({}, "either"),
    ],
)
def test_wrong_amounts_are_refused_and_nothing_is_written(german, customer, manager, amounts, message):
    invoice = customer().invoice

    with pytest.raises(ValidationError) as refusal:
        write_credit_note(invoice, **amounts, reason=WHY, by=manager)

    assert message in str(refusal.value.members["errors"])
    assert CreditNote.objects.count() == CreditNoteLine.objects.count() == 0
    assert again(invoice).credited == 0


@pytest.mark.parametrize("reason", ["", " ", "x" * 201])
def test_reason_is_asked_for(german, customer, manager, reason):
    with pytest.raises(ValidationError):
        write_credit_note(customer().invoice, amount=Decimal(1), reason=reason, by=manager)


@pytest.mark.parametrize("verb", ["void", "write_off"])
def test_invoice_that_is_over_is_not_credited(german, customer, manager, verb):
    invoice = customer().invoice
    perform(getattr(invoice, verb), by=staff_who("void_invoice"), reason="over")

    with pytest.raises(WrongState):
        write_credit_note(again(invoice), amount=Decimal(1), reason=WHY, by=manager)


def test_only_one_draft_of_an_invoice_waits(german, customer, clerk, manager):
    invoice = customer().invoice
    note = write_credit_note(invoice, amount=Decimal(1), reason=WHY, by=clerk)

    with pytest.raises(Conflict, match="waits"):
        write_credit_note(invoice, amount=Decimal(1), reason=WHY, by=manager)
    perform(note.cancel, by=manager, because="no")

    assert write_credit_note(invoice, amount=Decimal(1), reason=WHY, by=manager).status == "applied"


def test_draft_over_more_than_is_left_by_now_is_not_issued(german, customer, clerk, manager):
    invoice = customer().invoice
    note = write_credit_note(invoice, amount=Decimal(50), reason=WHY, by=clerk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_invoice SET credited = 40 WHERE id = %s", [invoice.pk])

    with pytest.raises(Conflict, match="Less is left"):
        issue_credit_note(note, by=manager)

    assert again(note).status == "draft"


@pytest.mark.parametrize("duties", [[], ["void_invoice"], ["approve_refund", "adjust_credits"]])
def test_nobody_writes_without_the_right(german, customer, duties):
    with pytest.raises(PermissionDenied):
        write_credit_note(customer().invoice, amount=Decimal(1), reason=WHY, by=staff_who(*duties))


def test_who_writes_only_does_not_issue(german, customer, clerk):
    note = write_credit_note(customer().invoice, amount=Decimal(1), reason=WHY, by=clerk)

    with pytest.raises(PermissionDenied):
        issue_credit_note(note, by=clerk)
    assert again(note).status == "draft"


def test_who_belonged_to_the_account_neither_writes_nor_issues(german, customer, clerk, manager):
    signed = customer()
    former = MembershipFactory(account=signed.account).user
    former.membership.delete()
    former.user_permissions.set(manager.user_permissions.all())
    type(former).objects.filter(pk=former.pk).update(is_staff=True)
    former = again(former)
    note = write_credit_note(signed.invoice, amount=Decimal(1), reason=WHY, by=clerk)

    for attempt in (
        lambda: write_credit_note(signed.invoice, amount=Decimal(1), reason=WHY, by=former),
        lambda: issue_credit_note(note, by=former),
    ):
        with pytest.raises(PermissionDenied):
            attempt()


def test_issued_twice_it_counts_once(active, manager, other_manager):
    signed = active()
    note = write_credit_note(signed.invoice, amount=Decimal(30), reason=WHY, by=manager)
    issue_credit_note(note, by=other_manager)

    with pytest.raises(WrongState):
        issue_credit_note(note, by=other_manager)

    assert sums(signed.invoice)[1] == 30


class TestDatabase:
    """What no code of ours can do."""

    @pytest.fixture
    def draft(self, active, manager):
        signed = active()
        return write_credit_note(signed.invoice, amount=Decimal(30), reason=WHY, by=manager)

    def test_own_note_over_paid_money_is_refused(self, draft, manager):
        perform(draft.issue, by=manager, issued_on=date(2026, 11, 29))

        with pytest.raises(IntegrityError, match="credit_note_of_paid_money_by_two"), atomic():
            perform(draft.apply, to_balance=Decimal(30))

    def test_more_than_the_invoice_is_refused(self, draft, other_manager):
        CreditNoteLine.objects.create(
            credit_note=draft, position=2, description="more", net=70, amount=70, tax_category="O", tax_rate=0
        )
        draft = again(draft)

        with pytest.raises(IntegrityError, match="not the sum of its lines"), atomic():
            perform(draft.issue, by=other_manager, issued_on=date(2026, 11, 29))

    def test_more_than_a_line_is_refused(self, draft, other_manager):
        line = InvoiceLine.objects.get()
        for position, amount in ((2, 60), (3, -60)):
            CreditNoteLine.objects.create(
                credit_note=draft, invoice_line=line if amount > 0 else None, position=position, description="more",
                net=amount, amount=amount, tax_category="O", tax_rate=0,
            )  # fmt: skip

        with pytest.raises(IntegrityError, match="more than is left of a line"), atomic():
            perform(again(draft).issue, by=other_manager, issued_on=date(2026, 11, 29))

    def test_allocated_and_credited_are_no_more_than_the_total(self, draft):
        with pytest.raises(IntegrityError), atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE core_invoice SET credited = 1")

    def test_its_words_stay(self, draft):
        with pytest.raises(IntegrityError), atomic():
            CreditNote.objects.update(total=29, net=29)
        with pytest.raises(IntegrityError), atomic():
            CreditNoteLine.objects.update(net=29)
        with pytest.raises(IntegrityError), atomic():
            CreditNote.objects.all().delete()


def test_paper_names_invoice_reason_and_places_and_comes_with_the_mail(
    german, customer, pay, manager, other_manager, run_effects, mailoutbox
):
    signed = customer()
    pay(signed.invoice, amount=Decimal("60.00"))
    note = write_credit_note(again(signed.invoice), amount=Decimal("49.00"), reason=WHY, by=manager)
    issue_credit_note(note, by=other_manager)
    run_effects()

    paper = Document.objects.get(kind="credit_note")
    assert (paper.status, paper.number, paper.subject_id) == ("made", f"CN-{paper.created_at.year}-000001", note.pk)
    facts = {fact["label"]: fact["value"] for fact in paper.data["facts"]}
    assert (facts["Of invoice"], facts["Reason"]) == (again(signed.invoice).number, WHY)
    assert paper.data["notes"] == [
        "29.00 USD less is to be paid of the invoice.",
        "20.00 USD was paid already and is in your balance now.",
    ]
    mail = mailoutbox[-1]
    assert mail.subject == f"49.00 USD credited on invoice {facts['Of invoice']}"
    assert [name for name, *_ in mail.attachments] == [f"{paper.number}.pdf"]
    assert "Two days without service" in mail.body


@pytest.mark.parametrize("includes_tax", [True, False])
@pytest.mark.parametrize(("rate", "split"), [(19, []), (0, []), (18, CGST_SGST)], ids=["VAT", "none", "India"])
def test_parts_are_the_invoice_to_the_cent(customer, plans, manager, rate, split, includes_tax):
    """However it is taken apart: no part is negative, and net and tax of all are those of the invoice."""
    TaxRuleFactory(
        seller_country="DE", customer_country="", category="S" if rate else "Z", rate=Decimal(rate), parts=split
    )
    SellerVersionFactory(country="DE")
    PlanPrice.objects.filter(plan=plans["starter"]).update(includes_tax=includes_tax)
    signed = customer()

    @settings(max_examples=15, deadline=None)
    @given(cents=st.integers(200, 9999), parts=st.lists(st.integers(1, 10_000), min_size=1, max_size=5))
    def taken_apart(cents, parts):
        with atomic():
            invoice = issue_invoice(
                signed.account,
                amount=cents / Decimal(100),
                subscription=signed.subscription,
                cause=None,
                method=None,
            )
            notes = credit_parts(invoice, parts)
            check_parts(invoice, notes)
            with connection.cursor() as cursor:
                for law in CREDIT_NOTES.values():
                    cursor.execute(law)
                    assert cursor.fetchall() == []
            set_rollback(True)

    def credit_parts(invoice, parts):
        notes, refusals = [], []
        for part in parts:
            left = int(sum(each.gross for each in lines_left(invoice)) * 100)
            amount = Decimal(min(part, left - 1)) / 100  # the last cent would be a void invoice
            if amount:
                try:
                    notes.append(write_credit_note(invoice, amount=amount, reason=WHY, by=manager))
                except ValidationError as refusal:
                    refusals.append(str(refusal.members["errors"]))
        assert all("So little" in refusal for refusal in refusals)
        assert split or not refusals
        return notes

    def check_parts(invoice, notes):
        rest = lines_left(invoice)
        net, tax = (sum((getattr(note, name) for note in notes), Decimal(0)) for name in ("net", "tax"))
        assert sum(each.gross for each in rest) == invoice.total - net - tax
        assert sum(each.net for each in rest) == invoice.net - net
        assert 0 <= tax <= invoice.tax
        assert all(note.net >= 0 and note.tax >= 0 for note in notes)
        for note in notes:
            assert len({amount for _, amount in note.tax_details["taxes"][0].get("parts", [])}) <= 1

    taken_apart()


def test_owner_s_export_has_credit_notes_and_papers(german, customer, manager, run_effects):
    signed = customer()
    write_credit_note(signed.invoice, amount=Decimal(1), reason=WHY, by=manager)
    run_effects()

    held = json.loads(export_person(signed.user))

    assert [(one["total"], one["reason"]) for one in held["credit_notes"]] == [("1.0000", WHY)]
    assert [one["kind"] for one in held["documents"]] == ["invoice", "credit_note"]


def test_oldest_invoices_without_lines_are_credited_too(manager):
    invoice = InvoiceFactory()

    note = write_credit_note(invoice, amount=Decimal("19.00"), reason=WHY, by=manager)

    [line] = note.lines.all()
    assert (line.invoice_line, line.net, note.tax) == (None, 19, 0)
    assert sums(invoice) == ("pending", 19, 0, 70)


def test_line_with_what_an_upgrade_gave_back_is_credited_in_proportion(active, plans, manager):
    signed = active()
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)

    note = write_credit_note(upgrade, amount=Decimal("50.00"), reason=WHY, by=manager)

    assert [line.net for line in note.lines.all()] == [Decimal("94.50"), Decimal("-44.50")]
    assert laws_hold()
