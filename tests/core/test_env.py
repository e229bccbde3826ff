from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from core.env import _Env, _StrippingFileMapping, email, env, metrics_token
from core.security.checks import check_email_backend, check_idle_transaction_timeout
from engine.pipeline import ask, session_pid

ROOT = Path(__file__).parents[2]


def test_a_secret_may_be_a_file_and_its_last_line_may_end(tmp_path):
    (tmp_path / "token").write_text("a token of sixteen or more\n")
    mapping = _StrippingFileMapping({"METRICS_TOKEN_FILE": str(tmp_path / "token"), "METRICS_TOKEN": ""})

    assert mapping["METRICS_TOKEN"] == "a token of sixteen or more"
    assert isinstance(env, _Env)


def test_a_short_token_is_refused_in_earnest(monkeypatch):
    monkeypatch.setenv("METRICS_TOKEN", "short")

    with pytest.raises(ImproperlyConfigured, match="shorter than 16"):
        metrics_token(debug=False)
    assert metrics_token(debug=True) == "short"


@pytest.mark.parametrize("command", ["web", "worker", "beat", "migrate"])
def test_a_start_is_refused_in_one_line(command):
    unset = {"SECRET_KEY": "", "DEBUG": "false", "DJANGO_SETTINGS_MODULE": "core.settings"}
    started = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env=os.environ | unset,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert started.returncode == 1
    (line,) = (started.stdout + started.stderr).splitlines()
    assert line.startswith("SECRET_KEY is missing")


def test_mail_goes_over_tls_when_the_url_says_so(monkeypatch):
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://app:hunter2@mail.test:587")
    assert email()["EMAIL_USE_TLS"] is True

    monkeypatch.setenv("EMAIL_URL", "smtp+ssl://app:hunter2@mail.test:465")
    assert email()["EMAIL_USE_SSL"] is True


def test_a_wish_for_tls_that_nobody_reads_is_refused(monkeypatch):
    monkeypatch.setenv("EMAIL_URL", "smtp://app:hunter2@mail.test:587?tls=true")

    with pytest.raises(ImproperlyConfigured, match=r"smtp\+tls://") as refusal:
        email()
    assert "hunter2" not in str(refusal.value)


@pytest.mark.django_db
def test_a_session_in_which_a_sleeper_keeps_its_locks_is_told_of():
    assert check_idle_transaction_timeout(databases=["default"]) == []

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")

    assert [found.id for found in check_idle_transaction_timeout(databases=["default"])] == ["core.W003"]
    assert check_idle_transaction_timeout() == []


@pytest.mark.django_db
@pytest.mark.parametrize(("is_ours", "pooler_keeps", "plans"), [(True, False, 1), (False, False, 0), (False, True, 1)])
def test_statements_are_planned_once_in_a_session_of_our_own_or_where_the_pooler_keeps_them(
    monkeypatch, settings, is_ours, pooler_keeps, plans
):
    settings.ENGINE_POOLER_KEEPS_PREPARED_STATEMENTS = pooler_keeps
    pid, mark = session_pid(), f"planned_{is_ours}_{pooler_keeps}".lower()
    monkeypatch.setattr(connection.connection, "has_own_session", is_ours, raising=False)

    for _ in range(6):
        assert ask(f"SELECT pg_backend_pid() = %s::int AS {mark}", [pid]).fetchone() == (True,)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", [f"%{mark}%"])
        assert cursor.fetchone() == (plans,)


@pytest.mark.guards("S20", "core.security.checks.check_email_backend")
def test_mails_that_become_files_are_told_of_before_customers_come(settings, monkeypatch):
    """S20: in production too, without a word."""
    monkeypatch.setenv("EMAIL_URL", "smtp://mail.test:25")
    settings.EMAIL_BACKEND = email()["EMAIL_BACKEND"]
    assert check_email_backend() == []

    monkeypatch.setenv("EMAIL_URL", "")
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = email().values()
    assert [found.id for found in check_email_backend()] == ["core.W010"]
