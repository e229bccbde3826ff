"""`make up`: what a person at a terminal can do to it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from tests.stack.conftest import eventually


def test_it_says_where_it_is_and_how_to_log_in_once_everything_works(up, port):
    stack = up()

    stack.wait_until_ready()

    assert f"Site   http://localhost:{port}/" in stack.output
    assert re.search(r"^ *worker +\| worker starts", stack.output, re.MULTILINE).start() < stack.output.index(
        "reviewer@demo.test"
    )
    assert eventually(lambda: len(stack.leftovers()) == 4)  # nothing waits for beat


def test_large_statements_have_a_worker_of_their_own(up, checkout):
    stack = up()
    stack.wait_until_ready()

    slow, other = stack.told("slow-worker"), stack.told("worker")
    assert slow["WORKER_QUEUES"] == "slow"
    assert "WORKER_QUEUES" not in other
    assert slow["WORKER_READY_FILE"] != other["WORKER_READY_FILE"]
    os.kill(stack.pid("slow-worker"), signal.SIGTERM)
    assert stack.process.wait(30) == 1
    assert "slow-worker ended by itself with status 0" in stack.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_stop_is_a_success_and_leaves_nothing(up, number):
    stack = up()
    stack.wait_until_ready()

    status = stack.end(number)

    assert status == 0
    assert stack.leftovers() == []
    assert "Traceback" not in stack.output


def test_it_stops_when_nobody_reads_what_it_says(up):
    stack = up(output=subprocess.PIPE)
    while stack.process.stdout.readline() != b"Ctrl-C stops everything; the data stay.\n":
        pass

    stack.process.stdout.close()

    assert stack.process.wait(30) == 0
    assert stack.leftovers() == []


def test_it_can_be_told_to_stop_before_it_is_ready(up, checkout):
    stack = up()
    assert eventually((checkout / "worker.pid").exists)

    assert stack.end(signal.SIGTERM) == 0
    assert eventually(lambda: stack.leftovers() == [], within=5)


def test_a_process_that_ends_by_itself_stops_all_and_is_named(up, checkout):
    stack = up()
    stack.wait_until_ready()

    os.kill(stack.pid("worker"), signal.SIGTERM)

    assert stack.process.wait(30) == 1
    assert f"worker ended by itself with status 0. Its log, {checkout}/var/log/worker.log," in stack.output
    assert stack.leftovers() == []


@pytest.mark.parametrize("command", ["migrate", "beat"])
def test_a_process_that_fails_shows_why(up, command):
    stack = up(FAILS=command)

    assert stack.process.wait(30) == 1
    assert f"{command} " in stack.output
    assert "    out of ink" in stack.output
    assert "Traceback" not in stack.output
    assert stack.leftovers() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_even_a_killed_stack_leaves_nothing(up):
    stack = up()
    stack.wait_until_ready()

    stack.end(signal.SIGKILL)

    assert eventually(lambda: stack.leftovers() == [], within=5)


def test_a_second_one_on_the_same_data_refuses_in_one_line(up, checkout):
    first = up()
    first.wait_until_ready()
    (checkout / "output").rename(checkout / "first-output")

    second = up()

    assert second.process.wait(30) == 1
    assert second.output == f"The stack is already up on {checkout}/var: stop that one first.\n"
    assert first.process.poll() is None


def test_a_port_in_use_is_told_in_one_line(up, port):
    with socket.create_server(("127.0.0.1", port)):
        stack = up()

        assert stack.process.wait(30) == 1

    assert stack.output.startswith(f"Port {port} cannot be used (Address already in use): ")
    assert stack.output.count("\n") == 1


def test_a_port_that_is_none_is_told_in_one_line(up):
    stack = up(PORT="http")

    assert stack.process.wait(30) == 1
    assert stack.output == "PORT must be a number from 1 to 65535, not 'http'.\n"


def test_a_demo_of_this_machine_alone_keeps_the_known_password(up):
    stack = up(SECRET_KEY="")
    stack.wait_until_ready()

    assert "Password for all of them: demo-demo-demo" in stack.output
    assert stack.told("web")["DEBUG"] == "true"
    assert "DEMO_PASSWORD" not in stack.told("web")
    assert not (stack.checkout / "var/demo_password").exists()


@pytest.mark.guards("S9", "stack.secret_files.secret_key")
def test_each_demo_signs_with_a_secret_of_its_own(up, port):
    """S9: it was the one of the repository, so sessions and links could be made by anybody."""
    first = up(SECRET_KEY="")
    first.wait_until_ready()
    drawn = first.told("web")["SECRET_KEY"]
    first.end(signal.SIGTERM)
    (first.checkout / "output").unlink()
    second = up(SECRET_KEY="")
    second.wait_until_ready()

    assert len(drawn) >= 48
    assert second.told("web")["SECRET_KEY"] == second.told("worker")["SECRET_KEY"] == drawn
    assert (second.checkout / "var/secret_key").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_the_person_has_is_used(up):
    stack = up(SECRET_KEY="a secret of mine")
    stack.wait_until_ready()

    assert stack.told("web")["SECRET_KEY"] == "a secret of mine"
    assert not (stack.checkout / "var/secret_key").exists()


@pytest.mark.guards("S9", "stack.secret_files.demo_password")
def test_a_demo_that_others_can_reach_draws_a_password_and_shows_no_error_pages(up):
    """S9: anybody on the same network had the superuser's password."""
    first = up(BIND="0.0.0.0", SECRET_KEY="")
    first.wait_until_ready()
    (password,) = re.findall(r"Password for all of them: (\S+)", first.output)
    assert len(password) >= 16
    assert first.told("seed_demo")["DEMO_PASSWORD"] == password
    assert first.told("web")["DEBUG"] == "false"
    assert "localhost" in first.told("web")["ALLOWED_HOSTS"].split(",")
    assert "open to the network" in first.output
    assert (first.checkout / "collectstatic.pid").exists()
    assert (first.checkout / "var/demo_password").stat().st_mode & 0o777 == 0o600
    first.end(signal.SIGTERM)

    (first.checkout / "output").unlink()
    second = up(SECRET_KEY="")  # for this machine alone again: the log-ins have what was drawn
    second.wait_until_ready()
    assert f"Password for all of them: {password}" in second.output


def test_a_password_may_be_given(up):
    stack = up(DEMO_PASSWORD="a password of mine", SECRET_KEY="")
    stack.wait_until_ready()

    assert "Password for all of them: a password of mine" in stack.output
    assert stack.told("seed_demo")["DEMO_PASSWORD"] == "a password of mine"


@pytest.mark.guards("S20", "stack.up.close_to_others")
def test_what_it_writes_is_for_its_own_user(up, checkout):
    """S20: mails with links that set passwords lay open to every user of the machine."""
    (checkout / "var/mail").mkdir(parents=True, mode=0o755)
    stack = up()
    stack.wait_until_ready()

    var = checkout / "var"
    assert var.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    assert [(var / name).stat().st_mode & 0o777 for name in ("mail", "log")] == [0o700, 0o700]
    assert {file.stat().st_mode & 0o777 for file in (var / "log").iterdir()} == {0o600}
    assert (checkout / "web.pid").stat().st_mode & 0o777 == 0o600  # its processes inherit that
