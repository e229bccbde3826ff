"""The catalogs of translations, and Babel's extractor for Django's templates, which `babel.cfg` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[1]
ROOMS = {"core": ["core", "engine"], "workflows": ["workflows"], "web": ["web"]}  # and whose words they keep


def extract_django(
    file: Any, keywords: Mapping[str, Any], comment_tags: Sequence[str], options: Mapping[str, Any]
) -> Iterator[Any]:
    lines = templatize(file.read().decode()).splitlines()
    source = "\n".join(line.lstrip() for line in lines)  # templatize indents by what stood before, as Python may not
    yield from extract_python(BytesIO(source.encode()), keywords, comment_tags, options)


def languages() -> list[str]:
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def paths() -> list[Path]:
    """The .po files."""
    return [
        ROOT / room / "locale" / language / "LC_MESSAGES" / "django.po" for room in ROOMS for language in languages()
    ]


def catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)
