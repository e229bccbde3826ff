"""`make up`: what a person at a terminal can do to it."""

from __future__ import annotations

import os
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
    assert stack.output.index("worker | worker starts") < stack.output.index("reviewer@demo.test")
    assert eventually(lambda: len(stack.leftovers()) == 3)  # nothing waits for beat


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
