from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import StatementFile
from tests.api.caller import BASE, Caller, staff
from tests.api.conftest import is_problem
from tests.factories import UserFactory
from tests.unread_body import UnreadBody
from tests.workflows.bank.readers.sheets import SHEETS
from tests.workflows.bank.statement_files import Row, camt
from tests.workflows.bank.tables import COLUMNS, JUNE, MAY

pytestmark = pytest.mark.django_db
PATH = "billing/admin/statements/"
BOUNDARY = "x"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def sent(content: bytes, name: str = "statement.xml") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def part(name: str, content: bytes = b"", *, more: str = "") -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"


def file_part(content: bytes, *, name: str = "a.xml") -> bytes:
    return part("file", content, more=f'; filename="{name}"')


END = f"--{BOUNDARY}--\r\n".encode()


@pytest.mark.happy("POST billing/admin/statements/", "GET billing/admin/statements/{id}/")
@pytest.mark.happy("GET billing/admin/statements/")
def test_file_is_taken_and_read_by_a_worker(bookkeeper, bank_account, run_effects):
    taken = bookkeeper.post_form(PATH, {"file": sent(camt(Row("89.00", "one"), Row("-1.00", "fee")))})
    assert taken.status_code == 202, taken.content
    assert (taken.json()["status"], taken.json()["duplicate"]) == ("queued", False)
    run_effects()

    file = bookkeeper.get(f"{PATH}{taken.json()['id']}/").json()
    assert (file["status"], file["adds_up"], file["closing_balance"]) == ("imported", True, "188.00")
    assert file["lines"] == {"total": 2, "new": 2, "known": 0, "pending": 0}
    assert (file["credits"], file["debits"], file["bank_account"]) == ("89.00", "1.00", str(bank_account.pk))
    assert len(file["parts"]) == 1
    assert [one["id"] for one in bookkeeper.get(PATH).json()["results"]] == [file["id"]]


def test_same_bytes_again_are_answered_with_the_first_file(bookkeeper, bank_account):
    first = bookkeeper.post_form(PATH, {"file": sent(camt(Row("1.00")))})
    again = bookkeeper.post_form(PATH, {"file": sent(camt(Row("1.00")), "again.xml")})

    assert (again.status_code, again.json()["id"], again.json()["duplicate"]) == (200, first.json()["id"], True)


def test_upload_is_repeated_under_its_key(bookkeeper, bank_account):
    content, key = camt(Row("89.00", "one")), {"Idempotency-Key": "a"}
    first = bookkeeper.post_form(PATH, {"file": sent(content)}, **key)
    again = bookkeeper.post_form(PATH, {"file": sent(content)}, **key)
    other = bookkeeper.post_form(PATH, {"file": sent(camt(Row("1.00")))}, **key)
    field = bookkeeper.post_form(PATH, {"file": sent(content), "bank_account": str(bank_account.pk)}, **key)

    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (202, 202, "true")
    assert again.json() == first.json()
    assert is_problem(other, 422, "idempotency-key-reused")
    assert is_problem(field, 422, "idempotency-key-reused")
    assert StatementFile.objects.count() == 1


def test_refused_file_says_row_and_why(bookkeeper, bank_account, run_effects):
    broken = camt(Row("89.00"), Row("1.00")).replace(b">1.00<", b">1.x<")
    taken = bookkeeper.post_form(PATH, {"file": sent(broken)})
    run_effects()

    file = bookkeeper.get(f"{PATH}{taken.json()['id']}/").json()
    assert (file["status"], file["error"]["row"], file["parts"]) == ("refused", 2, [])


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"file": sent(b"what is this")}, "file"),
        ({"file": sent(b"")}, "file"),
        ({"file": "no file"}, "file"),
        ({}, "file"),
        ({"file": [sent(camt(Row("1.00"))), sent(camt(Row("2.00")))]}, "file"),
        ({"file": sent(camt(Row("1.00"))), "bank_account": "none"}, "bank_account"),
        ({"file": sent(camt(Row("1.00"))), "bank_account": "018f0000-0000-7000-8000-00000000000a"}, "bank_account"),
        ({"file": sent(camt(Row("1.00"))), "profile": "[]"}, "profile"),
        ({"file": sent(camt(Row("1.00"))), "profile": "["}, "profile"),
        ({"file": sent(MAY), "profile": '{"dates": []}'}, "profile"),
        ({"file": sent(MAY), "profile": '{"answers": []}'}, "profile"),
        ({"file": sent(MAY), "profile": '{"answers": {"currency": 1}}'}, "profile"),
        ({"file": sent(MAY), "profile": '{"answers": {"amount_column": "4"}}'}, "currency"),
        ({"file": sent(MAY), "profile": '{"answers": {"amount_column": "4", "currency": "EURO"}}'}, "currency"),
        ({"file": sent(MAY), "profile": "Revolut"}, "profile"),  # its columns are others
        ({"file": sent(MAY), "profile": "A bank"}, "profile"),
        ({"file": sent(MAY)}, "amount_column"),
        ({"file": sent(camt(Row("1.00"))), "profile": ["{}", "{}"]}, "profile"),
        ({"file": sent(camt(Row("1.00"))), "more": "1"}, "more"),
        ({"file": sent(camt(Row("1.00"))), "more": sent(b"1")}, "more"),
    ],
)
def test_wrong_upload_is_refused_by_field(bookkeeper, bank_account, form, field):
    answer = bookkeeper.post_form(PATH, form)

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
    assert not StatementFile.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type", "status", "slug"),
    [
        (file_part(camt(Row("1.00"))), FORM, 400, "malformed-request"),  # without an end
        (file_part(camt(Row("1.00"))) + END, "multipart/form-data", 400, "malformed-request"),
        (file_part(camt(Row("1.00"))) + END, "multipart/form-data; boundary=", 400, "malformed-request"),
        (file_part(camt(Row("1.00"))) + END, f"{FORM}; charset=utf-16", 415, "unsupported-media-type"),
        (part("profile", b"\xff\xfe") + file_part(camt(Row("1.00"))) + END, FORM, 400, "malformed-request"),
        (part("profile", b"x" * 300_000) + file_part(camt(Row("1.00"))) + END, FORM, 413, "payload-too-large"),
        (part("a") * 2000 + file_part(camt(Row("1.00"))) + END, FORM, 400, "malformed-request"),
        (file_part(b"") * 200 + END, FORM, 400, "malformed-request"),
        (b"nothing of the kind", FORM, 400, "malformed-request"),
        (camt(Row("1.00")), "application/xml", 415, "unsupported-media-type"),
        (b"file=x", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"{}", "application/json", 415, "unsupported-media-type"),
        (camt(Row("1.00")), "", 415, "unsupported-media-type"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a"}], ids=["no key", "key"])
def test_body_that_is_no_form_of_ours_is_refused(bookkeeper, bank_account, body, content_type, status, slug, headers):
    answer = bookkeeper.client.generic("POST", BASE + PATH, body, content_type, headers=headers)

    assert is_problem(answer, status, slug)
    assert not StatementFile.objects.exists()


def test_compressed_form_is_not_unpacked(bookkeeper, bank_account):
    answer = bookkeeper.post_form(PATH, {"file": sent(camt(Row("1.00")))}, **{"Content-Encoding": "gzip"})

    assert is_problem(answer, 415, "unsupported-media-type")
    assert not StatementFile.objects.exists()


def test_file_has_20_mb_and_fields_what_other_bodies_have(bookkeeper, bank_account):
    large = camt(Row("1.00")).replace(b"</Document>", b" " * 400_000 + b"</Document>")
    assert bookkeeper.post_form(PATH, {"file": sent(large)}).status_code == 202

    for size in (20 * 1024 * 1024 + 1, 20 * 1024 * 1024 + 70_000):
        refused = bookkeeper.post_form(PATH, {"file": sent(b"x" * size)})
        assert is_problem(refused, 413, "payload-too-large")
    assert StatementFile.objects.count() == 1


def test_form_of_300_kb_is_refused_where_no_file_is_taken(bookkeeper):
    answer = bookkeeper.post_form("billing/admin/bank-accounts/", {"file": sent(b"x" * 300_000)})

    assert is_problem(answer, 413, "payload-too-large")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00b.xml", "\u202egnp.exe", "x" * 5000, "C:\\a\\b.xml"])
def test_name_of_a_file_is_shown_without_what_could_do_harm(bookkeeper, bank_account, name):
    answer = bookkeeper.post_form(PATH, {"file": sent(camt(Row("1.00")), name)})

    assert answer.status_code in (202, 400), answer.content
    for kept in StatementFile.objects.values_list("name", flat=True):
        assert kept.isprintable()
        assert len(kept) <= 255
        assert not set("/\\") & set(kept)


@pytest.mark.parametrize("who", [None, "clerk"])
def test_body_of_somebody_who_may_not_is_answered_like_any_other(who, bank_account, db):
    caller = Caller(UserFactory(is_staff=True)) if who else Caller()

    answer = caller.client.generic("POST", BASE + PATH, file_part(b"x"), FORM)

    assert answer.status_code == (403 if who else 401)


def test_unknown_table_is_refused_with_its_questions(bookkeeper, bank_account):
    answer = bookkeeper.post_form(PATH, {"file": sent(MAY)})

    assert is_problem(answer, 400, "validation-error")
    body = answer.json()
    assert set(body["errors"]) == {"file", "amount_column"}
    [question] = body["questions"]
    assert question["text"] == "Which column is the amount?"
    assert [each["value"] for each in question["answers"]] == ["4", "5"]
    assert body["proposed_profile"] is None
    assert not StatementFile.objects.exists()


def test_answers_are_sent_with_the_table_and_the_profile_with_the_next(bookkeeper, bank_account, run_effects):
    form = {"bank_account": str(bank_account.pk), "profile": json.dumps({"answers": COLUMNS})}
    first = bookkeeper.post_form(PATH, {"file": sent(MAY), **form})
    assert first.status_code == 202, first.content
    profile = json.dumps(StatementFile.objects.get().profile)
    second = bookkeeper.post_form(PATH, {"file": sent(JUNE), **form, "profile": profile})
    run_effects()

    for taken in (first, second):
        file = bookkeeper.get(f"{PATH}{taken.json()['id']}/").json()
        assert (file["status"], file["adds_up"], file["lines"]["total"]) == ("imported", True, 2)


def test_table_without_an_open_question_is_refused_with_the_profile_that_is_proposed(bookkeeper, bank_account):
    content = b"Datum;Zweck;Summe EUR\n13.05.2026;Rent;12,00\n14.05.2026;Fee;-2,00\n"
    form = {"bank_account": str(bank_account.pk)}
    refused = bookkeeper.post_form(PATH, {"file": sent(content), **form})
    assert is_problem(refused, 400, "validation-error")
    assert refused.json()["questions"] == []

    profile = json.dumps(refused.json()["proposed_profile"])
    assert bookkeeper.post_form(PATH, {"file": sent(content), **form, "profile": profile}).status_code == 202


def test_made_profile_is_named(bookkeeper, bank_account):
    content = next(sheet for sheet in SHEETS if sheet.name == "revolut").data()

    taken = bookkeeper.post_form(
        PATH, {"file": sent(content), "bank_account": str(bank_account.pk), "profile": "revolut"}
    )

    assert taken.status_code == 202, taken.content
    assert StatementFile.objects.get().profile["name"] == "Revolut"


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"Authorization": "Bearer none"}, 401)])
def test_body_of_a_stranger_is_not_read(bank_account, headers, status):
    body = UnreadBody(file_part(camt(Row("1.00"))) + END)

    answer = Caller().client.generic("POST", BASE + PATH, b"", FORM, headers=headers, **body.environ)

    assert answer.status_code == status
    assert body.taken == 0


def test_body_of_staff_with_another_duty_is_not_read(bank_account):
    body = UnreadBody(file_part(camt(Row("1.00"))) + END)

    answer = staff("review_payment").client.generic("POST", BASE + PATH, b"", FORM, **body.environ)

    assert is_problem(answer, 403, "permission-denied")
    assert body.taken == 0
