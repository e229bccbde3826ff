from __future__ import annotations

import json

import pytest
from gunicorn.config import Config

from web import server_log

SAID = "cannot reach postgresql://app:hunter2@db/countersign for ann@acme.test"


@pytest.mark.parametrize("form", ["json", "text"])
def test_gunicorn_hides_what_we_hide(monkeypatch, capsys, form):
    monkeypatch.setattr(server_log, "LOG_FORMAT", form)
    config = Config()
    config.set("errorlog", "-")
    log = server_log.ServerLog(config)
    log.setup(config)  # as on SIGHUP

    try:
        raise ConnectionError(SAID)
    except ConnectionError:
        log.exception("A worker is gone: %s", SAID)

    written = capsys.readouterr().err
    assert "hunter2" not in written
    assert "ann@acme.test" not in written
    assert written.count("postgresql://***@db/countersign for ***@***") == 2  # the line and its traceback
    if form == "json":
        (line,) = written.splitlines()
        assert json.loads(line)["logger"] == "gunicorn.error"
        assert json.loads(line)["level"] == "error"
