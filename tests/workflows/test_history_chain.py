"""Changed, added and missing rows of closed days are found: S18 of the security review."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import HistoryHead, TransitionDigest
from core.observability.logging import JsonFormatter
from engine import perform
from engine.models import Transition
from tests.factories import InvoiceFactory, PaymentFactory, StaffFactory
from workflows.security import history_chain
from workflows.security.history_chain import close_days, erase_texts, export_missing, in_groups, verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings, tmp_path):
    settings.HISTORY_HEADS_DIR = str(tmp_path / "heads")
    return tmp_path / "heads"


@pytest.fixture
def clock(clock):
    """Begins at noon: what is hours later is the same day at whatever hour the test runs."""
    clock.go_to(clock.now().replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1))
    return clock


@pytest.fixture
def days(folder, clock):
    """Two days with something in them, and one without: closed."""
    payment = PaymentFactory()
    clock.advance(days=2)
    perform(payment.reject, by=StaffFactory(), reason_code="other", admin_notes="nothing came")
    clock.advance(days=1, hours=3)
    assert close_days() == 3
    return list(HistoryHead.objects.order_by("day"))


def as_owner(*statements):
    tables = ("engine_transition", "core_transitiondigest", "core_historyhead")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM engine_effect")  # that refer to a row which may be deleted
        for sql in statements:
            cursor.execute(sql)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def rejection():
    return Transition.objects.get(name="reject")


def test_days_that_are_over_are_closed_in_their_order(days):
    assert [head.transitions for head in days] == [Transition.objects.count() - 1, 0, 1]
    assert [head.previous for head in days] == ["", days[0].head, days[1].head]
    assert TransitionDigest.objects.count() == Transition.objects.count()
    assert verify().findings == []


def test_day_is_closed_an_hour_after_its_end_and_once_an_hour_is_asked(clock, folder):
    PaymentFactory()
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

    clock.go_to(midnight + timedelta(minutes=50))
    assert close_days() == 0
    clock.go_to(midnight + timedelta(minutes=59))
    assert close_days() == 0
    clock.go_to(midnight + timedelta(minutes=65))
    assert close_days() == 1
    assert close_days() == 0


def test_day_waits_for_a_transaction_that_began_in_it(clock):
    today = clock.today()
    clock.advance(days=2)
    assert history_chain._is_closable(today)

    other = connection.copy()
    try:
        with other.cursor() as cursor:
            for word, is_closable in (("BEGIN", False), ("ROLLBACK", True)):
                cursor.execute(word)
                with connection.cursor() as mine:
                    mine.execute("SELECT pg_stat_clear_snapshot()")  # this test is one transaction
                assert history_chain._is_closable(today) is is_closable
    finally:
        other.close()


def test_a_large_day_is_digested_in_small_commits(monkeypatch, clock, folder):
    for _ in range(3):
        PaymentFactory()
    clock.advance(days=1, hours=2)
    monkeypatch.setattr(
        history_chain, "_DIGEST", history_chain._DIGEST.replace(f"LIMIT {history_chain.TRANSITIONS_AT_ONCE}", "LIMIT 2")
    )

    assert close_days() == 1
    assert verify().findings == []


def test_next_call_finishes_what_one_call_did_not(clock, folder):
    PaymentFactory()
    clock.advance(days=1, hours=2)

    assert close_days(seconds=0) == 0
    clock.advance(hours=1)
    assert close_days() == 1


@pytest.mark.guards("S18", "workflows.security.history_chain.verify")
@pytest.mark.parametrize(
    "change",
    [
        "actor_id = NULL",
        "name = 'approve'",
        "source = 'approved'",
        "target = 'succeeded'",
        "machine = 'invoice'",
        "seq = 7",
        "object_id = gen_random_uuid()",
        "account_id = gen_random_uuid()",
        "cause_id = id",
        "at = at + interval '1 second'",
        "reason = 'another'",
        "inputs = '{}'",
    ],
)
def test_changed_row_is_named(days, change):
    """S18"""
    key = rejection().pk
    as_owner(f"UPDATE engine_transition SET {change} WHERE id = '{key}'")

    assert verify().findings == [f"transition {key}: it was changed after {days[2].day} was closed"]


def test_row_moved_to_another_day_is_named(days):
    key = rejection().pk
    as_owner(f"UPDATE engine_transition SET at = at - interval '1 day' WHERE id = '{key}'")

    assert all(f"transition {key}: " in line for line in verify().findings)
    assert len(verify().findings) == 2


def test_missing_row_is_named(days):
    key = rejection().pk
    as_owner(f"DELETE FROM engine_transition WHERE id = '{key}'")

    assert verify().findings == [f"transition {key}: it is missing, or not of {days[2].day} any more"]


def test_row_that_is_missing_with_its_digest_is_missed(days):
    key = rejection().pk
    as_owner(
        f"DELETE FROM engine_transition WHERE id = '{key}'",
        f"DELETE FROM core_transitiondigest WHERE transition_id = '{key}'",
    )

    assert verify().findings == [f"day {days[2].day}: 1 transitions were closed, 0 digests are there"]


@pytest.mark.parametrize(("back", "words"), [(2, "it was added after"), (9, "it was added before the first day")])
def test_added_row_is_named(days, back, words):
    InvoiceFactory()
    late = Transition.objects.latest("id")
    as_owner(f"UPDATE engine_transition SET at = at - interval '{back} days' WHERE id = '{late.pk}'")

    [line] = verify().findings
    assert line.startswith(f"transition {late.pk}: {words}")


def test_day_without_its_head_is_named(days):
    as_owner(f"DELETE FROM core_historyhead WHERE day = '{days[1].day}'")

    assert verify().findings == [
        f"day {days[1].day}: it has no head",
        f"day {days[2].day}: its head does not follow the one before it",
    ]


@pytest.mark.parametrize("how", ["file", "folder", "hex", "line of the log"])
def test_exported_head_finds_what_the_owner_of_the_tables_has_changed_and_covered_up(days, folder, clock, capsys, how):
    """S18: they compute every digest and head again; what was carried away before does not fit."""
    key, last = rejection().pk, days[2]
    head = {
        "file": str(folder / f"{last.day}.json"),
        "folder": str(folder),
        "hex": last.head,
        "line of the log": in_groups(last.head),
    }[how]
    call_command("verify_history", head=[head])
    as_owner(
        f"UPDATE engine_transition SET actor_id = NULL WHERE id = '{key}'",
        f"DELETE FROM core_transitiondigest WHERE transition_id = '{key}'",
        f"DELETE FROM core_historyhead WHERE day = '{last.day}'",
    )
    (folder / f"{last.day}.json").rename(folder / "carried-away.json")
    clock.advance(hours=1)
    assert close_days() == 1
    (folder / "carried-away.json").rename(folder / f"{last.day}.json")

    call_command("verify_history")  # among themselves they agree
    capsys.readouterr()
    with pytest.raises(CommandError, match="the history is not as it was"):
        call_command("verify_history", head=[head])
    [line] = capsys.readouterr().out.splitlines()
    words = "no day leads to it any more" if how in ("hex", "line of the log") else f"day {last.day}: its head is not"
    assert words in line
    assert in_groups(last.head) in line


def test_erased_rows_are_counted_and_the_history_stays_whole(days, capsys):
    key = rejection().pk

    assert erase_texts([key], reason="asked on 3 May") == 1

    assert rejection().inputs == {}
    call_command("verify_history", head=[days[2].head])
    assert capsys.readouterr().out.endswith("of 3 days are as they were, 1 rows erased, 1 exported heads hold.\n")


def test_texts_are_not_changed_under_the_word_that_they_were_erased(days):
    key = rejection().pk
    erase_texts([key], reason="asked on 3 May")

    as_owner(f"UPDATE engine_transition SET reason = 'another' WHERE id = '{key}'")

    assert verify().findings == [f"transition {key}: its texts are said to be erased, and are there"]


def test_same_texts_have_different_digests(days):
    assert len(set(TransitionDigest.objects.values_list("texts", flat=True))) == TransitionDigest.objects.count()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_transitiondigest SET salt = gen_random_uuid()",
        "UPDATE core_transitiondigest SET whole = texts",
        "UPDATE core_transitiondigest SET day = day - 1",
        "DELETE FROM core_transitiondigest",
        "UPDATE core_historyhead SET head = previous",
        "DELETE FROM core_historyhead",
    ],
)
def test_closed_day_cannot_be_changed(days, sql):
    with (
        pytest.raises(IntegrityError, match=r"frozen|has a history|append-only"),
        atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_head_is_exported_to_a_file_and_to_the_log(clock, folder, caplog):
    PaymentFactory()
    clock.advance(days=1, hours=2)
    caplog.set_level(logging.INFO, logger="countersign.security")

    close_days()

    head = HistoryHead.objects.get()
    assert json.loads((folder / f"{head.day}.json").read_text()) == {
        "day": str(head.day),
        "transitions": head.transitions,
        "head": head.head,
        "previous": "",
    }
    [line] = [record for record in caplog.records if record.name == "countersign.security"]
    said = json.loads(JsonFormatter().format(line))
    assert said["event"] == "history_head"
    assert said["head"].replace("-", "") == head.head


def test_file_that_is_there_is_never_written_again_and_one_that_is_not_is(days, folder):
    first, second = (folder / f"{head.day}.json" for head in days[:2])
    first.write_text("as it was carried away")
    second.unlink()

    export_missing()

    assert first.read_text() == "as it was carried away"
    assert json.loads(second.read_text())["head"] == days[1].head


def test_folder_that_cannot_be_written_to_holds_nothing_up(settings, clock, caplog, tmp_path):
    (tmp_path / "file").write_text("")
    settings.HISTORY_HEADS_DIR = str(tmp_path / "file" / "heads")
    PaymentFactory()
    clock.advance(days=1, hours=2)

    assert close_days() == 1
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize("name", ["nowhere.json", "x"])
def test_malformed_head_is_refused(days, name):
    with pytest.raises(CommandError):
        call_command("verify_history", head=[name])


def test_file_that_is_no_head_is_refused(days, tmp_path):
    for text in ("", "[]", '{"day": "x", "head": "y"}', '{"day": "2026-01-01"}'):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(CommandError, match="is not the head of a day"):
            call_command("verify_history", head=[str(tmp_path / "x.json")])


def test_without_a_closed_day_nothing_is_found_and_no_exported_head_holds():
    PaymentFactory()

    assert verify().findings == []
    assert len(verify([(None, "0" * 64)]).findings) == 1
