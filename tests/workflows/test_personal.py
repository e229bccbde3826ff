"""What is held about a person, and what is left when it is to be forgotten: `workflows.actions.personal`."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from knox.models import AuthToken

from core.models import (
    Account,
    CreditEntry,
    Industry,
    Invoice,
    KeyedAnswer,
    Membership,
    PaymentMethod,
    Site,
    Transition,
    User,
)
from core.problems import Conflict, PermissionDenied
from tests.api.conftest import Caller
from tests.factories import (
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
)
from workflows.actions import claim_payment, sign_up
from workflows.actions.people import ask_for_password_reset
from workflows.actions.personal import erase_person, export_person
from workflows.engine import perform
from workflows.engine.purge import purge
from workflows.invariants import findings
from workflows.periods import database_now

pytestmark = pytest.mark.django_db

EMAIL = "Ann.Smith@acme.test"
BILLS = "bills@acme.test"
BILLING = {
    "billing_email": BILLS,
    "address_line1": "7 Elm Road",
    "address_line2": "",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "country": "US",
    "tax_id": "12-3456789",
}
OF_HERS = (
    "ann.smith",
    "bills@acme",
    "elm road",
    "12-3456789",
    "ann's slip",
    "files.acme.test/slip",
    "acme and daughters",
)


@pytest.fixture
def officer():
    user = UserFactory(email="officer@house.test", is_staff=True)
    names = ["erase_person", "manage_accounts"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label="core"))
    return user


@pytest.fixture
def ann(run_effects, mailoutbox):
    """Somebody who signed up, paid, was activated, was sent mails and asked for a password."""
    PaymentMethodFactory()
    signed_up = sign_up(
        email=EMAIL,
        password="correct horse battery",
        account_name="Acme and Daughters",
        plan=PlanFactory(),
        currency="USD",
        billing=BILLING,
        payment_method=PaymentMethod.objects.get(),
    )
    payment = claim_payment(
        invoice=signed_up.invoice,
        method=PaymentMethod.objects.get(),
        amount=Decimal("89.00"),
        currency="USD",
        reference="WIRE 42",
        by=signed_up.user,
        notes="Ann's slip",
        proof_url="https://files.acme.test/slip.png",
        payer_name="Ann Smith",
    )
    ask_for_password_reset(EMAIL)
    perform(payment.approve, by=StaffFactory())
    run_effects()
    signed_up.user.name = "Ann Smith"
    signed_up.user.save(update_fields=["name"])
    KeyedAnswer.objects.create(
        scope="address:203.0.113.9", key="k", fingerprint="f", status=201, content_type="", body=EMAIL.lower().encode()
    )
    about = {"user": StaffFactory(), "content_type": ContentType.objects.get_for_model(Membership), "action_flag": 2}
    LogEntry.objects.create(object_id="1", object_repr=f"{EMAIL} in Acme and Daughters", **about)
    LogEntry.objects.create(object_id="2", object_repr="x", change_message=f'[{{"name": "{EMAIL}"}}]', **about)
    Site.objects.create(account=signed_up.account, name="Elm Road Shop", industry=Industry.objects.create(name="Shops"))
    return User.objects.get(pk=signed_up.user.pk)


def tables_that_say(*words, but=()):
    """(table, word) for each of our tables with one of these words somewhere in a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = set()
        for (table,) in cursor.fetchall():
            for word in words:
                cursor.execute(
                    f"""SELECT count(*) FROM {table} AS row WHERE position(%s IN lower(row::text)) > 0
                        OR position(encode(convert_to(%s, 'UTF8'), 'hex') IN lower(row::text)) > 0""",
                    [word, word],
                )
                if cursor.fetchone()[0]:
                    found.add((table, word))
    return {(table, word) for table, word in found if table not in but}


def test_what_is_held_is_told_whole(ann, capsys, client):
    AuthToken.objects.create(ann)
    client.force_login(ann)

    call_command("export_person", "ann.smith@ACME.test")
    told = json.loads(capsys.readouterr().out)

    assert told["person"]["email"] == EMAIL
    assert told["account"]["tax_id"] == "12-3456789"
    assert told["membership"] == [{"account_id": told["account"]["id"], "role": "owner"}]
    assert told["invoices"][0]["metadata"]["billing_snapshot"]["address_line1"] == "7 Elm Road"
    assert (told["claims"][0]["reference"], told["claims"][0]["payer_name"]) == ("WIRE 42", "Ann Smith")
    assert {mail["kind"] for mail in told["mails"]} >= {"invoice_issued", "payment_approved", "password_reset"}
    assert len(told["tokens"]) == len(told["sessions"]) == 1
    assert "password" not in told["person"]
    assert "digest" not in told["tokens"][0]
    assert set(told["sessions"][0]) == {"began_at", "expire_date", "browser"}


def test_a_member_is_told_nothing_of_the_owners_details(ann):
    member = MembershipFactory(account=ann.membership.account, role="member").user

    told = json.loads(export_person(member))

    assert told["account"] is None
    assert told["invoices"] == told["claims"] == told["mails"] == []


def test_who_is_erased_is_found_nowhere_but_where_the_books_must_keep_it(ann, officer, run_effects, mailoutbox):
    assert {word for _, word in tables_that_say(*OF_HERS)} == set(OF_HERS)

    changed = erase_person(ann, by=officer, reason="asked by letter")
    run_effects()

    assert changed["mails"] >= 3
    assert changed["answers"] == 1
    # An issued invoice and the step that issued it, and the name of who paid.
    left = tables_that_say(*OF_HERS)
    assert {table for table, _ in left} <= {"core_invoice", "core_transition", "core_payment"}
    assert not {word for _, word in left} & {"ann's slip", "files.acme.test/slip"}
    assert ("core_payment", "ann.smith") not in left
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_what_happened_stays_explained(ann, officer, run_effects, mailoutbox):
    account = ann.membership.account
    before = Transition.objects.filter(account_id=account.pk).count(), CreditEntry.objects.count()

    erase_person(ann, by=officer, reason="asked by letter")
    run_effects()

    account = Account.objects.get(pk=account.pk)
    assert (account.status, account.name, account.billing_email) == ("closed", "Erased", "")
    close = Transition.objects.get(name="close")
    assert (close.actor, close.reason) == (officer, "asked by letter")
    steps, entries = Transition.objects.filter(account_id=account.pk).count(), CreditEntry.objects.count()
    assert steps > before[0]
    assert entries >= before[1]
    invoice = Invoice.objects.get(account=account, status="paid")
    assert invoice.metadata["billing_snapshot"]["address_line1"] == "7 Elm Road"
    assert invoice.payments.get().payer_name == "Ann Smith"
    log = LogEntry.objects.latest("id")
    assert (log.user, log.change_message) == (officer, "Erased: asked by letter")
    assert log.object_repr.endswith("@erased.invalid")


def test_nobody_is_told_of_it_and_no_operator_is_alarmed(ann, officer, run_effects, mailoutbox):
    mailoutbox.clear()

    erase_person(ann, by=officer, reason="asked by letter")
    run_effects()

    assert [mail.to for mail in mailoutbox] == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, last_error FROM audit.effects WHERE state = 'dead'")
        assert cursor.fetchall() == []


def test_who_is_erased_is_signed_out_and_stays_out(ann, officer):
    caller = Caller(ann)

    erase_person(ann, by=officer, reason="asked by letter")

    assert caller.get("auth/me/").status_code == 401
    assert not AuthToken.objects.filter(user=ann).exists()
    ann.refresh_from_db()
    assert (ann.is_active, ann.has_usable_password(), ann.name) == (False, False, "")
    assert Caller().post("auth/login/", {"email": EMAIL, "password": "correct horse battery"}).status_code == 401


def test_the_address_is_free_again(ann, officer):
    erase_person(ann, by=officer, reason="asked by letter")

    assert User.objects.create_user(EMAIL, "correct horse battery").pk != ann.pk


def test_one_of_many_leaves_the_account_alone(ann, officer):
    account = ann.membership.account
    other = MembershipFactory(account=account, role="owner")

    erase_person(ann, by=officer, reason="asked by letter")

    account.refresh_from_db()
    assert (account.status, account.name, account.billing_email) == ("active", "Acme and Daughters", BILLS)
    assert list(Membership.objects.all()) == [other]


def test_an_account_keeps_an_owner(ann, officer):
    MembershipFactory(account=ann.membership.account, role="member")

    with pytest.raises(Conflict, match="must own it first"):
        erase_person(ann, by=officer, reason="asked by letter")

    ann.refresh_from_db()
    assert ann.email == EMAIL


def test_money_in_review_is_seen_to_first(ann, officer):
    account = ann.membership.account
    PaymentFactory(invoice__subscription__account=account, submitted_by=ann, reference="B", reference_key="B")

    with pytest.raises(Conflict, match="waits to be decided"):
        erase_person(ann, by=officer, reason="asked by letter")


def test_only_who_was_given_it_erases(ann):
    with pytest.raises(PermissionDenied):
        erase_person(ann, by=StaffFactory(is_superuser=True), reason="asked by letter")


def test_said_again_after_a_restore_it_does_it_again_by_the_id(ann, officer, capsys):
    call_command("erase_person", EMAIL, by=officer.email, reason="asked by letter")
    said = capsys.readouterr().out
    assert str(ann.pk) in said

    call_command("erase_person", str(ann.pk), by=officer.email, reason="restored")

    assert "mails 0, answers 0, claims 0, memberships 0" in capsys.readouterr().out
    with pytest.raises(CommandError, match="nobody known"):
        call_command("erase_person", EMAIL, by=officer.email, reason="again")


def test_a_purge_after_it_finds_nothing_in_its_way(ann, officer, run_effects, mailoutbox):
    erase_person(ann, by=officer, reason="asked by letter")
    run_effects()

    assert purge(database_now() + timedelta(minutes=1)) > 0
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []
