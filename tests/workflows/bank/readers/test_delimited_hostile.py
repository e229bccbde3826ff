"""Whatever the bytes: lines that add up, or a refusal; never another exception, never without bounds."""

from __future__ import annotations

import io
import tracemalloc
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hypothesis_profile import deterministic
from tests.workflows.bank.readers.sheets import SHEETS, seen
from workflows.bank.readers.delimited.guess import guess_profile
from workflows.bank.readers.delimited.made_profiles import PROFILES, find_profile
from workflows.bank.readers.delimited.profile import Column, Profile
from workflows.bank.readers.delimited.reader import read, sniff
from workflows.bank.readers.statement import UnreadableStatementError

PLAIN = Profile(
    name="plain",
    columns=(
        Column("date", ("Date",)),
        Column("text", ("Text",)),
        Column("amount", ("Amount",)),
        Column("balance", ("Balance",)),
    ),
    dates=("yyyy-mm-dd",),
    currency="EUR",
)
HEAD = b"Date,Text,Amount,Balance\n"
BIG = 10_000_000


def refusal(data: bytes) -> UnreadableStatementError:
    with pytest.raises(UnreadableStatementError) as caught:
        seen(data, PLAIN)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"2026-05-01," + b"x" * BIG + b",1.00,\n",
        HEAD + b'2026-05-01,"' + b"x\n" * 1_000_000 + b'",1.00,\n',
        HEAD + b"," * 100_000 + b"\n",
        b"," * 100_000 + b"\n" + HEAD,
        b"x" * BIG,
        b'"' * BIG,
        b'"\n' * 100_000,
        b"a\n" * 100_000,
        HEAD + b"2026-05-01,x,9223372036854775808,\n",
        HEAD + b"2026-05-01,x,NaN,\n",
        HEAD + b"2026-05-01,x,1.00,-Infinity\n",
        HEAD + b"2026-05-01,x\x00y,1.00,\n",
        HEAD + b"2026-05-01,\x81\x8d,1.00,\n",
        b"\xff\xfe" + "Date,Text\n".encode("utf-16-le") + b"\x00\xd8",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    ],
    ids=["line", "quote", "cells", "headings", "letters", "quotes", "quote_lines", "rows", "2_63", "nan", "infinity",
         "nul",
         "charset", "surrogate", "entity"],
)  # fmt: skip
def test_hostile_file_is_refused_with_bounded_memory(data):
    tracemalloc.start()
    try:
        refusal(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 16 * 2**20


def test_memory_does_not_grow_with_the_lines():
    def peak(count: int) -> int:
        rows = (f"2026-05-01,payer {number} {'x' * 400},1.00,{number + 1}.00\n" for number in range(count))
        stream = io.BytesIO(HEAD + "".join(rows).encode())
        tracemalloc.start()
        try:
            assert sum(1 for statement in read(stream, PLAIN) for _ in statement.lines) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is compiled and cached once
    assert peak(1_500) < peak(500) + 50_000


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs", "Cc")), max_size=40)
ENTRIES = st.lists(
    st.tuples(st.dates(), TEXTS, st.integers(-(10**13), 10**13).map(lambda cents: Decimal(cents) / 100)), max_size=12
)


@settings(deterministic, max_examples=60)
@given(
    ENTRIES, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from([(".", ","), (",", "."), (".", "'"), (",", " ")])
)
def test_what_is_written_is_read(entries, delimiter, signs):
    entries = [entry for entry in entries if entry[0].year >= 1900 and entry[0].year <= 2200]
    decimal, grouping = signs
    rows = ["Date;Text;Amount;Balance".replace(";", delimiter)]
    for day, text, amount in entries:
        number = f"{amount:,.2f}".replace(",", "_").replace(".", decimal).replace("_", grouping)
        quoted = '"' + text.replace('"', '""') + '"'
        rows.append(delimiter.join([day.isoformat(), quoted, f'"{number}"', ""]))
    profile = Profile(
        "made", PLAIN.columns, PLAIN.dates, delimiter=delimiter, decimal=decimal, grouping=grouping, currency="EUR"
    )

    found = [line for statement in read(io.BytesIO("\n".join(rows).encode()), profile) for line in statement.lines]

    assert [(line.booked_on, line.amount) for line in found] == [(day, amount) for day, _, amount in entries]
    assert [line.text for line in found] == [text.strip() for _, text, _ in entries]


VALID = [sheet.data() for sheet in SHEETS]


@settings(deterministic, max_examples=150)
@given(st.data())
def test_mutated_file_is_read_or_refused(data):
    """Some bytes are cut, doubled or changed: a refusal with words, or lines whose figures are numbers of the file."""
    content = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 30)))
        content[start:end] = data.draw(
            st.one_of(st.binary(max_size=6), st.sampled_from([b"", b'"', b",", b"\n", b"\r", b"1", b"-"]))
        )
    mutated = bytes(content)

    sniff(mutated)
    for profile in (find_profile(mutated), data.draw(st.sampled_from(PROFILES))):
        try:
            for line in seen(mutated, profile):
                assert line[1].is_finite()
        except UnreadableStatementError:
            continue
    with suppress(UnreadableStatementError):
        guess_profile(mutated)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_file_cut_at_any_line_is_a_part_of_the_lines_or_refused(sheet):
    data = sheet.data()
    for end in range(0, len(data), 7):
        try:
            found = seen(data[:end])
        except UnreadableStatementError:
            continue
        days = [line[0] for line in found]
        assert days == [line[0] for line in sheet.seen][: len(days)]


@settings(deterministic, max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_are_sniffed_and_refused_without_another_exception(data):
    sniff(data)
    for reading in (lambda: seen(data), lambda: guess_profile(data)):
        with suppress(UnreadableStatementError):
            reading()
