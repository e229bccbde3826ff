"""The lines of a text file, one after the other, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from workflows.bank.readers.statement import TEXT_MAX_LENGTH, UnreadableStatementError

CHUNK_BYTES = 64 * 1024
LINE_MAX_BYTES = 4 * TEXT_MAX_LENGTH

# Some programs write two CR before the LF. A run of CR is looked at once: else a file of them takes minutes.
_LINE_END = re.compile(rb"(?<!\r)\r*\n|\r")
_LINE_END_OF_TEXT = re.compile(_LINE_END.pattern.decode())


def split_lines(text: str) -> list[str]:
    """Without their ends. The pattern is asked only where it has to be: it takes ten times as long."""
    if "\r\r" in text:
        return _LINE_END_OF_TEXT.split(text)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_rows(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, without line ends and byte-order mark."""
    row, rest = 0, b""
    while chunk := stream.read(CHUNK_BYTES):
        if b"\0" in chunk:
            before = chunk.partition(b"\0")[0]
            raise UnreadableStatementError(
                "A NUL is in the file: this is no text.", row=row + len(_LINE_END.split(before))
            )
        buffer = rest + chunk
        whole = buffer.rstrip(b"\r")  # whose line feed may come with the next piece
        *lines, last = _LINE_END.split(whole)
        for line in lines:
            row += 1
            yield row, line.removeprefix(b"\xef\xbb\xbf")
        rest = last + buffer[len(whole) :]
        if len(rest) > LINE_MAX_BYTES:
            raise UnreadableStatementError("The line is longer than any of a statement.", row=row + 1)
    if rest:
        yield row + 1, rest.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
