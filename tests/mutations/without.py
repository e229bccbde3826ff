"""A plug-in of pytest that loads one file of ours with a mutation: `-p tests.mutations.without`, MUTATION=number."""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from tests.mutations import MUTATIONS, ROOT

_mutation = MUTATIONS[int(os.environ["MUTATION"])]
_file = str(ROOT / _mutation.file)
_as_written, _as_read = SourceFileLoader.get_code, Path.read_text


def _mutated(loader: SourceFileLoader, fullname: str) -> CodeType | None:
    path = loader.get_filename(fullname)
    if path != _file:
        return _as_written(loader, fullname)
    return loader.source_to_code(_text(Path(path)).encode(), path)


def _text(path: Path, *words: Any, **options: Any) -> str:
    """Of a statement of the engine, too."""
    text = _as_read(path, *words, **options)
    return text.replace(_mutation.text, _mutation.instead) if str(path) == _file else text


SourceFileLoader.get_code = _mutated  # type: ignore[method-assign]
Path.read_text = _text  # type: ignore[method-assign]
