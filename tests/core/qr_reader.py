"""Reads a drawn QR code by ISO/IEC 18004, with the tables of segno and nothing of the library that drew it.

Every module has to be right: function patterns, format, error correction and padding are compared, not repaired.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import segno
from segno import consts

Matrix = list[list[bool]]
DATA = {consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT}
FORMAT = {consts.TYPE_FORMAT_DARK, consts.TYPE_FORMAT_LIGHT}
MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda i, j: (i + j) % 2 == 0,
    lambda i, _: i % 2 == 0,
    lambda _, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
)
# The two bits of the format: 18004, table 12.
LEVELS = {0b01: "L", 0b00: "M", 0b11: "Q", 0b10: "H"}


@dataclass
class Read:
    content: bytes
    level: str
    version: int


def read(svg: str, *, quiet_zone: int = 4) -> Read:
    matrix = modules(svg, quiet_zone)
    size = len(matrix)
    version = (size - 17) // 4
    level, mask = _format(matrix)
    kinds = _kinds(version, level)
    for row, found in zip(kinds, matrix, strict=True):
        for kind, dark in zip(row, found, strict=True):
            assert kind in DATA | FORMAT or dark == (kind >> 8 > 0), "a function pattern is wrong"
    places = [(row, column) for row, column in _zigzag(size) if kinds[row][column] in DATA]
    bits = [matrix[row][column] ^ MASKS[mask](row, column) for row, column in places]
    codewords = [_number(bits[start : start + 8]) for start in range(0, len(bits) - 7, 8)]
    return Read(_content(_data(codewords, version, level), version), level, version)


def modules(svg: str, quiet_zone: int) -> Matrix:
    """Of paths that are lines through the middle of modules."""
    found = re.search(r'viewBox="0 0 (\d+) \1"', svg)
    path = re.search(r' d="([^"]+)"', svg)
    assert found is not None
    assert path is not None
    side = int(found[1])
    drawn = [[False] * side for _ in range(side)]
    x, y = 0, 0.0
    for step, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path[1]):
        if step == "h":
            for column in range(x, x + int(first)):
                drawn[int(y)][column] = True
            x += int(first)
        else:
            x, y = (int(first), float(second)) if step == "M" else (x + int(first), y + float(second))
    for row in (*drawn[:quiet_zone], *drawn[-quiet_zone:], *(row[:quiet_zone] + row[-quiet_zone:] for row in drawn)):
        assert not any(row), "something is drawn in the quiet zone"
    return [row[quiet_zone:-quiet_zone] for row in drawn[quiet_zone:-quiet_zone]]


def _format(matrix: Matrix) -> tuple[str, int]:
    """Both copies of it."""
    size = len(matrix)
    first = [*((8, column) for column in (0, 1, 2, 3, 4, 5, 7, 8)), *((row, 8) for row in (7, 5, 4, 3, 2, 1, 0))]
    second = [*((row, 8) for row in range(size - 1, size - 8, -1)), *((8, column) for column in range(size - 8, size))]
    copies = {_number([matrix[row][column] for row, column in places]) for places in (first, second)}
    assert len(copies) == 1, "the two formats differ"
    five = (copies.pop() ^ 0b101010000010010) >> 10
    assert consts.FORMAT_INFO[five] == _number([matrix[row][column] for row, column in first]), "the format is wrong"
    return LEVELS[five >> 3], five & 0b111


def _kinds(version: int, level: str) -> list[list[int]]:
    """What each module is for: of a code of the same size that segno makes."""
    other = segno.make("0", version=version, error=level, boost_error=False, micro=False)
    kinds = [list(row) for row in other.matrix_iter(border=0, verbose=True)]
    kinds[8][len(kinds) - 9] = consts.TYPE_DATA_LIGHT  # segno 1.6.6 takes it for a ninth module of the format
    return kinds


def _zigzag(size: int) -> Iterator[tuple[int, int]]:
    upwards = True
    for right in (*range(size - 1, 6, -2), *range(5, 0, -2)):
        for row in range(size - 1, -1, -1) if upwards else range(size):
            yield from ((row, right), (row, right - 1))
        upwards = not upwards


def _data(codewords: list[int], version: int, level: str) -> list[int]:
    """The blocks behind each other, each with its error correction compared."""
    error = consts.ERROR_MAPPING[level]
    shapes = [shape for shape in consts.ECC[version][error] for _ in range(shape.num_blocks)]
    left = iter(codewords)
    blocks: list[list[int]] = [[] for _ in shapes]
    for number in range(max(shape.num_data for shape in shapes)):
        for block, shape in zip(blocks, shapes, strict=True):
            if number < shape.num_data:
                block.append(next(left))
    data = [word for block in blocks for word in block]
    for _ in range(shapes[0].num_total - shapes[0].num_data):
        for block in blocks:
            block.append(next(left))
    for block, shape in zip(blocks, shapes, strict=True):
        assert not any(_syndromes(block, shape.num_total - shape.num_data)), "the error correction is wrong"
    return data


def _syndromes(block: list[int], count: int) -> Iterator[int]:
    """Each is 0 in a whole block: the block as a polynomial, at the powers of 2 in GF(256)."""
    for power in range(count):
        value = 0
        for word in block:
            if value:
                value = consts.GALIOS_EXP[(consts.GALIOS_LOG[value] + power) % 255]
            value ^= word
        yield value


def _content(data: list[int], version: int) -> bytes:
    """Segments in numbers, letters or bytes; none that changes the character set."""
    bits = "".join(f"{word:08b}" for word in data)
    group = 0 if version < 10 else 1 if version < 27 else 2
    content, at = b"", 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    while len(bits) - at >= 4 and (mode := take(4)):
        count = take({1: (10, 12, 14), 2: (9, 11, 13), 4: (8, 16, 16)}[mode][group])
        if mode == 1:
            for start in range(0, count, 3):
                digits = min(3, count - start)
                content += f"{take({3: 10, 2: 7, 1: 4}[digits]):0{digits}}".encode()
        elif mode == 2:
            for start in range(0, count, 2):
                pair = divmod(take(11), 45) if count - start > 1 else (take(6),)
                content += bytes(consts.ALPHANUMERIC_CHARS[sign] for sign in pair)
        else:
            content += bytes(take(8) for _ in range(count))
    rest = bits[at + -at % 8 :]
    assert rest == ("1110110000010001" * len(rest))[: len(rest)], "the padding is wrong"
    return content


def _number(bits: list[bool]) -> int:
    return int("".join("1" if bit else "0" for bit in bits), 2)
