"""Where no browser starts, the tests of pages are skipped with a reason."""

from __future__ import annotations

import sys

from tests.browser.chromium import fault_of_the_driver


def test_a_driver_that_lacks_a_library_of_the_system_is_told_from_one_that_starts(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'node: error while loading shared libraries: libatomic.so.1' >&2\nexit 127\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))

    fault = fault_of_the_driver()

    assert "libatomic1" in fault
    assert fault.endswith("node: error while loading shared libraries: libatomic.so.1")


def test_a_driver_that_starts_has_no_fault(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho Version 1\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))

    assert fault_of_the_driver() == ""
