from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from core.models import Account, Document
from core.problems import Conflict, PermissionDenied, TooManyRequests, WrongState
from engine import skip
from engine.models import Effect, EffectEvent, Transition
from tests.factories import MembershipFactory, SellerVersionFactory, StaffFactory, made_document
from workflows.documents import printing
from workflows.documents.again import make_again, send_again
from workflows.documents.requests import make_statement

pytestmark = pytest.mark.django_db

CONTENT = b"%PDF-1.7 of this test"


@pytest.fixture
def paper(customer):
    return made_document(CONTENT, account=customer().account, kind="receipt", number="RC-2026-000001")


@pytest.fixture
def operator():
    staff = StaffFactory()
    staff.user_permissions.add(Permission.objects.get(codename="operate_effects"))
    return staff


@pytest.fixture
def statement(customer, clock):
    """`statement()`: one that is not drawn yet, or waits for a seller if there is none."""

    def make():
        account, today = customer().account, clock.today()
        return make_statement(account, "USD", today, today, by=StaffFactory())

    return make


def drawing_of(document):
    return Effect.objects.filter(kind="document.make", object_id=document.pk).latest("id")


def test_document_is_mailed_again_with_its_file_and_says_who_asked(paper, run_effects, mailoutbox):
    reviewer = StaffFactory()
    run_effects()
    mailoutbox.clear()

    send_again(paper, by=reviewer)
    run_effects()

    [mail] = mailoutbox
    assert mail.to == [paper.account.billing_email]
    assert mail.subject == "Paper RC-2026-000001"
    assert [(each.filename, each.content) for each in mail.attachments] == [("RC-2026-000001.pdf", CONTENT)]
    step = Transition.objects.get(machine="document", object_id=paper.pk, name="send")
    assert step.actor_id == reviewer.pk


def test_document_that_was_asked_for_is_attached_whatever_other_mails_bring(paper, run_effects, mailoutbox):
    Account.objects.update(attaches_documents=False)

    send_again(paper, by=StaffFactory())
    run_effects()

    assert [each.filename for each in mailoutbox[-1].attachments] == ["RC-2026-000001.pdf"]


def test_document_goes_to_no_address_that_is_not_proved(paper, run_effects, mailoutbox):
    Account.objects.update(billing_email="other@acme.test", proved_email="")

    send_again(paper, by=StaffFactory())
    run_effects()

    assert not any(mail.attachments and "other@acme.test" in mail.to for mail in mailoutbox)


def test_documents_are_mailed_by_staff_who_see_payments(paper):
    member = MembershipFactory(account=paper.account).user
    clerk = StaffFactory()
    clerk.user_permissions.clear()

    for person in (member, clerk, MembershipFactory().user):
        with pytest.raises(PermissionDenied):
            send_again(paper, by=person)
    assert not Effect.objects.filter(kind="mail.document").exists()


def test_document_without_a_file_is_not_mailed(statement):
    waiting = statement()

    with pytest.raises(WrongState):
        send_again(waiting, by=StaffFactory())


@pytest.mark.parametrize("change", ["size", "billing_email"])
def test_document_that_no_mail_can_bring_is_refused(paper, change, monkeypatch):
    monkeypatch.setattr("workflows.documents.again.LARGEST", 10 if change == "size" else 10**6)
    if change == "billing_email":
        Account.objects.update(billing_email="")
        paper.account.refresh_from_db()

    with pytest.raises(Conflict):
        send_again(paper, by=StaffFactory())


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
def test_documents_of_an_account_are_mailed_so_often_a_day(paper, settings):
    settings.ACCOUNT_LIMITS = {"document_mail": (1, timedelta(days=1))}
    send_again(paper, by=StaffFactory())
    paper.refresh_from_db()

    with pytest.raises(TooManyRequests):
        send_again(paper, by=StaffFactory())

    assert Transition.objects.filter(name="send").count() == 1


def test_document_that_waited_for_a_font_is_drawn_again(statement, run_effects, monkeypatch):
    SellerVersionFactory()
    document = statement()
    with monkeypatch.context() as patched:
        patched.setattr(printing, "draw_document", refuse)
        run_effects()
    document.refresh_from_db()
    words = document.data
    assert document.status == "waiting"

    make_again(document, by=StaffFactory())
    run_effects()

    document.refresh_from_db()
    assert (document.status, document.data, document.missing) == ("made", words, [])


def refuse(data):
    raise printing.MissingLetters("Tifinagh")


def test_document_that_waits_for_a_seller_is_made_when_there_is_one(statement, run_effects):
    document = statement()
    with pytest.raises(Conflict):
        make_again(document, by=StaffFactory())

    seller = SellerVersionFactory()
    make_again(document, by=StaffFactory())
    run_effects()

    document.refresh_from_db()
    assert (document.status, document.seller_id) == ("made", seller.pk)
    assert document.data["seller"]["name"] == seller.legal_name


def test_drawing_that_failed_is_tried_again_by_who_may_operate_effects(statement, run_effects, operator):
    SellerVersionFactory()
    document = statement()
    Effect.objects.filter(pk=drawing_of(document).pk).update(state="dead")

    with pytest.raises(PermissionDenied):
        make_again(document, by=StaffFactory())
    make_again(document, by=operator)
    run_effects()

    document.refresh_from_db()
    assert document.status == "made"
    assert EffectEvent.objects.get(effect=drawing_of(document)).actor_id == operator.pk


def test_drawing_that_was_skipped_is_scheduled_once_more(statement, run_effects, operator):
    SellerVersionFactory()
    document = statement()
    Effect.objects.filter(pk=drawing_of(document).pk).update(state="dead")
    skip(drawing_of(document), by=operator, reason="not now")

    make_again(document, by=StaffFactory())
    run_effects()

    document.refresh_from_db()
    assert document.status == "made"


def test_document_that_is_being_made_is_left_alone(statement):
    SellerVersionFactory()
    document = statement()

    with pytest.raises(Conflict):
        make_again(document, by=StaffFactory())


def test_file_that_is_made_is_never_made_again(paper, run_effects):
    run_effects()

    with pytest.raises(Conflict, match="stays as it is"):
        make_again(paper, by=StaffFactory())

    kept = Document.objects.get(pk=paper.pk)
    assert (kept.sha256, bytes(kept.file.content)) == (paper.sha256, CONTENT)


def test_documents_are_made_again_by_staff_who_see_payments(statement):
    document = statement()
    SellerVersionFactory()

    with pytest.raises(PermissionDenied):
        make_again(document, by=MembershipFactory(account=document.account).user)
