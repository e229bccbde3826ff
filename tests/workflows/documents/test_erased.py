from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from core.models import Account, Document
from core.problems import Conflict
from tests.api.conftest import Caller
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    StaffFactory,
    made_document,
    staff_of_all_duties,
)
from tests.web.conftest import signed_in
from workflows.actions.personal import erase_person
from workflows.documents.again import send_again

pytestmark = pytest.mark.django_db

CONTENT = b"%PDF-1.7 of somebody"


def with_right(*codenames):
    staff = StaffFactory()
    staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return staff


@pytest.fixture
def officer():
    return with_right("erase_person", "manage_accounts")


@pytest.fixture
def auditor():
    return with_right("view_document")


@pytest.fixture
def erased(officer):
    """The document of a customer who was erased."""
    owner = MembershipFactory(account=AccountFactory(name="Ann Smith"), role="owner")
    document = made_document(CONTENT, account=owner.account, kind="receipt", number="RC-2026-000001")
    erase_person(owner.user, by=officer, reason="asked by letter")
    return Document.objects.get(pk=document.pk)


@pytest.fixture
def other(erased):
    return made_document(kind="receipt", number="RC-2026-000002")


def test_documents_of_an_erased_customer_are_kept(erased):
    assert (erased.status, bytes(erased.file.content)) == ("made", CONTENT)


def test_documents_of_an_erased_customer_are_shown_to_auditors_alone(erased, other, auditor):
    root = StaffFactory(is_superuser=True)

    for person in (StaffFactory(), staff_of_all_duties()):
        assert list(Document.objects.visible_to(person)) == [other]
    for person in (auditor, root):
        assert set(Document.objects.visible_to(person)) == {erased, other}


def test_desk_answers_staff_as_if_an_erased_document_were_not_there(erased, other, auditor):
    reviewer, reader = signed_in(StaffFactory()), signed_in(auditor)
    paths = [reverse(name, args=[erased.pk]) for name in ("desk_document", "desk_document_file")]

    assert [reviewer.get(path).status_code for path in paths] == [404, 404]
    assert reviewer.post(reverse("desk_document_verb", args=[erased.pk, "send"])).status_code == 404
    assert [reader.get(path).status_code for path in paths] == [200, 200]
    account = reverse("desk_account", args=[erased.account_id])
    for client, names in ((reviewer, [other.number]), (reader, [erased.number, other.number])):
        listed = client.get(reverse("desk_documents")).content.decode()
        assert [paper.number for paper in (erased, other) if paper.number in listed] == names
    assert erased.number not in reviewer.get(account).content.decode()


def test_api_answers_staff_as_if_an_erased_document_were_not_there(erased, other, auditor):
    reviewer, reader = Caller(StaffFactory()), Caller(auditor)
    paths = [f"documents/{erased.pk}/", f"documents/{erased.pk}/file/"]

    assert [reviewer.get(path).status_code for path in paths] == [404, 404]
    assert [reader.get(path).status_code for path in paths] == [200, 200]
    for caller, count in ((reviewer, 1), (reader, 2)):
        assert len(caller.get("billing/admin/documents/").json()["results"]) == count
    assert reviewer.post(f"billing/admin/documents/{erased.pk}/send/", {}).status_code == 404


def test_auditors_read_and_do_nothing(erased, auditor):
    reader = signed_in(auditor)

    page = reader.get(reverse("desk_document", args=[erased.pk])).content.decode()

    assert "Send again" not in page
    assert "Send by mail" not in page
    assert reader.post(reverse("desk_document_verb", args=[erased.pk, "send"])).status_code == 403
    body = {"kind": "reminder", "invoice": str(erased.pk)}
    assert Caller(auditor).post("billing/admin/documents/", body).status_code in (400, 403)


def test_document_of_an_erased_customer_is_mailed_to_nobody(erased):
    with pytest.raises(Conflict):
        send_again(erased, by=StaffFactory())


def test_documents_of_an_account_that_goes_on_stay_its_own(officer):
    owner = MembershipFactory(role="owner")
    leaving = MembershipFactory(account=owner.account, role="admin")
    document = made_document(account=owner.account, kind="receipt", number="RC-2026-000001")

    erase_person(leaving.user, by=officer, reason="asked by letter")

    for person in (owner.user, StaffFactory()):
        assert list(Document.objects.visible_to(person)) == [document]


def test_customer_that_is_called_like_an_erased_one_is_shown(other):
    Account.objects.filter(pk=other.account_id).update(name="Erased", billing_email="bills@erased.test")

    assert list(Document.objects.visible_to(StaffFactory()).filter(pk=other.pk)) == [other]
