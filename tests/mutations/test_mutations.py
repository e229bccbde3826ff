"""Each mutation can still be made, and its test is there: `make mutations` has something to say."""

from __future__ import annotations

import ast

import pytest

from tests.mutations import MUTATIONS, ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.test.partition("::")[2])
def test_mutation_is_of_a_line_that_stands_once_and_of_a_test_that_is_there(mutation):
    source = (ROOT / mutation.file).read_text()
    assert source.count(mutation.text) == 1
    if mutation.file.endswith(".py"):
        ast.parse(source.replace(mutation.text, mutation.instead))
    path, _, name = mutation.test.partition("::")
    assert f"\ndef {name}(" in (ROOT / path).read_text()
