from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from core.models import StatementLine
from tests.workflows.bank.statement_files import Row, camt
from tests.workflows.bank.tables import MAY
from workflows.bank import importing

pytestmark = pytest.mark.django_db


def run(capsys, *words):
    status = 0
    try:
        call_command("import_statements", *words)
    except SystemExit as ended:
        status = ended.code
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_file_is_a_line_of_json_and_a_refused_one_is_the_status(bank_account, tmp_path, capsys):
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_bytes(camt(Row("89.00", "one")))
    bad.write_bytes(camt(Row("1.00")).replace(b">1.00<", b">1.x<"))

    status, said = run(capsys, str(good), str(bad), str(good), str(tmp_path / "none.xml"))

    assert status == 1
    assert [line["status"] for line in said] == ["imported", "refused", "imported", "refused"]
    assert said[0]["lines"] == {"total": 1, "new": 1, "known": 0, "pending": 0}
    assert said[0]["closing_balance"] == "189.00"
    assert said[1]["error"]["row"] == 1
    assert said[2]["duplicate"] is True
    assert StatementLine.objects.count() == 1


def test_large_file_needs_no_other_worker(bank_account, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importing, "SMALL_BYTES", 10)
    (tmp_path / "a.xml").write_bytes(camt(Row("89.00", "one")))

    status, said = run(capsys, str(tmp_path / "a.xml"))

    assert (status, said[0]["status"]) == (0, "imported")


@pytest.mark.parametrize("words", [[], ["x", "--bank-account", "none"], ["--watch", "/nowhere"]])
def test_what_cannot_be_done_is_said(db, words):
    with pytest.raises(CommandError):
        call_command("import_statements", *words)


def test_open_questions_of_a_table_are_printed(bank_account, tmp_path, capsys):
    (tmp_path / "may.csv").write_bytes(MAY)

    status, [said] = run(capsys, str(tmp_path / "may.csv"), "--bank-account", "Main")

    assert (status, said["status"]) == (1, "refused")
    assert [question["name"] for question in said["questions"]] == ["amount_column"]
    assert "Which column is the amount?" in said["error"]["detail"]
    assert not StatementLine.objects.exists()
