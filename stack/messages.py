"""Keep the translations: `make messages` collects what is to be translated and compiles what has been.

Babel does it, so nobody needs the binaries of gettext. The compiled files are committed: to run, Django is enough.
"""

from __future__ import annotations

import gettext
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django import conf
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from core.problems import Problem

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("engine", "core", "workflows", "api", "web")
KEYWORDS = {**DEFAULT_KEYWORDS} | {
    f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
DJANGO = Path(conf.__file__).parent / "locale"
NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)  # a date of every change would only make every change collide


@dataclass(frozen=True)
class Translation:
    """One room's words in one language."""

    room: str
    language: str

    @property
    def po(self) -> Path:
        return ROOT / self.room / "locale" / self.language / "LC_MESSAGES" / "django.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")

    def catalog(self) -> Catalog:
        if not self.po.exists():
            return Catalog(locale=self.language, charset="utf-8", fuzzy=False)
        with self.po.open("rb") as file:
            return read_po(file, locale=self.language, abort_invalid=True)


@cache
def plural_forms(language: str) -> str:
    """The header that chooses a plural form: Django's own for that language, whose forms stand in CLDR's order.

    Babel's would not do: its Arabic rule gives 11 to 99 the last form and 100 to 102 the one before, the other way
    round than CLDR and than the tools in which translators work.
    """
    header = gettext.translation("django", str(DJANGO), [to_locale(language)]).info().get("plural-forms", "")
    if not header:
        raise LookupError(f"Django has no plural forms for {language}: write them here.")
    return header.rstrip("; ") + ";"


def translations() -> list[Translation]:
    """Those that are kept: a room begins with a folder `locale`."""
    languages = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    rooms = [room for room in ROOMS if (ROOT / room / "locale").is_dir()]
    return [Translation(room, language) for room in rooms for language in languages]


def collected(room: str) -> Catalog:
    """What the code and the templates of a room want translated."""
    catalog = Catalog(charset="utf-8", fuzzy=False)
    if room == "core":
        for kind in Problem.__subclasses__():
            catalog.add(kind.words(), locations=[("core/problems.py", 0)])
    for file in sorted((ROOT / room).rglob("*")):
        if file.suffix not in (".py", ".html", ".txt") or "locale" in file.parts or "migrations" in file.parts:
            continue
        for words, context, comments in _wanted(file):
            # No line numbers: they would change with every edit above.
            catalog.add(words, locations=[(str(file.relative_to(ROOT)), 0)], context=context, auto_comments=comments)
    return catalog


def update(translation: Translation) -> None:
    """Bring a .po in line with the code, keep what is translated, and compile it."""
    catalog = translation.catalog()
    catalog.update(collected(translation.room), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = f"# The words of {translation.room}/ in {translation.language}: see docs/translations.md."
    catalog.mime_headers = [("Plural-Forms", plural_forms(translation.language))]
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Countersign", "-", ""
    catalog.last_translator = catalog.language_team = "-"
    catalog.creation_date = catalog.revision_date = NO_DATE
    translation.po.parent.mkdir(parents=True, exist_ok=True)
    with translation.po.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, include_lineno=False)
    translation.mo.write_bytes(compiled(translation.catalog()))


def compiled(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def faults(translation: Translation) -> Iterator[str]:
    """What is not as it should be, a line for each."""
    where = translation.po.relative_to(ROOT)
    catalog = translation.catalog()
    wanted = collected(translation.room)
    if _rule(catalog.plural_forms) != _rule(plural_forms(translation.language)):
        yield f"{where}: Plural-Forms is not that of CLDR: run `make messages`"
    for message in wanted:
        if not message.id:
            continue
        known = catalog.get(message.id, message.context)
        words = message.id if isinstance(message.id, str) else message.id[0]
        strings = _strings(known)
        if not all(strings):
            yield f"{where}: not translated: {words}"
        elif known is not None and known.fuzzy:
            yield f"{where}: only guessed (fuzzy): {words}"
        elif _placeholders(strings[-1]) != _placeholders(words) or any(
            _placeholders(string) - _placeholders(words) for string in strings
        ):
            yield f"{where}: other placeholders than in: {words}"
    for known in catalog:
        if known.id and wanted.get(known.id, known.context) is None:
            yield f"{where}: nobody wants this any more: {known.id}"
    if not translation.mo.exists() or translation.mo.read_bytes() != compiled(catalog):
        yield f"{translation.mo.relative_to(ROOT)}: not compiled from its .po as it is: run `make messages`"


def _rule(header: str) -> str:
    return re.sub(r"[\s;]", "", header)


def _placeholders(words: str) -> set[str]:
    return set(PLACEHOLDER.findall(words))


def _strings(known: Message | None) -> list[str]:
    """One, or one for each plural form."""
    if known is None or not known.string:
        return [""]
    return [known.string] if isinstance(known.string, str) else list(known.string)


def main() -> int:
    """Update all; with --check only say what is wrong."""
    if "--check" not in sys.argv:
        for translation in translations():
            update(translation)
    found = [fault for translation in translations() for fault in faults(translation)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


def _wanted(file: Path) -> Iterator[tuple[str | tuple[str, ...], str | None, list[str]]]:
    source = file.read_text()
    if file.suffix != ".py":
        source = templatize(source, origin=str(file))
    for _, words, comments, context in extract("python", BytesIO(source.encode()), KEYWORDS, ["Translators:"]):
        yield words, context, comments


if __name__ == "__main__":
    import django

    django.setup()
    sys.exit(main())
