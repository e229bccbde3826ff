"""Bodies that are larger than their page takes are refused before anything of them is read."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import BankAccount, StatementFile
from core.models.statement import FILE_MAX_BYTES
from tests.factories import UserFactory
from tests.unread_body import UnreadBody
from tests.web.conftest import signed_in
from tests.workflows.bank.statement_files import IBAN, Row, camt

pytestmark = pytest.mark.django_db
LIMIT = 256 * 1024
FORM = "multipart/form-data; boundary=x"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
def bookkeeper(db):
    person = UserFactory(is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="import_statements"))
    return signed_in(person)


def sent_to(client, path, length, content_type=FORM):
    """The answer, and how much was taken of a body of so many bytes."""
    body = UnreadBody(b"--x\r\n" + b"x" * 100)
    environ = {**body.environ, "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(length)}
    answer = client.generic("POST", path, b"", **environ)
    return answer, body.taken


PAGES = ["/login/", "/signup/", "/language/", "/admin/login/", "/nowhere/", "/desk/duties/"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("content_type", [FORM, URLENCODED, "text/plain"])
def test_page_that_takes_no_file_takes_256_kb(client, path, content_type):
    answer, taken = sent_to(client, path, LIMIT + 1, content_type)

    assert (answer.status_code, taken) == (413, 0)
    assert b"The request is too large." in answer.content
    assert sent_to(client, path, LIMIT, content_type)[0].status_code != 413


def test_page_of_the_bank_takes_20_mb_of_staff(bookkeeper):
    answer, taken = sent_to(bookkeeper, "/desk/bank/", FILE_MAX_BYTES + 64 * 1024 + 1)
    assert (answer.status_code, taken) == (413, 0)

    BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    large = camt(Row("1.00")).replace(b"</Document>", b" " * 400_000 + b"</Document>")
    taken_in = bookkeeper.post("/desk/bank/", {"file": SimpleUploadedFile("a.xml", large)})
    assert taken_in.status_code == 302
    assert StatementFile.objects.get().size == len(large)


def test_file_just_above_20_mb_is_refused_in_the_form(bookkeeper):
    BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    answer = bookkeeper.post("/desk/bank/", {"file": SimpleUploadedFile("a.xml", b"x" * (FILE_MAX_BYTES + 1))})

    assert answer.status_code == 413
    assert b"at most 20 MB" in answer.content


def test_other_bodies_of_the_page_of_the_bank_are_as_everywhere(bookkeeper):
    assert sent_to(bookkeeper, "/desk/bank/", LIMIT + 1, URLENCODED)[0].status_code == 413


def test_nobody_else_sends_20_mb_there(db):
    answer, taken = sent_to(signed_in(UserFactory()), "/desk/bank/", LIMIT + 1)

    assert (answer.status_code, taken) == (413, 0)


def test_file_of_somebody_whose_session_is_over_leads_to_signing_in(client):
    answer, taken = sent_to(client, "/desk/bank/", LIMIT + 1)

    assert (answer.status_code, taken) == (302, 0)
    assert answer["Location"] == "/login/?next=/desk/bank/"
    assert sent_to(client, "/desk/bank/", 30 * 1024 * 1024)[0].status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "9" * 30])
def test_length_that_is_no_number_is_refused(client, length):
    """Servers refuse it before us."""
    assert sent_to(client, "/login/", length)[0].status_code == 413


@pytest.mark.parametrize("size", [3_000_000, FILE_MAX_BYTES + 1])
def test_no_file_of_an_upload_stays(bookkeeper, settings, tmp_path, size):
    BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)

    bookkeeper.post("/desk/bank/", {"file": SimpleUploadedFile("a.xml", b"x" * size)})

    assert list(tmp_path.iterdir()) == []
