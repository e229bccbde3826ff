"""Faults of a real mail server: settlement goes on, and only the refused mail suffers."""

from __future__ import annotations

import asyncio
import email
import email.policy
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from django.contrib.auth.models import Permission
from django.core.mail.utils import DNS_NAME

from core.models import Account, Invoice, Payment
from engine import lease, perform, retry, run_due, throttles
from engine.models import CircuitBreaker, Effect
from engine.pauses import set_rate
from engine.registry import kinds
from stack.ports import free_port
from tests.factories import AccountFactory, OperatorFactory, PaymentFactory, StaffFactory, UserFactory, scheduled_mail
from workflows.mail import context, samples
from workflows.mail.rendering import build_email
from workflows.mail.sending import send

pytestmark = pytest.mark.django_db


class PostOffice:
    """Accepts everything, unless a test says otherwise, and keeps what it accepted."""

    def __init__(self):
        self.accepted = []
        self.refused = {}  # address: answer to RCPT
        self.sender = ""  # answer to MAIL
        self.answers = []  # to one DATA after the other: what to say, or how to fail
        self.offered = 0
        self.slow_goodbye = 0
        self.connections = 0
        self.hangs_up = ""
        self.most = 0  # mails that one connection may bring; 0: any number

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        self.connections += 1
        session.host_name, session.brought = hostname, 0
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if self.sender:
            return self.sender
        session.brought += 1
        if self.most and session.brought > self.most:
            if self.hangs_up == "silently":
                server.transport.abort()
            return "421 4.7.0 that is enough over this connection"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.offered += 1
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "disconnect":
            server.transport.abort()
            return "250 never heard"
        if answer == "slow":
            await asyncio.sleep(1.5)
            answer = "250 OK"
        if answer.startswith("250"):
            self.accepted.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return answer

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802
        await asyncio.sleep(self.slow_goodbye)
        return "221 Bye"

    def kinds(self):
        return Counter(mail["X-Countersign-Kind"] for mail in self.accepted)


@pytest.fixture
def office(settings):
    office = PostOffice()
    controller = Controller(office, hostname="127.0.0.1", port=free_port(), server_hostname="localhost")
    controller.start()
    settings.EMAIL_BACKEND = "workflows.mail.smtp.Backend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", controller.port, 5
    yield office
    controller.stop(no_assert=True)


@pytest.fixture(autouse=True)
def nobody_waits_by_chance(monkeypatch):
    """A first wait may be no wait at all: here it is always one that the test has to let pass."""
    monkeypatch.setattr(lease, "FIRST_WAIT", lease.LONGEST_WAIT)
    monkeypatch.setattr(lease.random, "uniform", lambda _, longest: longest)


@pytest.fixture(autouse=True)
def nobody_asks_a_name_server_who_we_are(monkeypatch):
    """An answer may take seconds where this machine's name stands in no /etc/hosts. Nor do servers here ask."""
    monkeypatch.setattr(DNS_NAME, "_fqdn", "localhost", raising=False)


@pytest.fixture
def approve(run_effects):
    def decide():
        payment = PaymentFactory()
        perform(payment.approve, by=StaffFactory(), admin_notes="on the statement")
        run_effects()
        return payment

    return decide


def assert_settled(payment):
    payment.refresh_from_db()
    account, invoice = Account.objects.get(pk=payment.account_id), Invoice.objects.get(pk=payment.invoice_id)
    assert (payment.status, invoice.status, account.status, account.credits) == (
        Payment.Status.SUCCEEDED,
        "paid",
        "active",
        1000,
    )


def mail_of(kind="payment_approved"):
    return Effect.objects.get(kind=f"mail.{kind}")


def test_a_mail_arrives_once_and_says_what_it_is(office, approve, advance, run_effects):
    payment = approve()
    advance(days=2)
    run_effects()

    assert_settled(payment)
    mail = mail_of()
    (arrived,) = [m for m in office.accepted if m["X-Countersign-Kind"] == "payment_approved"]
    assert arrived["Message-ID"] == f"<{mail.pk}@demo.test>" == mail.outcome["message_id"]
    assert arrived["To"] == "bills@example.test"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Content-Language"] == "en"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
    assert max(office.kinds().values()) == 1


def test_a_server_that_is_down_costs_no_attempt_and_no_settlement(office, approve, advance, run_effects, settings):
    there, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    payment = approve()

    assert_settled(payment)
    mail = mail_of()
    assert (mail.state, mail.attempts) == ("waiting", 0)
    assert "the mail server does not take us" in mail.last_error

    settings.EMAIL_PORT = there
    advance(hours=1)
    run_effects()
    assert office.kinds()["payment_approved"] == 1


@pytest.mark.parametrize("greeting", ["554 no service here", "421 busy"])
def test_a_server_that_sends_us_away_is_a_server_that_is_down(office, approve, monkeypatch, greeting):
    async def send_away(self):
        await self.push(greeting)
        self.transport.close()

    monkeypatch.setattr(SMTP, "_handle_client", send_away)
    payment = approve()

    assert_settled(payment)
    assert (mail_of().state, mail_of().attempts) == ("waiting", 0)
    assert CircuitBreaker.objects.filter(kind="mail.payment_approved").exists()


def test_a_wrong_password_is_everybody_s_trouble_and_kills_no_mail(approve, settings):
    def nobody(server, session, envelope, mechanism, data):
        return AuthResult(success=False, handled=False)

    controller = Controller(
        PostOffice(),
        hostname="127.0.0.1",
        port=free_port(),
        server_hostname="localhost",
        authenticator=nobody,
        auth_require_tls=False,
    )
    controller.start()
    try:
        settings.EMAIL_BACKEND = "workflows.mail.smtp.Backend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", controller.port, 5
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "someone", "wrong"
        payment = approve()
    finally:
        controller.stop(no_assert=True)

    assert_settled(payment)
    assert (mail_of().state, mail_of().attempts) == ("waiting", 0)


@pytest.mark.parametrize("answer", ["550 5.7.1 sender not allowed", "451 4.7.1 later"])
def test_a_sender_that_is_refused_waits_with_all_its_mails(office, approve, answer):
    office.sender = answer
    payment = approve()

    assert_settled(payment)
    assert (mail_of().state, mail_of().attempts) == ("waiting", 0)


def test_an_address_that_does_not_exist_kills_its_own_mail_at_once_and_no_other(office, approve, run_effects):
    office.refused["gone@example.test"] = "550 5.1.1 no such user"
    dead = scheduled_mail(name="Gone", billing_email="gone@example.test")
    payment = approve()

    assert_settled(payment)
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == ("dead", 1)
    assert "no such user" in dead.last_error
    assert office.kinds()["payment_approved"] == 1
    (alert,) = [m for m in office.accepted if m["X-Countersign-Kind"] == "effects_dead"]
    assert "no such user" in alert.get_body(("plain",)).get_content()


def test_one_dead_address_among_reviewers_keeps_the_mail_from_nobody_else(office, approve):
    for address in ("gone@example.test", "here@example.test"):
        UserFactory(email=address).user_permissions.set(Permission.objects.filter(codename="review_payment"))
    office.refused["gone@example.test"] = "550 5.1.1 no such user"
    approve()

    assert mail_of("payment_submitted").state == "done"
    assert office.kinds()["payment_submitted"] == 1


def test_greylisting_is_waited_out_under_the_same_message_id(office, approve, advance, run_effects):
    office.refused["bills@example.test"] = "450 4.2.0 greylisted, come again"
    payment = approve()
    assert_settled(payment)
    assert (mail_of().state, mail_of().attempts) == ("waiting", 1)

    office.refused.clear()
    advance(hours=1)
    run_effects()

    (arrived,) = [m for m in office.accepted if m["X-Countersign-Kind"] == "payment_approved"]
    assert arrived["Message-ID"] == f"<{mail_of().pk}@demo.test>"
    assert (mail_of().state, mail_of().attempts) == ("done", 2)


def test_an_address_that_is_never_free_is_given_up_after_a_day(office, approve, advance, run_effects):
    office.refused["bills@example.test"] = "450 4.2.2 mailbox full"
    payment = approve()
    for _ in range(13):
        advance(hours=2.1)
        run_effects()

    assert_settled(payment)
    assert mail_of().state == "dead"
    assert 12 <= mail_of().attempts <= 13


@pytest.mark.parametrize(
    ("answer", "state"), [("554 5.7.1 looks like spam", "dead"), ("452 4.3.1 disk full", "waiting")]
)
def test_a_mail_refused_after_its_data_dies_only_when_the_server_means_it(office, run_effects, answer, state):
    office.answers = [answer]
    mail = scheduled_mail()
    run_effects()

    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (state, 1)
    assert answer[9:] in mail.last_error


BROKEN = pytest.mark.parametrize("failure", ["disconnect", "slow"])


@BROKEN
def test_a_mail_whose_end_was_not_heard_is_sent_once_more(office, advance, run_effects, settings, failure):
    settings.EMAIL_TIMEOUT = 0.5
    office.answers = [failure]
    mail = scheduled_mail()
    run_effects()
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("waiting", 1)

    settings.EMAIL_TIMEOUT = 5
    advance(hours=1)
    run_effects()

    mail.refresh_from_db()
    assert mail.state == "done"
    assert office.offered == 2
    assert {m["Message-ID"] for m in office.accepted} == {f"<{mail.pk}@demo.test>"}


@BROKEN
@pytest.mark.guards("F4", "engine.lease.record_unanswered")
def test_a_mail_whose_end_is_never_heard_comes_twice_at_most(office, advance, run_effects, settings, failure):
    """F4: it was sent up to twelve times, and a server that hangs after it took them delivers each."""
    settings.EMAIL_TIMEOUT = 0.5
    office.answers = [failure, "450 4.7.1 come again", failure]
    mail = scheduled_mail()
    for _ in range(6):
        run_effects()
        advance(hours=1)

    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("uncertain", 3)
    assert "did not say whether it took it" in mail.last_error
    assert [event.what for event in mail.events.order_by("at")] == ["uncertain", "failed", "uncertain"]
    assert office.kinds()["effects_dead"] == 1  # operators are told
    assert office.offered == 3 + 1

    operator = StaffFactory(email="operator@example.test")
    operator.user_permissions.set(Permission.objects.filter(codename="operate_effects"))
    office.answers = [failure]
    retry(mail, by=operator, reason="the server's log has none")
    run_effects()
    mail.refresh_from_db()
    assert mail.state == "waiting"  # who has asked the far side may have it tried again


def test_a_connection_that_breaks_before_the_content_is_no_doubt(office, run_effects, monkeypatch):
    async def hang_up(self, arg):
        self.transport.abort()

    monkeypatch.setattr(SMTP, "smtp_DATA", hang_up)
    mail = scheduled_mail()
    run_effects()

    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == ("waiting", 1)
    assert [event.what for event in mail.events.all()] == ["failed"]


@pytest.mark.usefixtures("office")
def test_a_mail_cut_short_by_its_own_deadline_may_have_arrived(office, run_effects, monkeypatch):
    monkeypatch.setitem(
        kinds, "mail.trial_started", replace(kinds["mail.trial_started"], timeout=timedelta(seconds=0.5))
    )
    office.answers = ["slow"]
    mail = scheduled_mail()
    run_effects()

    mail.refresh_from_db()
    assert (mail.state, [event.what for event in mail.events.all()]) == ("waiting", ["uncertain"])


def test_a_slow_goodbye_after_a_mail_was_accepted_sends_no_second(office, advance, run_effects):
    office.slow_goodbye = 30
    mail = scheduled_mail()
    started = time.monotonic()
    run_effects()
    advance(days=1)
    run_effects()

    mail.refresh_from_db()
    assert (mail.state, mail.attempts, len(office.accepted)) == ("done", 1, 1)
    assert time.monotonic() - started < 5


def test_a_mail_for_nobody_is_dead_and_not_done(run_effects):
    mail = scheduled_mail(billing_email="")
    run_effects()

    mail.refresh_from_db()
    assert (mail.state, mail.last_error) == (
        "dead",
        "workflows.mail.sending.NoRecipient: there is nobody to send it to",
    )


def test_a_name_brings_no_header_of_its_own(office):
    invoice = samples.invoice(account=AccountFactory(name="Demo\r\nBcc: victim@example.test"))
    claim = samples.payment(invoice=invoice, amount=Decimal(1))
    send(scheduled_mail(), ["a@example.test"], build_email("payment_submitted", context.payment_submitted(claim)))

    (arrived,) = office.accepted
    assert arrived["Bcc"] is None
    assert arrived["Subject"] == "To review: 1.00 USD from Demo Bcc: victim@example.test"


def three_mails():
    mails = [scheduled_mail(name=f"A{n}", billing_email=f"a{n}@example.test") for n in range(3)]
    Effect.objects.exclude(pk__in=[mail.pk for mail in mails]).update(state="skipped")
    return mails


def states(mails):
    return sorted(Effect.objects.filter(pk__in=[mail.pk for mail in mails]).values_list("state", "attempts"))


def test_mails_of_a_run_go_over_one_connection(office, run_effects):
    mails = three_mails()
    run_effects()

    assert (len(office.accepted), office.connections) == (3, 1)
    assert states(mails) == [("done", 1)] * 3
    assert {mail["Message-ID"] for mail in office.accepted} == {f"<{mail.pk}@demo.test>" for mail in mails}
    scheduled_mail(name="B", billing_email="b@example.test")
    run_effects()
    assert office.connections == 2  # the run's was closed with it


@pytest.mark.parametrize("way", ["saying so", "silently"])
def test_a_server_that_takes_so_many_over_one_connection_gets_the_rest_over_another(office, run_effects, way):
    office.most, office.hangs_up = 2, way
    mails = three_mails()
    run_effects()

    assert (len(office.accepted), office.connections) == (3, 2)
    assert states(mails) == [("done", 1)] * 3  # nobody is charged, and nobody waits
    assert not CircuitBreaker.objects.exists()


def test_a_new_connection_that_is_sent_away_at_once_is_a_server_that_is_down(office, run_effects):
    office.sender = "421 4.7.0 not now"
    mails = three_mails()
    run_effects()

    assert states(mails) == [("waiting", 0)] * 3
    assert office.connections == 1  # not tried again and again


def test_a_refused_mail_leaves_its_neighbours_alone(office, run_effects):
    office.refused["a1@example.test"] = "550 5.1.1 no such user"
    mails = three_mails()
    run_effects()

    assert states(mails) == [("dead", 1), ("done", 1), ("done", 1)]
    assert [mail["To"] for mail in office.accepted if mail["To"].startswith("a")] == [
        "a0@example.test",
        "a2@example.test",
    ]


def test_a_connection_that_breaks_after_the_content_of_a_later_mail_is_in_doubt_for_that_one_alone(
    office, run_effects, advance
):
    office.answers = ["250 OK", "disconnect"]
    mails = three_mails()
    run_effects()
    assert states(mails) == [("done", 1), ("waiting", 0), ("waiting", 1)]
    assert office.offered == 2  # not sent once more at once: it may have been taken

    advance(hours=1)
    run_effects()
    assert states(mails) == [("done", 1), ("done", 1), ("done", 2)]
    assert office.offered == 4


def test_a_server_that_hangs_in_the_middle_of_a_run_is_not_asked_twice(office, run_effects, settings, monkeypatch):
    settings.EMAIL_TIMEOUT = 0.5
    mails = three_mails()
    original = PostOffice.handle_MAIL

    async def hang(self, server, session, envelope, address, options):
        if office.accepted:
            await asyncio.sleep(2)
        return await original(self, server, session, envelope, address, options)

    monkeypatch.setattr(PostOffice, "handle_MAIL", hang)
    run_due()
    assert office.connections == 2  # the first's, which the second shares, and the third's
    assert states(mails) == [("done", 1), ("waiting", 1), ("waiting", 1)]
    assert not Effect.objects.filter(state="uncertain").exists()


def test_a_provider_that_takes_so_many_a_second_refuses_none(office, run_effects, monkeypatch):
    """It counts mails of every kind, in any second; with twice the rate it does refuse some."""
    taken = []

    async def count(self, server, session, envelope, address, options):
        now = time.monotonic()
        if len([moment for moment in taken if moment > now - 1]) >= 8:  # few, so that a busy machine is quicker
            return "454 4.7.0 Throttling failure: maximum sending rate exceeded"
        taken.append(now)
        envelope.mail_from = address
        return "250 OK"

    monkeypatch.setattr(PostOffice, "handle_MAIL", count)
    monkeypatch.setattr(throttles, "sleeps_until_free", True)
    operator = OperatorFactory()

    def send(rate, count):
        set_rate("mail", rate, by=operator)
        mails = [scheduled_mail(name=f"A{n}{rate}", billing_email=f"a{n}@example.test") for n in range(count)]
        Effect.objects.exclude(pk__in=[mail.pk for mail in mails]).update(state="skipped")
        while run_due():
            pass
        return Counter(Effect.objects.filter(pk__in=[mail.pk for mail in mails]).values_list("state", flat=True))

    assert send("8/s", 20) == {"done": 20}
    assert send("24/s", 20)["waiting"] > 0
