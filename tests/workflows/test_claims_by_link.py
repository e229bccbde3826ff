"""Claims by who has a link to an invoice: who submits them, what limits them, and who may not decide."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import Invoice, InvoiceLink, Payment
from core.models.user import HOSTED_PAGE_USER
from core.problems import DuplicateClaim, NotFound, PermissionDenied, TooManyRequests, WrongState
from engine import available, perform
from engine.models import Effect, Transition
from tests.api.caller import staff
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
    UserFactory,
)
from tests.workflows.test_races import at_once
from workflows.actions import claim_by_link, claim_payment, decide_many, void_invoice
from workflows.actions.invoice_links import make_link, revoke_links
from workflows.actions.personal import erase_person, export_person
from workflows.mail.invoice_links import VALID_FOR, address_of, link_of, new_link
from workflows.periods import database_now, midnight
from workflows.reporting import review_queue
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db
PAYER = "payables@corp.example"


def token_of(link):
    return address_of(link).split("/")[-2]


def link_to(invoice, *, recipient=PAYER, by=None):
    return new_link(invoice, recipient=recipient, by=by)


def claim(link, reference="WIRE 7", amount="89.00", **told):
    method = told.pop("method", None) or PaymentMethodFactory()
    return claim_by_link(link, method=method, amount=Decimal(amount), reference=reference, **told)


def owner_of(invoice):
    return MembershipFactory(account=invoice.account).user


@pytest.fixture
def invoice():
    return InvoiceFactory()


@pytest.fixture
def link(invoice):
    return link_to(invoice)


# Links


def test_link_holds_until_ninety_days_after_the_due_date(invoice, clock):
    due = midnight(invoice.due_on, invoice.account.time_zone)

    link = link_to(invoice)

    assert link.expires_at == due + VALID_FOR
    clock.advance(days=96)
    assert link_of(token_of(link)) == link
    clock.advance(days=2)
    assert link_of(token_of(link)) is None


def test_link_of_an_overdue_invoice_holds_for_ninety_days(invoice, clock):
    clock.advance(days=200)

    link = link_to(invoice)

    assert link.expires_at - database_now() == VALID_FOR


def test_token_of_another_purpose_or_row_is_no_link(link):
    token = token_of(link)
    key, _, signature = token.partition(".")

    assert link_of(token) == link
    for forged in (
        "",
        key,
        f"{key}.",
        f"{key[:-1]}{'1' if key.endswith('0') else '0'}.{signature}",
        f"{token}x",
        token[:-1],
        f"{key}:{signature}",
        "é.ü",
    ):
        assert link_of(forged) is None, forged


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_owner_and_admin_make_links_and_revoke_them(invoice, role):
    person = MembershipFactory(account=invoice.account, role=role).user

    link = make_link(invoice, recipient=" Payables@Corp.EXAMPLE", by=person)

    assert (link.recipient, link.created_by) == (PAYER, person)
    assert link_of(token_of(link)) == link
    assert revoke_links(invoice, by=person) == 1
    assert link_of(token_of(link)) is None
    link.refresh_from_db()
    assert link.revoked_by == person
    assert revoke_links(invoice, by=person) == 0


def test_nobody_else_makes_or_revokes_links(invoice, link):
    others = [
        MembershipFactory(account=invoice.account, role="member").user,
        MembershipFactory(account=invoice.account, role="viewer").user,
        MembershipFactory().user,
        UserFactory(is_staff=True),
        UserFactory(is_staff=True, is_superuser=True),
    ]

    for person in others:
        with pytest.raises(PermissionDenied):
            make_link(invoice, by=person)
        with pytest.raises(PermissionDenied):
            revoke_links(invoice, by=person)

    assert link_of(token_of(link)) == link


def test_revoking_ends_the_links_of_one_invoice_and_also_those_in_mails(invoice, link):
    other = link_to(InvoiceFactory(account=invoice.account, subscription=invoice.subscription))
    owner = owner_of(invoice)
    make_link(invoice, by=owner)

    assert revoke_links(invoice, by=owner) == 2

    assert link_of(token_of(link)) is None
    assert link_of(token_of(other)) == other


def test_no_link_is_made_to_an_invoice_that_nobody_is_to_pay(invoice):
    owner = owner_of(invoice)
    perform(invoice.lapse)

    with pytest.raises(WrongState):
        make_link(invoice, by=owner)
    assert not InvoiceLink.objects.exists()


def test_links_are_made_so_often_a_day(invoice, settings):
    settings.ACCOUNT_LIMITS = {"link": (2, timedelta(days=1))}
    owner = owner_of(invoice)
    for _ in range(2):
        make_link(invoice, by=owner)

    with pytest.raises(TooManyRequests):
        make_link(invoice, by=owner)
    assert InvoiceLink.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        "invoice_id = gen_random_uuid()",
        "recipient = 'else@corp.example'",
        "created_by_id = gen_random_uuid()",
        "expires_at = expires_at + interval '1 day'",
    ],
)
def test_link_is_frozen(link, change):
    with pytest.raises(IntegrityError, match="stays as it is"), atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_invoicelink SET {change}")


def test_revoked_link_is_not_opened_again(link):
    InvoiceLink.objects.update(revoked_at=database_now())

    with pytest.raises(IntegrityError, match="revoked_at stays"), atomic():
        InvoiceLink.objects.update(revoked_at=None)


def test_link_is_not_deleted(link):
    with pytest.raises(IntegrityError, match="has a history"), atomic():
        link.delete()


# Claims


def test_claim_by_link_is_submitted_by_the_hosted_page_and_names_the_link(invoice, link):
    payment = claim(link, payer_name="Corp Ltd")

    payment = Payment.objects.get(pk=payment.pk)
    assert (payment.submitted_by.email, payment.claimed_by_link, payment.account) == (
        HOSTED_PAGE_USER,
        link,
        invoice.account,
    )
    assert (payment.status, payment.amount, payment.currency) == ("pending_approval", Decimal(89), "USD")
    assert payment.payer_name == "Corp Ltd"
    begin = Transition.objects.get(machine="payment", object_id=payment.pk)
    assert (begin.actor, begin.inputs["link"]) == (payment.submitted_by, str(link.pk))
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_claim_of_a_member_names_no_link(invoice, link):
    payment = claim_payment(
        invoice=invoice,
        method=PaymentMethodFactory(),
        amount=Decimal(89),
        currency="USD",
        reference="A1",
        by=owner_of(invoice),
    )

    assert not payment.is_by_link
    assert "link" not in Transition.objects.get(machine="payment", object_id=payment.pk).inputs


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_no_claim_by_a_link_that_has_ended(invoice, link, end, clock):
    if end == "revoked":
        revoke_links(invoice, by=owner_of(invoice))
    else:
        clock.advance(days=100)

    with pytest.raises(NotFound):
        claim(link)
    assert not Payment.objects.exists()


def test_no_claim_by_link_of_an_invoice_that_is_closed(invoice, link):
    void_invoice(invoice, by=staff("void_invoice").user)

    with pytest.raises(WrongState):
        claim(link)


def test_members_and_links_share_three_undecided_claims_of_an_invoice(invoice, link):
    owner, method = owner_of(invoice), PaymentMethodFactory()
    first = claim_payment(invoice=invoice, method=method, amount=Decimal(89), currency="USD", reference="A0", by=owner)
    claim(link, "A1")
    claim(link_to(invoice, recipient=""), "A2")

    with pytest.raises(DuplicateClaim) as refused:
        claim(link, "A3")

    assert refused.value.members == {"payment_id": str(first.pk)}
    assert list(Payment.objects.order_by("pk").values_list("is_further", flat=True)) == [False, True, True]


def test_members_and_links_share_ten_undecided_claims_of_an_account(invoice):
    more = [InvoiceFactory(account=invoice.account, subscription=invoice.subscription) for _ in range(10)]
    owner, method = owner_of(invoice), PaymentMethodFactory()
    for number, each in enumerate(more):
        claim_payment(invoice=each, method=method, amount=Decimal(89), currency="USD", reference=f"R{number}", by=owner)

    with pytest.raises(DuplicateClaim, match="10 of your payments"):
        claim(link_to(invoice))


def test_claims_by_link_count_among_those_of_the_account_in_a_day(link, settings):
    settings.ACCOUNT_LIMITS = {"claim": (1, timedelta(days=1))}
    claim(link, "A1")

    with pytest.raises(TooManyRequests):
        claim(link, "A2")


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_by_link_at_once_three_are_accepted():
    link, method = link_to(InvoiceFactory()), PaymentMethodFactory()

    outcomes = at_once(*(lambda n=n: claim(link, f"R{n}", method=method) for n in range(6)))

    assert len([each for each in outcomes if isinstance(each, Payment)]) == Payment.objects.count() == 3
    assert len([each for each in outcomes if isinstance(each, DuplicateClaim)]) == 3


def test_owner_withdraws_what_was_claimed_by_link(invoice, link):
    payment = claim(link)

    perform(payment.withdraw, by=owner_of(invoice))

    assert payment.status == "cancelled"


def test_link_of_a_payment_is_of_its_invoice():
    link, payment = link_to(InvoiceFactory()), PaymentFactory()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE core_payment DISABLE TRIGGER payment_link_frozen")

    with pytest.raises(IntegrityError, match="payment_claimed_by_link"), atomic():
        Payment.objects.filter(pk=payment.pk).update(claimed_by_link=link)


def test_link_of_a_payment_is_frozen(link):
    payment = claim(link)

    with pytest.raises(IntegrityError, match="claimed_by_link_id is frozen"), atomic():
        Payment.objects.filter(pk=payment.pk).update(claimed_by_link=None)


def test_approved_claim_by_link_pays_the_invoice_and_is_mailed_to_the_account(invoice, link, run_effects, mailoutbox):
    payment = claim(link)
    run_effects()
    mailoutbox.clear()

    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert Invoice.objects.get(pk=invoice.pk).status == "paid"
    assert [mail.to for mail in mailoutbox] == [[invoice.account.billing_email]]
    assert mailoutbox[0].extra_headers["X-Countersign-Kind"] == "payment_approved"


def test_rejected_claim_by_link_is_mailed_to_the_account_alone(invoice, link, run_effects, mailoutbox):
    payment = claim(link)
    run_effects()
    mailoutbox.clear()

    perform(payment.reject, by=StaffFactory(), reason_code="not_received")
    run_effects()

    assert [mail.to for mail in mailoutbox] == [[invoice.account.billing_email]]
    assert payment.status == "failed"


# Four eyes


@pytest.fixture
def by_staff(invoice):
    """A payment that was claimed by a link of a member of the staff, and that person."""
    maker = StaffFactory()
    return claim(make_link(invoice, recipient=PAYER, by=maker)), maker


@pytest.mark.parametrize(("verb", "inputs"), [("approve", {}), ("reject", {"reason_code": "other"})])
def test_maker_of_a_link_decides_on_nothing_that_was_claimed_by_it(by_staff, verb, inputs):
    payment, maker = by_staff

    with pytest.raises(PermissionDenied):
        perform(getattr(payment, verb), by=maker, **inputs)

    assert available(payment, maker) == []
    perform(getattr(payment, verb), by=StaffFactory(), **inputs)


def test_maker_of_a_link_decides_on_nothing_that_was_claimed_by_it_in_bulk(by_staff):
    payment, maker = by_staff

    outcomes = dict(decide_many([payment.pk], "approve", by=maker))

    assert isinstance(outcomes[payment.pk], PermissionDenied)


@pytest.mark.guards("self", "payment_link_maker_apart")
@pytest.mark.parametrize(("verb", "inputs"), [("approve", {}), ("reject", {"reason_code": "other"})])
def test_database_refuses_a_decision_by_the_maker_of_the_link(by_staff, verb, inputs, monkeypatch):
    """self"""
    payment, maker = by_staff
    monkeypatch.setattr(Payment, "is_submitted_by", lambda *_: False)

    with pytest.raises(IntegrityError, match="made the link"), atomic():
        perform(getattr(payment, verb), by=maker, **inputs)


@pytest.mark.guards("self", "payment_link_maker_apart")
def test_database_refuses_a_reversal_by_the_maker_of_the_link(invoice, run_effects, monkeypatch):
    """self"""
    maker = staff("review_payment", "reverse_payment").user
    payment = claim(make_link(invoice, by=maker))
    perform(payment.approve, by=StaffFactory())
    run_effects()
    payment.refresh_from_db()
    with pytest.raises(PermissionDenied):
        perform(payment.reverse, by=maker, reason_given="bounced")
    monkeypatch.setattr(Payment, "is_submitted_by", lambda *_: False)

    with pytest.raises(IntegrityError, match="made the link"), atomic():
        perform(payment.reverse, by=maker, reason_given="bounced")


def test_who_made_another_link_of_the_invoice_decides(invoice, link):
    other = StaffFactory()
    make_link(invoice, by=other)

    perform(claim(link).approve, by=other)


def test_hosted_page_has_no_right_to_decide(link):
    payment = claim(link)

    with pytest.raises(PermissionDenied):
        perform(payment.approve, by=payment.submitted_by)


# What reviewers see


def test_claim_by_link_bears_a_sign_with_its_recipient(invoice, link):
    named, unnamed = claim(link, "A1"), claim(link_to(invoice, recipient=""), "B2")

    signs = {row.id: [flag.words for flag in row.flags] for row in review_queue.queue()}

    assert f"By link, for {PAYER}" in signs[named.pk]
    assert "By link, for somebody who is not named" in signs[unnamed.pk]


def test_reviewers_are_mailed_that_a_claim_came_by_link(link, run_effects, mailoutbox):
    claim(link)

    run_effects()

    assert f"By link, for: {PAYER}" in told(mailoutbox, "payment_submitted").body


def test_claim_of_a_member_bears_no_sign_of_a_link():
    PaymentFactory()

    [row] = review_queue.queue()

    assert not [flag for flag in row.flags if "link" in flag.words]


# Mails


def mails(mailoutbox, kind):
    return [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == kind]


def told(mailoutbox, kind):
    [mail] = mails(mailoutbox, kind)
    return mail


def test_invoice_is_mailed_with_a_link_to_its_proved_billing_address(run_effects, mailoutbox, settings):
    settings.PUBLIC_URL = "https://pay.example"
    invoice = InvoiceFactory()

    run_effects()

    [link] = InvoiceLink.objects.all()
    assert (link.invoice, link.recipient, link.created_by) == (invoice, invoice.account.billing_email, None)
    mail = told(mailoutbox, "invoice_issued")
    assert f"Pay without signing in (https://pay.example/i/{token_of(link)}/)" in mail.body
    assert address_of(link) in mail.alternatives[0][0]


def test_reminder_carries_the_link_of_the_invoice_s_mail_again(run_effects, mailoutbox, clock):
    invoice = InvoiceFactory()
    run_effects()
    [link] = InvoiceLink.objects.all()
    mailoutbox.clear()

    clock.advance(days=8)
    run_effects()

    reminders = mails(mailoutbox, "invoice_reminder")
    assert reminders
    assert all(address_of(link) in mail.body for mail in reminders)
    assert [each.invoice for each in InvoiceLink.objects.all()] == [invoice]


def test_mail_after_a_revocation_carries_a_new_link(run_effects, mailoutbox, clock):
    invoice = InvoiceFactory()
    run_effects()
    revoke_links(invoice, by=owner_of(invoice))
    mailoutbox.clear()

    clock.advance(days=8)
    run_effects()

    assert InvoiceLink.objects.count() == 2
    new = address_of(InvoiceLink.objects.open().get())
    assert all(new in mail.body for mail in mails(mailoutbox, "invoice_reminder"))


def test_mail_to_an_address_that_is_not_proved_carries_no_link(run_effects, mailoutbox):
    """The hosted page shows what the sender typed."""
    account = AccountFactory(proved_at=None, proved_email="", name="Words of the sender")
    InvoiceFactory(subscription__account=account)

    run_effects()

    mail = told(mailoutbox, "invoice_issued")
    assert mail.to == [account.billing_email]
    assert "/i/" not in mail.body + mail.alternatives[0][0]
    assert not InvoiceLink.objects.exists()


def test_mail_to_owners_instead_of_a_billing_address_carries_no_link(run_effects, mailoutbox):
    account = AccountFactory(billing_email="", proved_email="")
    MembershipFactory(account=account)
    InvoiceFactory(subscription__account=account)

    run_effects()

    assert "/i/" not in told(mailoutbox, "invoice_issued").body
    assert not InvoiceLink.objects.exists()


def test_mail_that_is_shown_again_to_operators_has_no_link(run_effects, mailoutbox, client):
    InvoiceFactory()
    run_effects()
    effect = Effect.objects.get(kind="mail.invoice_issued")
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    page = client.get(f"/admin/mails/effect/{effect.pk}/html/").content.decode()

    assert "due on" in page
    assert "/i/" not in page
    assert InvoiceLink.objects.count() == 1


# A person's data


@pytest.fixture
def officer():
    return staff("erase_person", "manage_accounts").user


def test_recipients_and_claims_by_link_are_in_the_export_of_the_owner(invoice, link):
    claim(link, payer_name="Ann Payer")
    owner = owner_of(invoice)

    held = json.loads(export_person(owner))

    assert [(each["invoice__number"], each["recipient"]) for each in held["links"]] == [(invoice.number, PAYER)]
    assert [each["payer_name"] for each in held["claims"]] == ["Ann Payer"]
    member = MembershipFactory(account=invoice.account, role="member").user
    told_to_a_member = json.loads(export_person(member))
    assert told_to_a_member["links"] == told_to_a_member["claims"] == []


def test_links_end_and_are_blanked_with_the_last_person_of_an_account(invoice, link, officer):
    owner = owner_of(invoice)
    payment = claim(link, notes="from my aunt", payer_name="Ann Payer")
    perform(payment.reject, by=StaffFactory(), reason_code="other")

    changed = erase_person(owner, by=officer, reason="asked")

    link.refresh_from_db()
    payment.refresh_from_db()
    assert (changed["links"], link.recipient, link_of(token_of(link))) == (1, "", None)
    assert (payment.notes, payment.payer_name, payment.reference) == ("", "", "WIRE 7")


def test_links_to_an_address_are_blanked_with_its_proved_person(invoice, link, officer):
    kept = link_to(invoice, recipient="else@corp.example")
    person = UserFactory(email=PAYER.upper(), email_verified_at=database_now())
    MembershipFactory(user=person)

    assert [each["recipient"] for each in json.loads(export_person(person))["links"]] == [PAYER]
    assert erase_person(person, by=officer, reason="asked")["links"] == 1

    link.refresh_from_db()
    kept.refresh_from_db()
    assert (link.recipient, link_of(token_of(link))) == ("", None)
    assert (kept.recipient, link_of(token_of(kept))) == ("else@corp.example", kept)


def test_who_has_not_proved_an_address_reaches_no_link_to_it(invoice, link, officer):
    person = MembershipFactory(user=UserFactory(email=PAYER)).user

    assert json.loads(export_person(person))["links"] == []
    assert erase_person(person, by=officer, reason="asked")["links"] == 0
    link.refresh_from_db()
    assert link.recipient == PAYER
