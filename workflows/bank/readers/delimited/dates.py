"""Days as banks write them, by a pattern that somebody chose: never by trying."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from workflows.bank.readers.statement import UnreadableStatementError, calendar_day

# English, German, Spanish, Portuguese, French; without accents, in full or cut as banks cut them.
_MONTHS = (
    "jan january januar jaenner janner enero ene janeiro janvier janv",
    "feb february februar febrero fevereiro fev fevrier fevr",
    "mar march marz maerz mrz marzo marco mars",
    "apr april abril abr avril avr",
    "may mai mayo maio",
    "jun june juni junio junho juin",
    "jul july juli julio julho juillet juil",
    "aug august agosto ago aout",
    "sep sept september septiembre setiembre setembro set septembre",
    "oct october okt oktober octubre outubro out octobre",
    "nov november noviembre novembro novembre",
    "dec december dez dezember dic diciembre dezembro decembre",
)
MONTHS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}

_TOKEN = re.compile(r"yyyy|yy|mmm|mm|m|dd|d", re.IGNORECASE)
_CLOCK = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d{1,9})?)?(?:\s?[AaPp][Mm])?"
_TIME = rf"(?:(?:T|,?\s+){_CLOCK}(?:\s?(?:Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}}))?)?"
_PARTS = {
    "yyyy": r"(?P<y>\d{4})",
    "yy": r"(?P<y>\d{2})",
    "mmm": r"(?P<b>[^\W\d_]{3,12})\.?",
    "mm": r"(?P<m>\d{1,2})",
    "m": r"(?P<m>\d{1,2})",
    "dd": r"(?P<d>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
}
_CENTURY_STARTS_AT = 70  # 69 is 2069, 70 is 1970, as POSIX reads two digits


@dataclass(frozen=True, slots=True)
class Day:
    """A day as written; with a note where the month has no such day and its last one was taken."""

    on: date
    note: str = ""

    @property
    def exists(self) -> bool:
        return not self.note


def check_pattern(pattern: str) -> None:
    """Raise ValueError unless day, month and year each stand in it once: `dd/mm/yyyy`, `d mmm yy`, `yyyymmdd`."""
    kinds = sorted(token.lower()[0] for token in _TOKEN.findall(pattern))
    rest = _TOKEN.sub("", pattern)
    if kinds != ["d", "m", "y"] or len(rest) > 6 or re.search(r"[^\s./,'-]", rest):
        raise ValueError(f"{pattern!r} is no date form: it needs day, month and year once, as in dd/mm/yyyy")


@lru_cache(maxsize=4096)  # a statement has few days and many lines
def read_day(text: str, pattern: str) -> Day | None:
    """The day of a cell, its time left out and no zone applied; None where the text has another form."""
    match = _compiled(pattern).fullmatch(text.strip())
    if match is None:
        return None
    part = match.groupdict()
    month = MONTHS.get(plain(part["b"])) if part.get("b") else int(part["m"])
    year, day = int(part["y"]), int(part["d"])
    if len(part["y"]) == 2:
        year += 2000 if year < _CENTURY_STARTS_AT else 1900
    if month is None or not 1900 <= year <= 2200:
        return None
    try:
        return Day(*calendar_day(year, month, day))
    except UnreadableStatementError:
        return None


def swapped(pattern: str) -> str:
    """The same form with day and month changed over; "" where nobody could take one for the other."""
    tokens = [token.lower() for token in _TOKEN.findall(pattern)]
    if "mmm" in tokens or len(tokens[0]) == 4:
        return ""
    other = {"d": "m", "m": "d"}
    return _TOKEN.sub(lambda m: "".join(other.get(sign.lower(), sign) for sign in m.group()), pattern)


def plain(text: str) -> str:
    """Lower case without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts, end = [], 0
    separated = bool(re.search(r"[\s./,'-]", pattern.strip()))
    for token in _TOKEN.finditer(pattern):
        parts += [_literal(pattern[end : token.start()]), _PARTS[token.group().lower()]]
        end = token.end()
    source = "".join([*parts, _literal(pattern[end:])])
    if not separated:
        source = source.replace(r"\d{1,2}", r"\d{2}")
    return re.compile(source + _TIME, re.ASCII if "mmm" not in pattern.lower() else 0)


def _literal(text: str) -> str:
    return re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(text))
