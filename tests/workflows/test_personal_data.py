from __future__ import annotations

import json
from collections import Counter
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
    IdempotentResponse,
    Industry,
    Invoice,
    Membership,
    PaymentMethod,
    Site,
    User,
)
from core.problems import Conflict, PermissionDenied
from engine import perform
from engine.models import Effect, Transition
from engine.purge import purge
from tests.api.conftest import Caller
from tests.factories import (
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
)
from workflows.actions import change_account, claim_payment, sign_up
from workflows.actions.people import ask_for_password_reset
from workflows.actions.personal import erase_person, export_person
from workflows.periods import database_now
from workflows.reporting.invariants import findings

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
    user = UserFactory(email="officer@example.test", is_staff=True)
    names = ["erase_person", "manage_accounts"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label="core"))
    return user


def log_of(row, name, change_message=""):
    return LogEntry.objects.create(
        user=StaffFactory(),
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=name,
        change_message=change_message,
        action_flag=2,
    )


@pytest.fixture
def ann(run_effects, mailoutbox):
    """Somebody who signed up, paid, was activated, was sent mails and asked for a password."""
    PaymentMethodFactory()
    signed_up = sign_up(
        email=EMAIL,
        password="correct horse battery",
        account_name="Acme and Daughters",
        plan=PlanFactory().code,
        currency="USD",
        billing=BILLING,
        payment_method=PaymentMethod.objects.get().code,
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
    IdempotentResponse.objects.create(
        scope="address:203.0.113.9",
        key="k",
        fingerprint="f",
        status=201,
        content_type="",
        body=f'{{"user":{{"id":"{signed_up.user.pk}","email":"{EMAIL}"}}}}'.encode(),
    )
    member = signed_up.user.membership
    log_of(member, f"{EMAIL} in Acme and Daughters")
    log_of(signed_up.user, EMAIL, f'[{{"changed": {{"name": "membership", "object": "{EMAIL} in Acme"}}}}]')
    log_of(signed_up.account, "Acme and Daughters")
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


def test_export_holds_all_personal_data(ann, capsys, client):
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


def test_erased_user_is_found_only_in_the_books(ann, officer, run_effects, mailoutbox):
    assert {word for _, word in tables_that_say(*OF_HERS)} == set(OF_HERS)

    changed = erase_person(ann, by=officer, reason="asked by letter")
    run_effects()

    assert changed["mails"] >= 3
    assert changed["answers"] == 1
    # An issued invoice, its paper and the step that issued it, and the name of who paid.
    left = tables_that_say(*OF_HERS)
    assert {table for table, _ in left} <= {"core_invoice", "core_document", "engine_transition", "core_payment"}
    assert not {word for _, word in left} & {"ann's slip", "files.acme.test/slip"}
    assert ("core_payment", "ann.smith") not in left
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_history_stays_readable_after_erasure(ann, officer, run_effects, mailoutbox):
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


def test_erasure_sends_no_mail_and_no_alert(ann, officer, run_effects, mailoutbox):
    mailoutbox.clear()

    erase_person(ann, by=officer, reason="asked by letter")
    run_effects()

    assert [mail.to for mail in mailoutbox] == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, last_error FROM audit.effects WHERE state = 'dead'")
        assert cursor.fetchall() == []


def test_erased_user_is_signed_out_for_good(ann, officer):
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


def test_erasing_one_of_several_members_leaves_the_account_alone(ann, officer):
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


def test_erasing_needs_the_permission(ann):
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


# Whose rows are whose: S8 of the security review.

LETTERS = [*"abcdefghijklmnopqrstuvwxyz", "changed"]


def every_row():
    """(table, row as JSON) for each row of each of our tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT to_jsonb(line)::text FROM {table} AS line")
            found += [(table, row) for (row,) in cursor.fetchall()]
    return Counter(found)


def newcomer_called(name, **billing):
    """Somebody who signed up for nothing, with that name for all that they may name."""
    return sign_up(
        email=f"{name}@newcomer.test",
        password="correct horse battery",
        account_name=name,
        plan=PlanFactory(code="free", price=0).code,
        currency="USD",
        billing=dict.fromkeys(BILLING, "") | billing,
    ).user


@pytest.mark.guards("S8", "workflows.actions.personal._rows_of")
def test_person_with_any_short_name_is_erased_and_no_row_of_another_changes(ann, officer, run_effects, mailoutbox):
    """S8: the admin's log, mails and kept answers of others hold each of these names somewhere."""
    PlanFactory(code="free", price=0)
    log_of(PaymentMethod.objects.get(), "US bank", '[{"changed": {"fields": ["Account name", "Instructions"]}}]')
    log_of(officer, officer.email, '[{"changed": {"fields": ["Superuser status"]}}]')
    before = every_row()
    people = [newcomer_called(name) for name in LETTERS]
    run_effects()
    others = before & every_row()
    assert sum(others.values()) > 300

    for person in people:
        erase_person(person, by=officer, reason="asked by letter")

    assert not others - every_row()
    assert not User.objects.filter(email__contains="newcomer.test").exists()
    assert not Account.objects.filter(name__in=LETTERS).exists()


@pytest.mark.guards("S8", "workflows.mail.sent_mails._theirs")
@pytest.mark.parametrize("theirs", [BILLS, EMAIL], ids=["billing address", "log-in"])
def test_billing_address_of_another_reaches_none_of_their_mails(ann, theirs, officer, run_effects, mailoutbox):
    """S8: a newcomer bills their account to another customer, and asks for what is held, then to be forgotten."""
    User.objects.filter(pk=ann.pk).update(email_verified_at=database_now())
    newcomer = newcomer_called("e", billing_email=theirs)
    run_effects()
    others = every_row()
    asked = {mail["recipient"] for mail in json.loads(export_person(newcomer))["mails"]}

    erase_person(newcomer, by=officer, reason="asked by letter")

    assert asked <= {"e@newcomer.test", theirs.lower() if theirs == BILLS else None}
    changed = {table for table, _ in others - every_row()}
    own = {"core_account", "core_ratelimitbucket", "engine_effect", "core_membership", "core_user", "engine_transition"}
    assert changed <= own
    for address in (BILLS, EMAIL):
        assert Effect.objects.filter(account_id=ann.membership.account_id, outcome__recipients=[address]).exists()
    told = json.loads(export_person(User.objects.get(pk=ann.pk)))
    assert {mail["recipient"] for mail in told["mails"]} == {EMAIL, BILLS}


@pytest.mark.guards("S8", "workflows.mail.sent_mails._billed")
def test_mails_to_a_former_billing_address_are_told_and_forgotten(ann, officer, run_effects, mailoutbox):
    """S8: the address of before stood in what was mailed, for ever."""
    change_account(ann.membership.account, by=ann, billing_email="new.bills@acme.test")
    run_effects()

    told = json.loads(export_person(User.objects.get(pk=ann.pk)))
    erase_person(ann, by=officer, reason="asked by letter")

    assert BILLS in {mail["recipient"] for mail in told["mails"]}
    assert not tables_that_say("bills@acme") & {("engine_effect", "bills@acme")}


def test_mails_of_an_account_to_a_former_log_in_are_forgotten(ann, officer):
    """S8: staff changed the address; the mails of before went to the old one."""
    ann.email = "ann@new.test"
    ann.save()

    erase_person(ann, by=officer, reason="asked by letter")

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT recipient FROM audit.mails JOIN engine_effect ON id = effect_id WHERE account_id = %s",
            [Account.objects.get(name="Erased").pk],
        )
        left = {row[0] for row in cursor.fetchall()}
    assert not {address for address in left if "acme.test" in address}


def test_proved_address_is_forgotten_in_mails_of_other_accounts(ann, officer, run_effects, mailoutbox):
    """S8: whose reader has shown that it is theirs is forgotten wherever it was written to."""
    User.objects.filter(pk=ann.pk).update(email_verified_at=database_now())
    newcomer = newcomer_called("e", billing_email=EMAIL)
    account = Account.objects.get(memberships__user=newcomer)
    Effect.objects.create(
        account_id=account.pk,
        key="of-another",
        kind="mail.invoice_issued",
        lane="outward",
        state="done",
        outcome={"kind": "invoice_issued", "message_id": "<1@x>", "recipients": [EMAIL, "x@newcomer.test"]},
    )

    erase_person(User.objects.get(pk=ann.pk), by=officer, reason="asked by letter")

    recipients = Effect.objects.get(key="of-another").outcome["recipients"]
    assert recipients == [f"erased-{ann.pk.hex}@erased.invalid", "x@newcomer.test"]


def test_mail_server_s_words_about_an_erased_address_are_erased(ann, officer):
    """S8: its answer names the address, and stands in the effect that operators see."""
    account = ann.membership.account
    said = "refused for good: {'bills@acme.test': (550, b'no such user')}"
    for key, kind, payload in (
        ("invoice", "mail.invoice_issued", {}),
        ("refused", "mail.address_refused", {"email": BILLS, "answer": said}),
    ):
        Effect.objects.create(
            account_id=account.pk, key=key, kind=kind, lane="outward", state="dead", payload=payload, last_error=said
        )

    erase_person(ann, by=officer, reason="asked by letter")

    assert not tables_that_say("bills@acme") & {("engine_effect", "bills@acme")}
    assert Effect.objects.get(key="refused").payload["email"].endswith("@erased.invalid")


def test_log_of_a_person_keeps_what_was_changed(ann, officer):
    """S8: that somebody was made a superuser stays to be read; only the names go."""
    kept = log_of(ann, EMAIL, '[{"changed": {"fields": ["Superuser status"]}}]')
    named = log_of(ann, EMAIL, '[{"added": {"name": "membership", "object": "Ann.Smith@acme.test in Acme"}}]')

    erase_person(ann, by=officer, reason="asked by letter")

    kept.refresh_from_db()
    named.refresh_from_db()
    assert (kept.object_repr, kept.change_message) == ("Erased", '[{"changed": {"fields": ["Superuser status"]}}]')
    assert json.loads(named.change_message) == [{"added": {"name": "membership", "object": "Erased"}}]
