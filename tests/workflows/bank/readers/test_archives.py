from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hypothesis_profile import deterministic
from workflows.bank.readers import archives
from workflows.bank.readers.statement import UnreadableStatementError


def packed(files, *, method=zipfile.ZIP_DEFLATED, comment=b""):
    data = BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
        archive.comment = comment
    return data.getvalue()


def unpacked(data):
    return [(name, content.read()) for name, content in archives.members(BytesIO(data))]


def refusal(data):
    with pytest.raises(UnreadableStatementError) as refused:
        unpacked(data)
    return refused.value.detail


FILES = [("march.xml", b"<a/>" * 1000), ("folder/april.sta", b":20:"), ("march.xml2", b"")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("comment", [b"", b"written by a bank", b"x" * 65_535])
def test_files_come_out_in_their_order(method, comment):
    data = packed(FILES, method=method, comment=comment)

    assert archives.is_archive(data[:4])
    assert unpacked(data) == [("march.xml", b"<a/>" * 1000), ("april.sta", b":20:"), ("march.xml2", b"")]


def test_content_is_read_in_pieces():
    _, content = next(members := archives.members(BytesIO(packed([("a", b"0123456789")]))))

    assert [content.read(4), content.read(4), content.read(4), content.read(4)] == [b"0123", b"4567", b"89", b""]
    assert list(members) == []


def test_folders_and_what_a_mac_adds_are_left_out():
    data = packed([("folder/", b""), ("__MACOSX/._a.xml", b"x"), ("folder/.DS_Store", b"x"), ("folder/a.xml", b"y")])

    assert unpacked(data) == [("a.xml", b"y")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd", "passwd"), ("C:\\bank\\a.csv", "a.csv"), ("a\x1b[2Jb", "a?[2Jb"), ("x" * 900, "x" * 200)],
)
def test_name_is_shown_without_folders_and_control_signs(name, shown):
    assert unpacked(packed([(name, b"1")])) == [(shown, b"1")]


def test_fifty_files_are_read_and_one_more_is_refused():
    files = [(f"{number}.xml", b"1") for number in range(51)]

    assert len(unpacked(packed(files[:50]))) == 50
    assert "more than 50" in refusal(packed(files))


@pytest.mark.parametrize("claimed", [5_000, 1])
def test_crowded_directory_is_refused_before_it_is_read(claimed):
    data = bytearray(packed([(f"{number}", b"") for number in range(5_000)]))
    struct.pack_into("<2H", data, len(data) - 14, claimed, claimed)
    tracemalloc.start()
    try:
        assert "more than 50" in refusal(bytes(data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1024 * 1024


def test_directory_of_zip64_is_refused():
    data = packed(FILES)
    locator = b"PK\x06\x07" + b"\0" * 16

    assert "more than 50" in refusal(data[:-22] + locator + data[-22:])


def test_file_of_exactly_the_limit_is_read_and_one_byte_more_is_refused(monkeypatch):
    monkeypatch.setattr(archives, "MEMBER_MAX_SIZE", 100_000)

    assert unpacked(packed([("a", b"x" * 100_000)])) == [("a", b"x" * 100_000)]
    assert refusal(packed([("a", b"x" * 100_001)])) == "a has more than 20 MB."


def read_until_refused(data):
    read = 0
    try:
        for _, content in archives.members(BytesIO(data)):
            while piece := content.read(65_536):
                read += len(piece)
    except UnreadableStatementError as error:
        return read, error.detail
    return read, ""


def test_size_is_counted_and_not_believed():
    data = bytearray(packed([("a", bytes(100 * 1024 * 1024))]))
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):  # the sizes that its two headers give
        struct.pack_into("<L", data, data.rfind(signature) + place, 1000)
    tracemalloc.start()
    try:
        read, detail = read_until_refused(bytes(data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert detail
    assert read <= archives.MEMBER_MAX_SIZE
    assert peak < 4 * 1024 * 1024


def test_bomb_is_refused_at_the_limit():
    read, detail = read_until_refused(packed([("a", bytes(100 * 1024 * 1024))]))

    assert detail == "a has more than 20 MB."
    assert read <= archives.MEMBER_MAX_SIZE


def test_zip_within_a_zip_is_refused():
    assert "zip within" in refusal(packed([("a.xml", b"1"), ("b.xml", packed(FILES))]))
    assert "zip within" in refusal(packed([("b.xml", packed([]))]))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_packing_are_refused(method):
    assert "packed in a way" in refusal(packed(FILES, method=method))


def test_file_behind_a_password_is_refused():
    data = bytearray(packed([("a", b"1")]))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + place] |= 1

    assert "password" in refusal(bytes(data))


def test_zip_without_files_is_refused():
    assert "no files" in refusal(packed([]))
    assert "no files" in refusal(packed([("folder/", b"")]))


def test_changed_content_is_refused():
    data = packed([("a", b"0123456789")], method=zipfile.ZIP_STORED).replace(b"0123456789", b"0123456780", 1)

    assert refusal(data) == "a is damaged within the zip."


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x03\x04" + b"x" * 100_000, b"PK\x05\x06" + b"\xff" * 18])
def test_no_zip_is_refused(data):
    assert refusal(data)


@deterministic
@given(
    st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    st.integers(0, 400),
)
def test_damaged_zip_is_read_or_refused_and_nothing_else(changes, cut):
    data = bytearray(packed(FILES))
    for place, added in changes:
        data[place : place + len(added)] = added

    for candidate in (bytes(data), bytes(data)[:cut]):
        with io.BytesIO(candidate) as stream:
            try:
                for _, content in archives.members(stream):
                    content.read()
            except UnreadableStatementError:
                continue
