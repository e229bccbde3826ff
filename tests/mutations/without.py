"""A plug-in of pytest that loads one file of ours with a mutation: `-p tests.mutations.without`, MUTATION=number."""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from tests.mutations import MUTATIONS, ROOT

_mutation = MUTATIONS[int(os.environ["MUTATION"])]
_file = str(ROOT / _mutation.file)
_as_written = SourceFileLoader.get_code


def _mutated(loader: SourceFileLoader, fullname: str) -> CodeType | None:
    path = loader.get_filename(fullname)
    if path != _file:
        return _as_written(loader, fullname)
    return loader.source_to_code(Path(path).read_text().replace(_mutation.text, _mutation.instead).encode(), path)


SourceFileLoader.get_code = _mutated  # type: ignore[method-assign]
