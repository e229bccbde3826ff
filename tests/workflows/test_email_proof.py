"""What is mailed to an address that is not proved, and what waits for the proof."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import translation

from core.models import Account, Invoice, Membership, PaymentMethod, User
from engine import perform, schedule
from engine.models import Effect
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
)
from tests.workflows.conftest import BILLING
from workflows.actions import change_account, claim_payment, sign_up
from workflows.actions.invitations import invite
from workflows.actions.passwords import reset_password
from workflows.actions.people import verify_email
from workflows.mail import context, samples, signed_links, verification
from workflows.mail.notifications import mail_invoice
from workflows.mail.rendering import build_email
from workflows.mail.samples import SAMPLES, TO_STAFF

pytestmark = pytest.mark.django_db

TYPED = "WordsOfTheSender"
STRANGER = {**BILLING, "billing_email": "stranger@foreign.de"}


@pytest.fixture
def stranger(plans, clock, run_effects):
    """Somebody who signs up, with an account name that is a message and a billing address of somebody else."""

    def sign(plan="starter", email="ann@acme.test", **billing):
        method = PaymentMethodFactory(instructions={"en": "Send {amount}, {account_name}, with {reference}."})
        signed = sign_up(
            email=email,
            password="a fairly long one",
            account_name=TYPED,
            plan=plans[plan].code,
            currency="USD",
            billing={**(STRANGER if plan != "free" else {}), **billing},
            payment_method=method.code if plan != "free" else None,
        )
        run_effects()
        return signed

    return sign


def told(mailoutbox, *, to=None):
    """Kinds and recipients, in the order in which they were sent."""
    return [
        (mail.extra_headers["X-Countersign-Kind"], mail.to[0]) for mail in mailoutbox if to is None or mail.to == [to]
    ]


def whole(mail):
    return " ".join([mail.subject, mail.body, *(str(content) for content, _ in mail.alternatives)])


def verify(user):
    return verify_email(signed_links.VERIFICATION.token_of(User.objects.get(pk=user.pk)))


def waiting(kind):
    return Effect.objects.filter(kind=f"mail.{kind}", state="waiting", fence__gt=0)


EVERY = [(kind, variant) for kind in SAMPLES for variant in SAMPLES[kind] if kind not in TO_STAFF]


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(("kind", "variant"), EVERY)
def test_bare_form_of_a_mail_holds_no_word_of_the_sender(monkeypatch, kind, variant, language):
    originals = {name: getattr(samples, name) for name in ("account", "payment", "method", "user")}
    typed = {
        "account": {"name": f"{TYPED} 1"},
        "payment": {"reference": f"{TYPED}2", "payer_name": f"{TYPED} 3", "notes": f"{TYPED} 4", "proof_url": TYPED},
        "method": {"instructions": {"en": "Send {account_name} `{account_name}` [x](http://a.example/{account_name})"}},
        "user": {"email": "owner@example.test"},
    }
    for name, make in originals.items():
        change = typed[name]
        monkeypatch.setattr(samples, name, lambda make=make, change=change, **more: make(**{**more, **change}))
    with translation.override(language):
        words = SAMPLES[kind][variant]()
        bare = context.without_customer_text(words)

    mail = build_email(kind, bare, language=language)

    if kind not in ("password_reset", "verify_email"):
        full = build_email(kind, words, language=language)
        assert TYPED in full.subject + full.text or kind in ("member_invited", "verify_billing_email")
    assert TYPED not in mail.subject + mail.preheader + mail.text + mail.html
    assert "None" not in mail.text


def test_paid_sign_up_sends_the_proof_a_bare_invoice_and_after_approval_the_welcome(stranger, mailoutbox, run_effects):
    signed = stranger()
    assert sorted(told(mailoutbox)) == [("invoice_issued", "stranger@foreign.de"), ("verify_email", "ann@acme.test")]
    assert not [mail for mail in mailoutbox if TYPED in whole(mail)]

    claim = claim_payment(
        invoice=signed.invoice,
        method=PaymentMethod.objects.get(),
        amount=Decimal(89),
        currency="USD",
        reference="R1",
        by=signed.user,
    )
    perform(claim.approve, by=StaffFactory())
    run_effects()

    (welcome,) = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "payment_approved"]
    assert welcome.to == ["stranger@foreign.de"]
    assert TYPED in welcome.subject
    signed.account.refresh_from_db()
    assert signed.account.is_billing_email_proved
    assert signed.account.proved_at is not None


def test_rejection_to_an_unproved_address_repeats_no_reference(stranger, mailoutbox, run_effects):
    signed = stranger()
    claim = claim_payment(
        invoice=signed.invoice,
        method=PaymentMethod.objects.get(),
        amount=Decimal(89),
        currency="USD",
        reference=TYPED,
        notes=TYPED,
        payer_name=TYPED,
        by=signed.user,
    )
    perform(claim.reject, by=StaffFactory(), reason_code="not_received")
    run_effects()

    (mail,) = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "payment_rejected"]
    assert mail.to == ["stranger@foreign.de"]
    assert TYPED not in whole(mail)


def test_trial_mail_goes_to_the_log_in_address_without_a_word_of_the_sender(stranger, mailoutbox):
    stranger("free", billing_email="stranger@foreign.de")

    assert sorted(told(mailoutbox)) == [("trial_started", "ann@acme.test"), ("verify_email", "ann@acme.test")]
    assert not [mail for mail in mailoutbox if TYPED in whole(mail)]


def test_warning_of_a_trial_waits_for_the_proof_and_then_leaves(stranger, mailoutbox, live_through, run_effects):
    signed = stranger("free")
    live_through(12)
    assert not [kind for kind, _ in told(mailoutbox) if kind == "trial_ending"]
    (held,) = waiting("trial_ending")
    assert (held.attempts, held.failing_since, held.last_error) == (0, None, verification.NOT_PROVED)

    verify(signed.user)
    run_effects()

    assert told(mailoutbox)[-1] == ("trial_ending", "ann@acme.test")
    held.refresh_from_db()
    assert held.state == "done"
    assert mailoutbox[-1].extra_headers["Message-ID"].startswith(f"<{held.pk}@")


def test_warning_of_a_trial_that_is_over_is_dropped_at_the_next_look(stranger, mailoutbox, live_through):
    stranger("free")

    live_through(20)

    assert Effect.objects.get(kind="mail.trial_ending").state == "done"
    assert "trial_ending" not in dict(told(mailoutbox))
    assert waiting("trial_ended").count() == 1


def test_mail_that_nobody_proves_for_a_month_says_that_it_was_dropped(stranger, live_through):
    stranger("free")

    live_through(14 + 33)

    ended = Effect.objects.get(kind="mail.trial_ended")
    assert ended.state == "done"
    assert ended.outcome == {
        "kind": "trial_ended",
        "recipients": [],
        "dropped": "it waits until the address is proved, for 30 days",
    }


def test_reminders_of_a_foreign_address_wait_and_only_the_last_one_leaves(
    stranger, mailoutbox, live_through, run_effects
):
    signed = stranger()
    live_through(11)
    assert "invoice_reminder" not in dict(told(mailoutbox))
    assert waiting("invoice_reminder").count() == 1  # the ones before it were dropped when it came

    Account.objects.filter(pk=signed.account.pk).update(proved_email="stranger@foreign.de")
    verification.look_again(signed.account.pk)
    run_effects()

    assert [line for line in told(mailoutbox) if line[0] == "invoice_reminder"] == [
        ("invoice_reminder", "stranger@foreign.de")
    ]
    assert not waiting("invoice_reminder").exists()


def test_reminders_go_to_a_proved_owner_while_the_billing_address_is_not_proved(stranger, mailoutbox, live_through):
    verify(stranger().user)

    live_through(6)

    assert ("invoice_reminder", "ann@acme.test") in told(mailoutbox)
    assert "invoice_reminder" not in dict(told(mailoutbox, to="stranger@foreign.de"))


def test_billing_address_of_a_proved_log_in_is_proved(stranger, mailoutbox, run_effects):
    signed = stranger(billing_email="Ann@ACME.test")
    verify(signed.user)
    schedule(mail_invoice, key="again", about=signed.invoice)
    run_effects()

    assert mailoutbox[-1].to == ["Ann@ACME.test"]
    assert TYPED in whole(mailoutbox[-1])


def test_link_of_an_invitation_proves_as_well(stranger, mailoutbox, live_through, run_effects):
    signed = stranger("free")
    live_through(12)

    reset_password(signed_links.RESET.token_of(User.objects.get(pk=signed.user.pk)), "another fairly long one")
    run_effects()

    assert told(mailoutbox)[-1] == ("trial_ending", "ann@acme.test")


def test_unproved_address_gets_three_mails_a_day_of_whatever_accounts(stranger, mailoutbox, clock, run_effects):
    for number in range(5):
        stranger(email=f"user{number}@acme.test")

    assert told(mailoutbox, to="stranger@foreign.de") == [("invoice_issued", "stranger@foreign.de")] * 3
    assert set(waiting("invoice_issued").values_list("last_error", flat=True)) == {verification.NO_TURN}

    clock.advance(days=2)
    run_effects()

    assert len(told(mailoutbox, to="stranger@foreign.de")) == 5


def test_mail_that_failed_and_comes_again_takes_no_second_turn():
    account = AccountFactory(billing_email="stranger@foreign.de", proved_at=None, proved_email="")
    effects = [Effect(key=str(n)) for n in range(4)]

    for effect in [*effects[:3], *effects[:3]]:
        assert verification.readers_of(account, effect, answers=True).to == ["stranger@foreign.de"]
    with pytest.raises(verification.Unproved, match="3 mails a day"):
        verification.readers_of(account, effects[3], answers=True)


@pytest.mark.parametrize("address", ["bills@example.com", "bills@sub.example.org", "a@acme.test", "a@acme.invalid"])
def test_names_that_are_reserved_have_no_limit(address):
    account = AccountFactory(billing_email=address, proved_at=None, proved_email="")

    for number in range(5):
        assert verification.readers_of(account, Effect(key=str(number)), answers=True) == verification.Readers(
            [address], is_bare=True
        )


def test_invoice_that_was_paid_while_its_mail_waited_is_not_mailed(stranger, mailoutbox, run_effects):
    for number in range(3):
        stranger(email=f"user{number}@acme.test")
    signed = stranger(email="last@acme.test")
    payment = PaymentFactory(
        invoice=signed.invoice, account=signed.account, submitted_by=signed.user, method=PaymentMethod.objects.get()
    )
    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert told(mailoutbox)[-1] == ("payment_approved", "stranger@foreign.de")
    assert [kind for kind, _ in told(mailoutbox, to="stranger@foreign.de")].count("invoice_issued") == 3
    assert not waiting("invoice_issued").exists()


def test_changed_billing_address_of_a_known_customer_is_unproved_again(active, mailoutbox, run_effects, live_through):
    signed = active()
    change_account(signed.account, by=signed.user, billing_email="stranger@foreign.de", name=TYPED)
    mailoutbox.clear()

    live_through(40)

    sent = told(mailoutbox)
    assert ("invoice_issued", "stranger@foreign.de") in sent
    assert ("invoice_reminder", "ann@acme.test") in sent
    assert ("subscription_past_due", "ann@acme.test") in sent
    for mail in mailoutbox:
        assert (TYPED in whole(mail)) == (mail.to == ["ann@acme.test"])


def test_changing_the_billing_address_decides_again_about_what_waits(stranger, mailoutbox, live_through, run_effects):
    signed = stranger()
    live_through(6)
    Membership.objects.filter(account=signed.account).update(role="owner")
    User.objects.filter(pk=signed.user.pk).update(email_verified_at="2026-01-01T00:00Z")
    assert "invoice_reminder" not in dict(told(mailoutbox))

    change_account(Account.objects.get(pk=signed.account.pk), by=signed.user, billing_email="ann@acme.test")
    run_effects()

    assert ("invoice_reminder", "ann@acme.test") in told(mailoutbox)


def test_invitation_waits_until_who_invites_is_proved(stranger, mailoutbox, run_effects):
    signed = stranger("free")
    invite(signed.account, email="bob@foreign.de", role="member", by=signed.user)
    run_effects()
    assert told(mailoutbox, to="bob@foreign.de") == []
    assert waiting("member_invited").count() == 1

    verify(signed.user)
    run_effects()

    assert told(mailoutbox, to="bob@foreign.de") == [("member_invited", "bob@foreign.de")]


def test_invitation_leaves_after_an_approved_payment(mailoutbox, run_effects):
    owner = MembershipFactory().user
    account = owner.membership.account

    invite(account, email="bob@foreign.de", role="member", by=owner)
    run_effects()

    assert told(mailoutbox, to="bob@foreign.de") == [("member_invited", "bob@foreign.de")]


def test_approved_payment_writes_the_proof_once(django_assert_max_num_queries, run_effects):
    account = AccountFactory(proved_at=None, proved_email="")
    first = PaymentFactory(invoice=InvoiceFactory(account=account, subscription__account=account))
    perform(first.approve, by=StaffFactory())
    run_effects()
    account.refresh_from_db()
    proved_at = account.proved_at
    assert (account.proved_email, proved_at is not None) == ("bills@example.test", True)

    with django_assert_max_num_queries(0):
        verification.prove_by_payment([account], proved_at)


def test_proof_by_payment_holds_only_for_the_address_of_that_moment():
    account = AccountFactory()
    assert account.is_billing_email_proved

    account.billing_email = "other@foreign.de"

    assert not account.is_billing_email_proved
    assert Invoice.objects.count() == 0
