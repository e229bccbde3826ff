"""From bytes to rows of cells, in pieces: charset, line ends, and the limits of one line."""

from __future__ import annotations

import codecs
import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from workflows.bank.readers.delimited.profile import MAX_COLUMNS
from workflows.bank.readers.rows import split_lines
from workflows.bank.readers.statement import UnreadableStatementError

PIECE = HEAD_LENGTH = 65_536
MAX_LINE_LENGTH = 131_072  # csv's own limit of a field, which is global and left alone
MAX_RECORD_LINES = 50
MAX_ROWS = 2_000_000

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream, or a copy on disk for as long: a file is read twice, first to check all of it."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(max_size=1 << 20) as copy:
        while piece := stream.read(PIECE):
            copy.write(piece)
        yield cast("BinaryIO", copy)


def find_encoding(stream: BinaryIO, wanted: str) -> str:
    """A byte order mark wins, then UTF-8 where all bytes are, then what the profile says ("auto": cp1252)."""
    stream.seek(0)
    head = stream.read(4)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if wanted.startswith("utf-16"):
        return wanted
    decoder = codecs.getincrementaldecoder("utf-8")()
    stream.seek(0)
    try:
        while piece := stream.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252" if wanted == "auto" else wanted
    return "utf-8"


def records(stream: BinaryIO, *, encoding: str, delimiter: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """The number of the line that a row begins on, from 1, and its cells without blanks around them."""
    lines = _Lines(stream, encoding)
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        skipinitialspace=True,
        strict=True,  # else a quote that is never closed swallows the rest of the file
    )
    while True:
        row = reader.line_num + 1
        lines.record_starts_at = row
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableStatementError(f"The quotes of this row do not close: {error}.", row=row) from None
        if len(cells) > MAX_COLUMNS:
            raise UnreadableStatementError(f"{len(cells)} columns; {MAX_COLUMNS} is the limit.", row=row)
        if row > MAX_ROWS:
            raise UnreadableStatementError(f"More than {MAX_ROWS} rows.", row=row)
        yield row, [cell.strip() for cell in cells]


def head_text(head: bytes, wanted: str = "auto") -> str | None:
    """The text of these bytes, whose last sign may be cut; None where they are no text. wanted: see `find_encoding`."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = head.decode("utf-16", errors="ignore")
    elif wanted.startswith("utf-16"):
        text = head.decode(wanted, errors="ignore")
    else:
        try:
            text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
        except UnicodeDecodeError:
            text = head.decode("cp1252" if wanted == "auto" else wanted, errors="replace")
    return None if "\0" in text else "\n".join(split_lines(text))


class _Lines:
    """Lines with one kind of end; `\\r\\r\\n` is one end and not an empty line between."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self.record_starts_at = 1
        self._lines = self._read(stream, encoding)

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def _read(self, stream: BinaryIO, encoding: str) -> Iterator[str]:
        for number, line in enumerate(_split(_decoded(stream, encoding)), start=1):
            if "\0" in line:
                raise UnreadableStatementError("A NUL stands in the text.", row=number)
            if len(line) > MAX_LINE_LENGTH:
                raise UnreadableStatementError(f"A line of more than {MAX_LINE_LENGTH} signs.", row=number)
            if number - self.record_starts_at >= MAX_RECORD_LINES:
                raise UnreadableStatementError("A quote is opened here and not closed.", row=self.record_starts_at)
            yield line + "\n"


def _split(pieces: Iterator[str]) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        rest += piece
        if len(rest) > MAX_LINE_LENGTH + PIECE:
            yield rest  # too long, and the caller says so with its row
            return
        keep = len(rest) - len(rest.rstrip("\r"))  # the line feed of this end may come with the next piece
        text, held = (rest[:-keep], rest[-keep:]) if keep else (rest, "")
        *lines, rest = split_lines(text)
        yield from lines
        rest += held
    lines = split_lines(rest)
    yield from lines[:-1] if not lines[-1] else lines


def _decoded(stream: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    row = 1
    while True:
        piece = stream.read(PIECE)
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            row += piece[: error.start].count(b"\n")
            raise UnreadableStatementError(f"A byte that is not {encoding}.", row=row) from None
        yield text
        if not piece:
            return
        row += text.count("\n")
