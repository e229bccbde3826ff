"""A zip of statement files, unpacked with limits that count what comes out and trust no header."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

from workflows.bank.readers.statement import UnreadableStatementError

MEMBERS_MAX_COUNT = 50
MEMBER_MAX_SIZE = 20 * 1024 * 1024

_LOCAL_HEADER = b"PK\x03\x04"
_END_RECORD = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_END_SIZE = 22
_DIRECTORY_MAX_SIZE = MEMBERS_MAX_COUNT * 4096
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a limit of their own


def is_archive(head: bytes) -> bool:
    return head.startswith((_LOCAL_HEADER, _END_RECORD))


def members(stream: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of each file, in order; a content is read before the next is asked for.

    The stream must be seekable. Raises UnreadableStatementError, also while a content is read.
    """
    _check_directory(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = [info for info in archive.infolist() if not _is_leftover(info)]
            _check_members(infos)
            for info in infos:
                with archive.open(info) as packed:
                    content = io.BufferedReader(_Counted(packed, info.filename))
                    if is_archive(content.peek(4)):
                        raise UnreadableStatementError(f"{_shown(info.filename)} is a zip within the zip.")
                    yield _shown(info.filename), content
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, struct.error) as error:
        raise UnreadableStatementError("The zip is damaged.") from error


def _check_directory(stream: BinaryIO) -> None:
    """Before zipfile makes an object of every entry, of which 20 MB may have 400,000."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _END_SIZE - (1 << 16) - 20))
    tail = stream.read()
    # As zipfile looks for it: a record without a comment first.
    is_last = tail[-_END_SIZE:].startswith(_END_RECORD) and tail.endswith(b"\0\0")
    place = len(tail) - _END_SIZE if is_last else tail.rfind(_END_RECORD)
    record = tail[place : place + _END_SIZE]
    if place < 0 or len(record) < _END_SIZE:
        raise UnreadableStatementError("The zip is damaged: it has no directory.")
    count, directory_size = struct.unpack_from("<HI", record, 10)
    is_zip64 = tail[max(0, place - 20) : place].startswith(_ZIP64_LOCATOR)
    # A directory has room for folders and for what a Mac adds, which are left out afterwards.
    if is_zip64 or count > 4 * MEMBERS_MAX_COUNT or directory_size > _DIRECTORY_MAX_SIZE:
        raise _too_many()


def _check_members(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MEMBERS_MAX_COUNT:
        raise _too_many()
    if not infos:
        raise UnreadableStatementError("The zip has no files.")
    for info in infos:
        if info.flag_bits & 1:
            raise UnreadableStatementError(f"{_shown(info.filename)} is protected by a password.")
        if info.compress_type not in _METHODS:
            raise UnreadableStatementError(f"{_shown(info.filename)} is packed in a way that is not supported.")


def _too_many() -> UnreadableStatementError:
    return UnreadableStatementError(f"The zip has more than {MEMBERS_MAX_COUNT} files.")


def _is_leftover(info: zipfile.ZipInfo) -> bool:
    """A folder, or what a Mac adds."""
    return info.is_dir() or info.filename.startswith("__MACOSX/") or info.filename.endswith(".DS_Store")


def _shown(name: str) -> str:
    """For people only: nothing is written under that name."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in name.replace("\\", "/").rpartition("/")[2])
    return plain[:200] or "A file without a name"


class _Counted(io.RawIOBase):
    """What comes out of one member, up to the limit."""

    def __init__(self, packed: IO[bytes], name: str) -> None:
        self._packed, self._name, self._size = packed, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            piece = self._packed.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise UnreadableStatementError(f"{_shown(self._name)} is damaged within the zip.") from error
        self._size += len(piece)
        if self._size > MEMBER_MAX_SIZE:
            raise UnreadableStatementError(f"{_shown(self._name)} has more than 20 MB.")
        buffer[: len(piece)] = piece
        return len(piece)
