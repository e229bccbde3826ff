from __future__ import annotations

import io
import threading
import zipfile
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection
from django.db.transaction import atomic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import BankAccount, PendingLine, Statement, StatementContent, StatementFile, StatementLine
from core.problems import PayloadTooLarge, PermissionDenied, ValidationError
from engine import bulk_creation
from engine.models import Transition
from tests.factories import StaffFactory, UserFactory
from tests.hypothesis_profile import deterministic
from tests.workflows.bank.statement_files import IBAN, OTHER_IBAN, Row, camt
from workflows.bank import import_statement

pytestmark = pytest.mark.django_db


def test_lines_of_a_file_are_stored_with_what_the_bank_wrote(imported, lines, bank_account):
    content = camt(Row("89.00", "INV-000001", payer="Ann Example", payer_iban=OTHER_IBAN), Row("-12.50", "fee"))

    file = imported(content)

    assert (file.status, file.format, file.error) == ("imported", "CAMT", None)
    first, second = lines()
    assert (first.amount, first.currency, first.payer_name) == (Decimal("89.00"), "EUR", "Ann Example")
    assert (first.payer_account, first.booked_on.isoformat(), first.row) == (OTHER_IBAN, "2026-03-04", 1)
    assert "INV-000001" in first.text
    assert (second.amount, second.status) == (Decimal("-12.50"), "open")
    assert Transition.objects.filter(machine="statementline", object_id=first.pk, name="begin").count() == 1
    part = Statement.objects.get(file=file)
    assert (part.bank_account, part.opening, part.closing) == (bank_account, Decimal(100), Decimal("176.50"))
    assert (part.adds_up, part.lines_total, part.lines_new, part.credits, part.debits) == (
        True, 2, 2, Decimal("89.00"), Decimal("12.50"),
    )  # fmt: skip


def test_same_bytes_are_imported_once(imported, bookkeeper, lines):
    content = camt(Row("89.00", "one"))
    first = imported(content)

    again, is_duplicate = import_statement(content, name="again.xml", by=bookkeeper)

    assert is_duplicate
    assert again == first
    assert len(lines()) == 1


def test_two_equal_lines_of_a_day_are_two(imported, lines):
    equal = Row("9.00", "coffee")
    imported(camt(equal, equal))
    imported(camt(equal, Row("1.00", "later"), equal, opening="0.00"))

    assert sorted(line.occurrence for line in lines() if line.amount == 9) == [1, 2]
    assert Statement.objects.order_by("-id").first().lines_known == 2


ROWS = st.builds(
    Row,
    amount=st.sampled_from(["9.00", "10.00", "-9.00"]),
    text=st.sampled_from(["a", "b"]),
    day=st.sampled_from(["2026-03-02", "2026-03-03", "2026-03-04"]),
)


@settings(deterministic, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(ROWS, max_size=8),
    windows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=4),
    random=st.randoms(),
)
def test_overlapping_files_are_their_union(imported, rows, windows, random):
    """Whole days, in any order of files and rows: that is how statements are downloaded."""
    days = ["2026-03-02", "2026-03-03", "2026-03-04"]
    expected: Counter[tuple[str, str, str]] = Counter()
    with atomic():
        for first, last in windows:
            some = [row for row in rows if days[min(first, last)] <= row.day <= days[max(first, last)]]
            random.shuffle(some)
            expected |= Counter((row.day, row.amount, row.text) for row in some)
            imported(camt(*some, opening=f"{random.randrange(10**6)}.00"))

        stored = StatementLine.objects.values_list("booked_on", "amount", "text")
        found = Counter((day.isoformat(), f"{amount:.2f}", text) for day, amount, text in stored)
        assert found == expected
        connection.set_rollback(True)


def test_file_that_does_not_add_up_is_stored_and_says_where(imported):
    file = imported(camt(Row("89.00", "one"), closing="500.00"))

    part = Statement.objects.get(file=file)
    assert file.status == "imported"
    assert part.adds_up is False
    assert "189.00" in part.first_break["detail"]
    assert "500.00" in part.first_break["detail"]


def test_refused_file_leaves_its_digest_and_error_alone(imported, bookkeeper):
    broken = camt(Row("89.00", "one"), Row("1.00", "two")).replace(b">1.00<", b">1.x<")

    file = imported(broken)

    assert file.status == "refused"
    assert file.error["row"] == 2
    assert not StatementContent.objects.exists()
    assert not StatementLine.objects.exists()
    assert not Statement.objects.exists()
    again, is_duplicate = import_statement(broken, name="again.xml", by=bookkeeper)
    assert not is_duplicate
    assert again != file


def test_interim_report_that_declares_its_pending_entries_adds_up(imported, lines):
    rows = (":20:R", f":25:{IBAN}", ":28C:1/1", ":34F:EUR0,", ":13D:2603041200+0100",
            ":61:2603040304C5,00NTRFNONREF", ":86:soon", ":90D:0EUR0,00", ":90C:1EUR5,00", "-")  # fmt: skip

    file = imported("\r\n".join(rows).encode())

    assert (file.status, file.format, lines()) == ("imported", "mt940", [])
    part = Statement.objects.get(file=file)
    assert (part.adds_up, part.first_break, part.lines_pending) == (True, None, 1)


@pytest.mark.parametrize(
    ("number", "is_taken"),
    [("0006820101", True), ("6820101", True), ("0000000000", False), ("01", False), ("99", False)],
)
def test_number_that_a_file_names_is_the_end_of_our_iban(imported, bank_account, number, is_taken):
    content = camt(Row("1.00", "one")).replace(
        f"<IBAN>{IBAN}</IBAN>".encode(), f"<Othr><Id>{number}</Id></Othr>".encode()
    )

    if is_taken:
        assert imported(content, bank_account=bank_account).status == "imported"
    else:
        with pytest.raises(ValidationError) as refused:
            imported(content, bank_account=bank_account)
        assert "no bank account of yours" in refused.value.members["errors"]["file"][0]


def test_pending_lines_are_apart_and_replaced(imported, lines):
    imported(camt(Row("5.00", "soon", pending=True), Row("1.00", "booked")))
    assert [(line.amount, line.text) for line in lines()] == [(Decimal("1.00"), "booked")]
    assert list(PendingLine.objects.values_list("amount", flat=True)) == [Decimal("5.00")]

    imported(camt(Row("5.00", "soon"), opening="101.00"))

    assert not PendingLine.objects.exists()
    assert len(lines()) == 2


def test_zip_of_two_days_is_one_file_with_two_parts(imported, lines):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.xml", camt(Row("1.00", "one", day="2026-03-02")))
        archive.writestr("b.xml", camt(Row("2.00", "two", day="2026-03-03")))

    file = imported(packed.getvalue())

    assert file.status == "imported", file.error
    assert [part.position for part in file.parts.order_by("position")] == [0, 1]
    assert [line.amount for line in lines()] == [1, 2]


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        (camt(Row("1.00"), iban="DE89370400440532013000"), "file", "no bank account of yours"),
        (b"what is this", "file", "no statement that can be read"),
        (b"", "file", "no statement that can be read"),
        (b"\x00" * 1000, "file", "no statement that can be read"),
    ],
    ids=["foreign account", "unknown form", "empty", "NUL"],
)
def test_what_the_beginning_shows_is_refused_at_once(bank_account, bookkeeper, content, field, words):
    with pytest.raises(ValidationError) as refused:
        import_statement(content, name="x", by=bookkeeper)

    assert words in refused.value.members["errors"][field][0]
    assert not StatementFile.objects.exists()


def test_file_of_another_currency_is_refused(imported):
    file = imported(camt(Row("1.00"), currency="USD"), bank_account=BankAccount.objects.get())

    assert file.status == "refused"
    assert "USD" in file.error["detail"]


def test_file_above_20_mb_is_refused(bank_account, bookkeeper):
    with pytest.raises(PayloadTooLarge):
        import_statement(b"x" * (20 * 1024 * 1024 + 1), name="x", by=bookkeeper)


@pytest.mark.parametrize("somebody", [UserFactory, StaffFactory])
def test_only_who_may_import_does(bank_account, somebody):
    with pytest.raises(PermissionDenied):
        import_statement(camt(Row("1.00")), name="x", by=somebody())


@pytest.mark.parametrize("point", ["claim", "start", "work", "done"])
def test_worker_that_dies_leaves_all_or_nothing(
    point, bank_account, bookkeeper, run_effects, crash_after, advance, lines
):
    file, _ = import_statement(camt(Row("1.00"), Row("2.00")), name="x", by=bookkeeper)
    with crash_after(point):
        run_effects()
    assert len(lines()) in (0, 2)

    advance(minutes=1)
    run_effects()

    file.refresh_from_db()
    assert (file.status, len(lines())) == ("imported", 2)


@pytest.mark.parametrize("death", range(1, 11))
def test_import_that_ends_in_the_middle_stores_nothing(
    death, bank_account, bookkeeper, monkeypatch, advance, run_effects
):
    """At any of its COPYs: two of each part of a file."""
    monkeypatch.setattr(bulk_creation, "COPY_ROWS", 2)
    monkeypatch.setattr("workflows.bank.importing.COPY_ROWS", 2)
    copies = Counter[str]()
    copy = bulk_creation._copy

    def dying(*given):
        copies["all"] += 1
        if copies["all"] == death:
            raise RuntimeError("killed")
        copy(*given)

    monkeypatch.setattr(bulk_creation, "_copy", dying)
    file, _ = import_statement(camt(*(Row("1.00", f"{n}") for n in range(10))), name="x", by=bookkeeper)
    run_effects()
    assert not StatementLine.objects.exists()

    monkeypatch.setattr(bulk_creation, "_copy", copy)
    advance(minutes=10)
    run_effects()

    file.refresh_from_db()
    assert (file.status, StatementLine.objects.count()) == ("imported", 10)


@pytest.mark.django_db(transaction=True)
def test_one_file_sent_by_eight_at_once_is_one(bank_account, bookkeeper, run_effects):
    content, answers = camt(Row("1.00")), []

    def send() -> None:
        try:
            answers.append(import_statement(content, name="x", by=bookkeeper))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_effects()

    assert len(answers) == 8
    assert sum(not is_duplicate for _, is_duplicate in answers) == 1
    assert StatementLine.objects.count() == 1


def test_account_that_the_file_does_not_name_has_to_be_chosen(bookkeeper, bank_account):
    silent = camt(Row("1.00")).replace(f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>".encode(), b"")

    with pytest.raises(ValidationError) as refused:
        import_statement(silent, name="x", by=bookkeeper)

    assert "choose one" in refused.value.members["errors"]["bank_account"][0]
