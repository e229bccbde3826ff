from __future__ import annotations

from contextlib import suppress
from time import process_time

import pytest

from tests.workflows.bank.readers.reading import read_all
from workflows.bank.readers import READERS, camt, find_reader, ofx
from workflows.bank.readers.statement import UnreadableStatementError


@pytest.mark.parametrize(
    ("head", "reader"),
    [
        (b"<Document><BkToCstmrStmt><GrpHdr/>", camt),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?><n:BkToCstmrAcctRptV01>", camt),
        (b"OFXHEADER:100\nDATA:OFXSGML\n<OFX>", ofx),
        (b"", None),
        (b"Hello", None),
        (b"\0" * 65_536, None),
        (b"<!DOCTYPE html><html>", None),
    ],
)
def test_content_finds_its_reader(head, reader):
    assert find_reader(head) is reader


def test_readers_have_names_of_their_own_and_versions():
    assert len({reader.NAME for reader in READERS}) == len(READERS)
    assert all(reader.VERSION for reader in READERS)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.NAME)
@pytest.mark.parametrize("sign", [b"\r", b"\n", b" ", b"\x01"])
def test_run_of_line_ends_or_blanks_is_looked_at_once(reader, sign):
    """64 KiB took 5 to 40 seconds of CPU where each place of the run was a new beginning."""
    data = sign * (64 * 1024 - 1) + b"x"
    started = process_time()

    reader.sniff(data)
    with suppress(UnreadableStatementError):
        read_all(reader, data)

    assert process_time() - started < 3
