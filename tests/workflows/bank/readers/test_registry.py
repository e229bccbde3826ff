from __future__ import annotations

import pytest

from workflows.bank.readers import READERS, camt, find_reader, ofx


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
