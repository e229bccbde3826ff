"""XML in pieces, as records of its repeated parts: expat with limits, and nothing of a DTD."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from xml.parsers import expat

from workflows.bank.readers.statement import TEXT_MAX_LENGTH, UnreadableStatementError

# Path of local names below the record -> the texts found there; of a nested element -> records.
# The currency of an amount stands under its path and "@Ccy".
Record = dict[str, list[Any]]

CHUNK = 64 * 1024
TOKEN_MAX_SIZE = 1024 * 1024  # expat before 2.6 reads an unfinished tag from its start with every piece
DEPTH_MAX = 60
RECORD_MAX_SIZE = 16 * 1024 * 1024  # characters, and 40 for each value: a batch of some 10,000 transactions
VALUE_SIZE = 40

_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
# Python knows more codecs than are charsets, "idna" and "unicode_escape" among them.
_CHARSETS = re.compile(r"utf-8|utf-16|ascii|iso8859-\d{1,2}|cp125\d")
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def texts(record: Record, path: str) -> list[str]:
    return record.get(path) or []


def first(record: Record, *paths: str) -> str:
    """The first text at the first of these paths that has one; "" where none has."""
    for path in paths:
        if path in record:
            return str(record[path][0])
    return ""


def parts(record: Record, *paths: str) -> list[Record]:
    return [value for path in paths for value in record.get(path, ())]


def stream_records(
    stream: BinaryIO, *, outer: Callable[[str, str], bool], repeated: str, nested: frozenset[str]
) -> Iterator[tuple[Record, Record | None]]:
    """(outer record so far, one of its `repeated` parts), then (outer record, None) at its end; in order.

    `outer` says by the local names of an element and its parent whether a record begins. Elements in `nested` become
    records within these. Raises UnreadableStatementError: broken, DOCTYPE, wrong charset, above a limit.
    """
    parser = _Parser(outer=outer, repeated=repeated, nested=nested)
    while chunk := stream.read(CHUNK):
        parser.feed(chunk)
        yield from parser.taken()
    parser.close()
    yield from parser.taken()


class _Parser:
    """One document: fed in pieces, it gives the records that are complete."""

    def __init__(self, *, outer: Callable[[str, str], bool], repeated: str, nested: frozenset[str]) -> None:
        self._outer, self._repeated, self._nested = outer, repeated, nested
        self._expat: expat.XMLParserType | None = None
        self._charset = ""
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._is_ascii = True
        self._size = 0
        self._done: list[tuple[Record, Record | None]] = []
        self._names: list[str] = []
        self._paths: list[str] = []
        self._records: list[Record] = []
        self._pieces: list[str] = []
        self._length = 0
        self._is_leaf = True
        self._count = 0
        self._weights = [0, 0]  # of the outer record's own values, all of them; of the repeated part that is read
        self._in_part = False

    def taken(self) -> list[tuple[Record, Record | None]]:
        done, self._done = self._done, []
        return done

    def feed(self, chunk: bytes) -> None:
        if self._expat is None:
            chunk = chunk.lstrip()  # an empty line before the declaration is common, and expat refuses it
            if not chunk:
                return
            self._expat = self._made(chunk)
        self._watch_charset(chunk)
        self._size += len(chunk)
        self._parse(chunk, last=False)
        if self._size - max(0, self._expat.CurrentByteIndex) > TOKEN_MAX_SIZE:
            raise self._error("A tag or comment is longer than 1 MB.")

    def close(self) -> None:
        if self._expat is None:
            raise UnreadableStatementError("The file is empty.")
        self._parse(b"", last=True)
        if self._utf8 is not None and not self._is_ascii and self._charset not in ("utf-8", "utf-16", ""):
            raise UnreadableStatementError(
                f"The file says that it is written in {self._charset}, and it is in UTF-8: names would be wrong."
            )

    def _made(self, head: bytes) -> expat.XMLParserType:
        marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), "")
        declared = _DECLARED.match(head)
        self._charset = marked or (_charset(declared[1].decode("ascii")) if declared else "")
        parser = expat.ParserCreate(marked or None)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_text
        return parser

    def _parse(self, chunk: bytes, *, last: bool) -> None:
        assert self._expat is not None
        try:
            self._expat.Parse(chunk, last)
        except expat.ExpatError as error:
            raise self._error(self._reason(error)) from error

    def _reason(self, error: expat.ExpatError) -> str:
        if self._utf8 is None and self._charset in ("utf-8", "ascii", ""):
            return f"The file should be written in {(self._charset or 'utf-8').upper()} and has other bytes."
        return f"The XML is broken: {expat.ErrorString(error.code)}, line {error.lineno}, column {error.offset + 1}."

    def _error(self, detail: str) -> UnreadableStatementError:
        return UnreadableStatementError(detail, row=self._count + 1, column=self._names[-1] if self._names else "")

    def _watch_charset(self, chunk: bytes) -> None:
        self._is_ascii = self._is_ascii and chunk.isascii()
        if self._utf8 is not None:
            try:
                self._utf8.decode(chunk)
            except UnicodeDecodeError:
                self._utf8 = None

    def _refuse_doctype(self, *_: object) -> None:
        raise self._error("The XML has a DOCTYPE. No bank writes one, and it can hide entities.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2] if ":" in name else name
        if self._length:
            self._drop_space()
        if len(self._names) >= DEPTH_MAX:
            raise self._error(f"Elements stand {DEPTH_MAX} deep in each other.")
        path = ""
        if self._records:
            path = f"{self._paths[-1]}/{local}" if self._paths[-1] else local
            if local in self._nested or path == self._repeated:
                path = self._begin_record(path)
            if "Ccy" in attributes:
                self._keep(path + "@Ccy", attributes["Ccy"])
        elif self._outer(local, self._names[-1] if self._names else ""):
            self._records.append({})
        self._names.append(local)
        self._paths.append(path)
        self._is_leaf = True

    def _begin_record(self, path: str) -> str:
        if path == self._repeated and len(self._records) == 1:
            self._in_part, self._weights[1] = True, 0
        elif path == self._repeated:
            return path
        self._records.append({})
        return ""

    def _drop_space(self) -> None:
        if self._records and not "".join(self._pieces).isspace():
            raise self._error("There is text beside elements.")
        self._pieces.clear()
        self._length = 0

    def _end(self, name: str) -> None:
        path = self._paths.pop()
        if self._length and self._is_leaf:
            text = "".join(self._pieces).strip()
            if text and path:
                self._keep(path, text)
                self._pieces.clear()
                self._length = 0
        if self._length:
            self._drop_space()
        if self._records and not path:
            self._end_record(self._names[-1])
        self._names.pop()
        self._is_leaf = False

    def _end_record(self, local: str) -> None:
        record = self._records.pop()
        if not self._records:
            self._done.append((record, None))
        elif len(self._records) == 1 and self._in_part:
            self._in_part = False
            self._count += 1
            self._done.append((self._records[0], record))
        else:
            self._keep(f"{self._paths[-1]}/{local}" if self._paths[-1] else local, record)

    def _keep(self, path: str, value: str | Record) -> None:
        self._weights[self._in_part] += VALUE_SIZE + (len(value) if isinstance(value, str) else 0)
        if self._weights[self._in_part] > RECORD_MAX_SIZE:
            raise self._error("There is more in one entry than a bank writes.")
        self._records[-1].setdefault(path, []).append(value)

    def _add_text(self, text: str) -> None:
        self._length += len(text)
        if self._length > TEXT_MAX_LENGTH:
            raise self._error(f"A text has more than {TEXT_MAX_LENGTH:,} characters.")
        self._pieces.append(text)


def _charset(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        name = ""
    if not _CHARSETS.fullmatch(name):
        raise UnreadableStatementError(f"The file says that it is written in {declared}, which is no charset of XML.")
    return name
