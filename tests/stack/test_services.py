"""PostgreSQL and Valkey from the wheels: kept, thrown away, and never left behind."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from stack.postgres import Postgres
from stack.reset import reset
from stack.services import kept_services, throwaway_services
from stack.sockets import runtime_folder
from stack.stale_server import command_of, pid_file
from stack.unprivileged import User, postgres_binaries
from tests.stack.conftest import REPOSITORY, eventually

STARTER = """
import sys, time
from pathlib import Path
from stack.services import kept_services
with kept_services(Path(sys.argv[1]), {}):
    print("up", flush=True)
    time.sleep(60)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another user")


def test_both_answer_and_end_with_their_data():
    with throwaway_services() as services:
        folder = Path(parse_qs(urlsplit(services["DATABASE_URL"]).query)["host"][0])
        server = int(pid_file(folder.parent / "data")[0])
        with psycopg.connect(services["DATABASE_URL"]) as connection:
            row = connection.execute("SELECT current_user, upper('é'), rolsuper FROM pg_roles WHERE rolname = user")
            assert row.fetchone() == ("countersign", "É", False)
        assert ping(services["BROKER_URL"]) == b"+PONG\r\n"

    assert not folder.parent.exists()
    assert command_of(server) == ""


def test_nobody_else_may_enter_where_postgres_listens():
    with throwaway_services() as services:
        folder = Path(parse_qs(urlsplit(services["DATABASE_URL"]).query)["host"][0])

        assert folder.stat().st_mode & 0o777 == 0o700
        assert Path(urlsplit(services["BROKER_URL"]).path).stat().st_mode & 0o777 == 0o700


@as_root
@pytest.mark.guards("S20", "stack.postgres.Access")
def test_what_else_runs_as_the_database_s_user_may_not_sign_in():
    """S20: every process of the user `nobody` was its superuser."""
    nobody = pwd.getpwnam("nobody")
    with throwaway_services() as services:
        url = services["DATABASE_URL"]
        for role in ("countersign", "postgres"):
            with psycopg.connect(url.replace("//countersign@", f"//{role}@")) as connection:
                assert connection.execute("SELECT current_user").fetchone() == (role,)
        psql = postgres_binaries(User(nobody.pw_uid, nobody.pw_gid)) / "psql"
        asked = subprocess.run(
            [
                psql,
                url.replace("//countersign@", "//postgres@"),
                "-c",
                "SELECT 1",
            ],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )

    assert asked.returncode == 2
    assert 'Peer authentication failed for user "postgres"' in asked.stderr


def test_the_second_start_finds_the_rows_of_the_first(open_folder):
    with kept_services(open_folder, {}) as services, psycopg.connect(services["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")

    with kept_services(open_folder, {}) as services, psycopg.connect(services["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT text FROM note").fetchone() == ("kept",)


def test_services_named_in_the_environment_are_not_started(open_folder):
    named = {"DATABASE_URL": "postgresql://elsewhere/db", "BROKER_URL": "redis://elsewhere"}

    with kept_services(open_folder, named) as services:
        assert services == named

    assert list(open_folder.iterdir()) == []


def test_a_killed_postgres_starts_again(postgres):
    postgres.process.kill()

    postgres.start()

    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_pid_that_now_belongs_to_another_does_not_prevent_the_start(postgres):
    postgres.process.kill()
    file = postgres.data / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        file.write_text("\n".join([str(stranger.pid), *pid_file(postgres.data)[1:], ""]))

        postgres.start()

        assert stranger.poll() is None
        stranger.kill()
    assert postgres.process.alive


def test_a_server_left_behind_is_ended_first(postgres, open_folder):
    with runtime_folder() as sockets:
        successor = Postgres(open_folder / "postgres", sockets=sockets, log=open_folder / "log")

        with successor, psycopg.connect(successor.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert not postgres.process.alive


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_services_end_when_their_starter_is_killed(open_folder):
    command = [sys.executable, "-c", STARTER, open_folder]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        server = int(pid_file(open_folder / "postgres")[0])
        starter.kill()

    assert eventually(lambda: command_of(server) == "", within=5)
    assert "database system is shut down" in (open_folder / "log" / "postgres.log").read_text()


@as_root
def test_data_that_postgres_cannot_reach_are_kept_elsewhere_and_told(tmp_path, capsys):
    tmp_path.chmod(0o700)
    with kept_services(tmp_path, {"BROKER_URL": "redis://elsewhere"}):
        assert not (tmp_path / "postgres").exists()

    told = Path(capsys.readouterr().out.strip().rpartition(" ")[2].rstrip("."))
    assert (told / "PG_VERSION").exists()
    reset(tmp_path)
    assert not told.parent.exists()


@as_root
def test_an_ordinary_user_needs_no_other():
    nobody = pwd.getpwnam("nobody")
    with suppress(PermissionError):
        done = subprocess.run(
            [sys.executable, "-c", "from stack.services import *\nwith throwaway_services(): print('up')"],
            cwd=REPOSITORY,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            check=True,
            stdout=subprocess.PIPE,
        )
        assert done.stdout == b"up\n"
        return
    pytest.skip("this interpreter is in a folder that others may not enter")


@pytest.fixture
def postgres(open_folder):
    with (
        runtime_folder() as sockets,
        Postgres(open_folder / "postgres", sockets=sockets, log=open_folder / "log") as postgres,
    ):
        yield postgres


def ping(url: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(urlsplit(url).path)
        connection.sendall(b"PING\r\n")
        return connection.recv(16)
