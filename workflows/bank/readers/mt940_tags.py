"""The tags of an MT940 file, one after the other, with the number of the line in which each begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from workflows.bank.readers.rows import LINE_MAX_BYTES, read_rows
from workflows.bank.readers.statement import UnreadableStatementError

# Only these begin a line: ":08 Karten" and ":21:45 Uhr" are text.
_TAG = re.compile(rb":(20|25P?|28C?|13D|34F|60[FM]?|61|62[FM]?|64|65|86|90[CD]|NS):(.*)", re.DOTALL)
_FRAME = b"\x01\x03"  # signs around a message
_MESSAGE_END = re.compile(rb"-|-\}.*|\{\d:.*", re.DOTALL)
# What cp852 has as letters and cp1252 as signs or nothing, inside a word.
_DOS_LETTER = re.compile(rb"[A-Za-z][\x81-\x84\x86-\x89\x8b\x8d\x8f\x90\x94\x98\x99\x9b\x9d\x9f-\xa3][A-Za-z]")


class Tag(NamedTuple):
    row: int
    name: str
    value: str

    @property
    def column(self) -> str:
        return f":{self.name}:"

    @property
    def first_line(self) -> str:
        return self.value.partition("\n")[0]


class Lookahead:
    def __init__(self, tags: Iterator[Tag]) -> None:
        self._tags = tags
        self._next: Tag | None = None

    def peek(self) -> Tag | None:
        self._next = self._next or next(self._tags, None)
        return self._next

    def take(self) -> None:
        self._next = None

    def details(self) -> list[Tag]:
        """The :86: and :NS: that follow."""
        found = []
        while (tag := self.peek()) is not None and tag.name in ("86", "NS"):
            self.take()
            found.append(tag)
        return found


def read_tags(stream: BinaryIO) -> Iterator[Tag]:
    row, name, lines = 0, "", [b""]
    after_end: list[bytes] | None = None  # lines behind "-": the head of the next message, or text after all
    size = 0
    for number, line in read_rows(stream):
        line = line.strip(_FRAME)
        if found := _TAG.match(line):
            if name:
                yield _tag(row, name, lines + (after_end or [] if found[1] != b"20" else []))
            row, name, lines, after_end, size = number, found[1].decode(), [found[2]], None, 0
        elif name and line.strip():
            if after_end is None and _MESSAGE_END.fullmatch(line.rstrip()):
                after_end = []
            (lines if after_end is None else after_end).append(line)
            size += len(line)
            if size > LINE_MAX_BYTES:
                raise UnreadableStatementError("The text is longer than any tag's.", row=row, column=f":{name}:")
    if name:
        yield _tag(row, name, lines)


def _tag(row: int, name: str, lines: Sequence[bytes]) -> Tag:
    return Tag(row, name, decoded(b"\n".join(lines)))


def decoded(data: bytes) -> str:
    """UTF-8, else the letters of Windows, or those of DOS where only they make words."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    if not _DOS_LETTER.search(data):
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            pass
    return data.decode("cp852")
