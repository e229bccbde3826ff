"""The real processes beside a test, to kill and to restart."""

from __future__ import annotations

import pytest

from stack.application import Application
from stack.problems import StackError
from stack.stale_server import command_of
from tests.stack.conftest import eventually


def test_a_process_can_be_killed_and_restarted(checkout, port):
    application = Application(checkout / "var", port=port, environment={}, root=checkout)
    application.prepare()

    with application.running():
        worker = application.process("worker")
        first = worker.pid
        worker.kill()
        with pytest.raises(StackError, match="worker ended by itself with status -9"):
            application.must_live()
        worker.start()
        assert eventually(lambda: worker.log.read_text().count("worker starts") == 2)
        application.must_live()
        pids = [application.process(name).pid for name in ("web", "worker", "beat")]

    assert command_of(first) == ""
    assert [command_of(pid) for pid in pids] == ["", "", ""]
