"""How the tests of readers read: everything at once, or the refusal."""

from __future__ import annotations

from io import BytesIO

from workflows.bank.readers.statement import Line, Reader, Statement, UnreadableStatementError


def read_all(reader: Reader, data: bytes) -> list[tuple[Statement, list[Line]]]:
    return [(statement, list(statement.lines)) for statement in reader.read(BytesIO(data))]


def read_lines(reader: Reader, data: bytes) -> list[Line]:
    return [line for _, lines in read_all(reader, data) for line in lines]


def refusal(reader: Reader, data: bytes) -> UnreadableStatementError:
    try:
        read_all(reader, data)
    except UnreadableStatementError as error:
        return error
    raise AssertionError("the file was read")
