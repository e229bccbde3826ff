"""How one bank writes its delimited text; stored per bank account as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, Self, TypeVar

from core.money import is_currency
from workflows.bank.readers.delimited.dates import check_pattern, plain
from workflows.bank.readers.delimited.numbers import GROUPINGS, NumberForm

MAX_COLUMNS = 200
MAX_PREAMBLE_ROWS = 60
MAX_WORD_LENGTH = 200
MAX_JSON_LENGTH = 50_000

SINGLE_ROLES = (
    "date", "value_date", "other_date", "amount", "credit", "debit", "sign", "balance", "fee", "gross",
    "gross_currency", "currency", "status", "kind", "code", "payer", "payer_account", "bank_id", "own_account",
)  # fmt: skip
ROLES = (*SINGLE_ROLES, "text", "reference", "ignored")
# What a payer can write. A word in one of these never takes a whole line away.
PAYER_ROLES = frozenset({"text", "payer", "payer_account", "reference", ""})

ROW_MEANINGS = ("skip", "opening", "closing", "turnover", "footer")
LABELS = (
    "account", "currency", "opening", "closing", "lines", "credit_lines", "debit_lines", "credits", "debits",
)  # fmt: skip
ENCODINGS = (
    "auto", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp437", "cp850", "cp852", "cp866", "cp1250", "cp1251",
    "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "iso-8859-1", "iso-8859-2", "iso-8859-9",
    "iso-8859-15", "koi8-r", "mac-roman", "shift_jis", "gb18030", "big5", "euc-kr",
)  # fmt: skip
DELIMITERS = (",", ";", "\t", "|", "^", "~")


Made = TypeVar("Made")
_NO_WORD = re.compile(r"[^0-9a-z]+")


class ProfileError(ValueError):
    """A profile that no file can be read by; `field` says where."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail = field, detail


@dataclass(frozen=True)
class Column:
    """Found by one of its headings, or by position (from 1) where it has none."""

    role: str
    headings: tuple[str, ...] = ()
    position: int = 0
    optional: bool = False

    @cached_property
    def folded(self) -> frozenset[str]:
        return frozenset(map(fold, self.headings))

    @property
    def name(self) -> str:
        return self.headings[0] if self.headings else f"column {self.position}"


@dataclass(frozen=True)
class RowRule:
    """A row that is no line: the cell of `role` ("" is the first that is not blank) is one of `words`, or begins with
    one that ends in `*`. `turnover` is a declared sum of credits or debits; after `footer` come no lines."""

    means: str
    words: tuple[str, ...]
    role: str = ""

    @cached_property
    def exact(self) -> frozenset[str]:
        return frozenset(fold(word) for word in self.words if not word.endswith("*"))

    @cached_property
    def beginnings(self) -> tuple[str, ...]:
        return tuple(fold(word) for word in self.words if word.endswith("*"))

    def fits(self, cell: str) -> bool:
        folded = fold(cell)
        return folded in self.exact or (bool(self.beginnings) and folded.startswith(self.beginnings))


@dataclass(frozen=True)
class Label:
    """Words that stand before (or above) a figure outside the table."""

    means: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """Amounts stand in `amount` (signed, or with a `sign` column), or in `credit` and `debit`.

    `dates`: forms of which every cell has exactly one. `debits_are`: how money out is written in its own column.
    `unmarked`: what an amount without a sign word is, "" refuses it. `fee_is`: "included" where the amount is net of
    it, "beside" where it comes on top. Empty `booked_words` with a status column is an error: no word is guessed.
    """

    name: str
    columns: tuple[Column, ...]
    dates: tuple[str, ...]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "auto"
    preamble_rows: int = 0  # only where there are no headings to look for
    width: int = 0  # cells of a line, only where there are no headings; 0: not checked
    decimal: str = "."
    grouping: str = ","
    lakh: bool = False
    decimals: int | None = None
    currency: str = ""
    positive_is: str = "in"
    debits_are: str = "positive"
    sign_in: tuple[str, ...] = ()
    sign_out: tuple[str, ...] = ()
    unmarked: str = ""
    fee_is: str = "included"
    fee_sign: str = "+"
    booked_words: tuple[str, ...] = ()
    pending_words: tuple[str, ...] = ()
    dropped_words: tuple[str, ...] = ()
    return_words: tuple[str, ...] = ()
    row_rules: tuple[RowRule, ...] = ()
    labels: tuple[Label, ...] = ()
    continuation: bool = False
    order: str = "auto"
    payer_separator: str = ""
    payer_parts: str = "name"

    def __post_init__(self) -> None:
        _check(self)

    def by_role(self, role: str) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role == role)

    @cached_property
    def number_form(self) -> NumberForm:
        return NumberForm(self.decimal, self.grouping, self.lakh, self.decimals)

    @cached_property
    def has_headings(self) -> bool:
        return any(column.headings for column in self.columns)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    def as_dict(self) -> dict[str, Any]:
        """As it is stored."""
        stored: dict[str, Any] = json.loads(self.to_json())
        return stored

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ProfileError, which names the field."""
        if len(text) > MAX_JSON_LENGTH:
            raise ProfileError("profile", f"has more than {MAX_JSON_LENGTH} signs")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise ProfileError("profile", "is not JSON") from None
        return _made(cls, value, "profile")


def fold(text: str) -> str:
    """Headings and words as they are compared: letters and digits, lower case, without accents, single blanks."""
    return _fold_word(text) if len(text) <= WORD_LENGTH else _fold(text)


def _fold(text: str) -> str:
    if text.isascii():
        return _NO_WORD.sub(" ", text.lower()).strip()
    return " ".join("".join(sign if sign.isalnum() else " " for sign in plain(text)).split())


# The same words stand in many rows; long texts do not, and are not kept.
WORD_LENGTH = 40
_fold_word = lru_cache(maxsize=4096)(_fold)

_NESTED: dict[str, type] = {"columns": Column, "row_rules": RowRule, "labels": Label}
_CHOICES: dict[str, tuple[str, ...]] = {
    "delimiter": DELIMITERS, "quote": ('"', "'", ""), "encoding": ENCODINGS, "decimal": (".", ","),
    "grouping": GROUPINGS, "positive_is": ("in", "out"), "debits_are": ("positive", "negative", "either"),
    "unmarked": ("", "in", "out"), "fee_is": ("included", "beside"), "fee_sign": ("+", "-"),
    "order": ("auto", "newest_first", "oldest_first"), "payer_parts": ("name", "name_account", "account_name"),
}  # fmt: skip


def _arguments(kind: type, value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ProfileError(where, "is not an object")
    known = {item.name: item for item in fields(kind)}
    for name in value:
        if name not in known:
            raise ProfileError(f"{where}.{name}"[:80], "is no field of a profile")
    return {name: _argument(known[name].type, item, f"{where}.{name}", name) for name, item in value.items()}


def _argument(annotation: object, value: object, where: str, name: str) -> object:
    if name in _NESTED:
        made: list[object] = [
            _made(_NESTED[name], item, f"{where}[{index}]") for index, item in enumerate(_list(value, where))
        ]
        return tuple(made)
    checks: dict[str, tuple[Callable[[object], bool], str]] = {
        "str": (
            lambda v: isinstance(v, str) and len(v) <= MAX_WORD_LENGTH,
            f"a text of at most {MAX_WORD_LENGTH} signs",
        ),
        "bool": (lambda v: isinstance(v, bool), "true or false"),
        "int": (lambda v: isinstance(v, int) and not isinstance(v, bool), "a whole number"),
        "int | None": (
            lambda v: v is None or (isinstance(v, int) and not isinstance(v, bool)),
            "a whole number or null",
        ),
    }
    if str(annotation).startswith("tuple[str"):
        for item in _list(value, where):
            if not checks["str"][0](item):
                raise ProfileError(where, "is not a list of texts")
        return tuple(_list(value, where))
    fits, expected = checks[str(annotation)]
    if not fits(value):
        raise ProfileError(where, f"is not {expected}")
    return value


def _made(kind: type[Made], value: object, where: str) -> Made:
    arguments = _arguments(kind, value, where)
    for item in fields(kind):  # type: ignore[arg-type]  # all three are dataclasses
        if item.default is MISSING and item.name not in arguments:
            raise ProfileError(f"{where}.{item.name}", "is missing")
    return kind(**arguments)


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_COLUMNS:
        raise ProfileError(where, f"is not a list of at most {MAX_COLUMNS}")
    return list(value)


def _check(profile: Profile) -> None:
    for name, choices in _CHOICES.items():
        if getattr(profile, name) not in choices:
            raise ProfileError(name, f"is one of {', '.join(map(repr, choices))}")
    if profile.decimal == profile.grouping:
        raise ProfileError("grouping", "is the decimal sign")
    if profile.currency and not is_currency(profile.currency):
        raise ProfileError("currency", f"{profile.currency!r} is not an ISO 4217 currency with minor units")
    if profile.decimals is not None and not 0 <= profile.decimals <= 8:
        raise ProfileError("decimals", "is between 0 and 8")
    if not 0 <= profile.preamble_rows <= MAX_PREAMBLE_ROWS:
        raise ProfileError("preamble_rows", f"is between 0 and {MAX_PREAMBLE_ROWS}")
    if not 0 <= profile.width <= MAX_COLUMNS:
        raise ProfileError("width", f"is between 0 and {MAX_COLUMNS}")
    if not profile.dates:
        raise ProfileError("dates", "needs a date form")
    for pattern in profile.dates:
        try:
            check_pattern(pattern)
        except ValueError as error:
            raise ProfileError("dates", str(error)) from None
    _check_columns(profile)
    _check_words(profile)


def _check_columns(profile: Profile) -> None:
    roles = [column.role for column in profile.columns]
    for column in profile.columns:
        if column.role not in ROLES:
            raise ProfileError("columns", f"{column.role!r} is no role; roles are {', '.join(ROLES)}")
        if bool(column.headings) == bool(column.position) or not 0 <= column.position <= MAX_COLUMNS:
            raise ProfileError("columns", f"{column.role} needs headings or a position from 1")
        if not all(column.folded):
            raise ProfileError("columns", f"{column.role} has a heading without letters: give its position")
        if column.role in SINGLE_ROLES and roles.count(column.role) > 1:
            raise ProfileError("columns", f"{column.role} stands twice")
    if "date" not in roles:
        raise ProfileError("columns", "no column is the date")
    if ("amount" in roles) == ("credit" in roles) or ("credit" in roles) != ("debit" in roles):
        raise ProfileError("columns", "name either the amount or both credit and debit")
    if profile.has_headings and profile.preamble_rows:
        raise ProfileError("preamble_rows", "counts only where no heading is looked for")
    if profile.has_headings and profile.width:
        raise ProfileError("width", "counts only where no heading is looked for")


def _check_words(profile: Profile) -> None:
    has_sign = bool(profile.by_role("sign"))
    if has_sign and not (profile.sign_in or profile.sign_out):
        raise ProfileError("sign_in", "a sign column needs its words")
    if set(map(fold_mark, profile.sign_in)) & set(map(fold_mark, profile.sign_out)):
        raise ProfileError("sign_out", "a word means both in and out")
    if profile.by_role("status") and not profile.booked_words:
        raise ProfileError("booked_words", "a status column needs the words for booked")
    states = [set(map(fold, words)) for words in (profile.booked_words, profile.pending_words, profile.dropped_words)]
    if states[0] & states[1] or states[0] & states[2] or states[1] & states[2]:
        raise ProfileError("booked_words", "a word has two meanings")
    for rule in profile.row_rules:
        if rule.means not in ROW_MEANINGS or not rule.words or (rule.role and rule.role not in ROLES):
            raise ProfileError("row_rules", f"{rule.means!r} needs words, and a role that exists")
        if not all(fold(word) for word in rule.words):
            raise ProfileError("row_rules", "a word has no letters")
    for label in profile.labels:
        if label.means not in LABELS or not label.words:
            raise ProfileError("labels", f"{label.means!r} is one of {', '.join(LABELS)}, with words")


def fold_mark(word: str) -> str:
    """Sign words are also `+` and `-`, which `fold` would lose."""
    return fold(word) or word.strip()
