"""What banks write into :86: and :NS: of MT940: German sub-fields, Dutch words between slashes, or plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# A sub-field of this length was cut, in the middle of a word as well; a shorter one has ended.
SUB_FIELD_LENGTH = 27

# A code of three digits, then sub-fields: "166?00", in Poland "020~00" or "020<00".
_GERMAN = re.compile(r"(\d{3})([?~<^@|])(?=\d\d)", re.ASCII)
_SUB_FIELD = r"(00|10|2\d|3[0-9]|6\d)"
_OTHER_FIELDS = {
    "10",
    "30",
    "31",
    "32",
    "33",
    "34",
    "38",
}  # ?10 is the bank's own journal: digits that refer to nothing
_NON_SWIFT = re.compile(r"(\d\d)(.*)", re.ASCII)
_KEYWORD = re.compile(
    r"(EREF|KREF|MREF|CRED|DEBT|RREF|SVWZ|ABWA|ABWE|PURP|IBAN|BIC|COAM|OAMT|MDAT|DDAT|SQTP|ORCR|ORMR)\+"
)
_SLASHES = re.compile(
    r"/(TRTP|TRCD|IBAN|BIC|NAME|ADDR|REMI|EREF|KREF|PREF|IREF|RREF|ORDP|BENM|CNTP|ULTD|ULTC|ULTB|CSID|MARF|RTRN"
    r"|ISDT|PURP|CHGS\d?|OCMT|EXCH|SVCL|SWOC|ID)/"
)
_STRUCTURED = re.compile(r"STRD/(?:[A-Z]{3}/)?/?([^/]+)")
_RETURN_CODES = {"108", "109", "110", "111", "159"}  # of direct debits, cards and transfers that come back
_RETURN_WORDS = re.compile(r"RETOURE|R(?:UE|Ü)CKLASTSCHRIFT|STORNO", re.IGNORECASE)
_NO_REFERENCE = {"NONREF", "NOTPROVIDED", "EREF", "KREF", "KREF+", "MARF", "PREF", "SDD", ""}


@dataclass(frozen=True, slots=True)
class Details:
    """As in a line; `text` is without what went into the other fields."""

    text: str = ""
    payer_name: str = ""
    payer_account: str = ""
    references: tuple[str, ...] = ()
    is_return: bool = False
    return_reason: str = ""


def read_details(lines: Sequence[str]) -> Details:
    """The details of :86:, whose lines were broken by length."""
    joined = "".join(lines)
    if german := _GERMAN.match(joined):
        return _german(joined, code=german[1], mark=german[2])
    if _SLASHES.match(joined):
        return _dutch(joined, lines)
    return Details(text="\n".join(line.rstrip() for line in lines))


def read_non_swift(lines: Sequence[str]) -> Details:
    """The details of :NS:, one sub-field of two digits a line."""
    names, texts, account = [], [], ""
    for line in lines:
        field = _NON_SWIFT.fullmatch(line)
        if field and field[1] in ("15", "16"):
            names.append(field[2])
        elif field and field[1] == "34":
            account = field[2].strip()
        elif not (field and field[1] == "33"):
            texts.append(field[2] if field else line)
    return Details(text=_lines(texts), payer_name=_glued(names), payer_account=account)


def meaningful(references: Sequence[str]) -> tuple[str, ...]:
    """The references that refer to something, each once."""
    return tuple(dict.fromkeys(found for found in map(str.strip, references) if found.upper() not in _NO_REFERENCE))


def _german(joined: str, *, code: str, mark: str) -> Details:
    fields = _sub_fields(joined, mark)
    purpose = _cut_parts([text for number, text in sorted(fields.items()) if number.startswith(("2", "6"))])
    values: dict[str, str] = {}
    pieces = _KEYWORD.split(purpose)
    for keyword, value in zip(pieces[1::2], pieces[2::2], strict=True):
        values.setdefault(keyword, value.strip().partition("\n")[0].strip())
    is_return = code in _RETURN_CODES or bool(_RETURN_WORDS.search(fields.get("00", "")))
    account = fields.get("38") or fields.get("31") or values.get("IBAN", "")
    return Details(
        text=_lines([text for number, text in fields.items() if number not in _OTHER_FIELDS]),
        payer_name=_glued([fields[number] for number in ("32", "33") if number in fields]),
        payer_account=account.strip(),
        references=meaningful([values.get("EREF", ""), values.get("KREF", "")]),
        is_return=is_return,
        return_reason=fields.get("34", "").strip() if is_return else "",
    )


def _sub_fields(joined: str, mark: str) -> dict[str, str]:
    """The sub-fields in order. A number that came before is no second field: the mark stands in the text."""
    pieces = re.split(re.escape(mark) + _SUB_FIELD, joined, flags=re.ASCII)
    fields: dict[str, str] = {}
    last = ""
    for number, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if number in fields:
            fields[last] += mark + number + text
        else:
            fields[number], last = text, number
    return fields


def _dutch(joined: str, lines: Sequence[str]) -> Details:
    pieces = _SLASHES.split(joined)
    values: dict[str, str] = {}
    for word, value in zip(pieces[1::2], pieces[2::2], strict=True):
        values.setdefault(word, value.strip("/ "))
    account, _, rest = values.get("CNTP", "").partition("/")
    name = rest.partition("/")[2].partition("/")[0]
    structured = _STRUCTURED.match(values.get("REMI", ""))
    references = [values.get("EREF", ""), values.get("KREF", ""), structured[1] if structured else ""]
    return Details(
        text="\n".join(line.rstrip() for line in lines),
        payer_name=values.get("NAME", "") or name.strip(),
        payer_account=values.get("IBAN", "") or account.strip(),
        references=meaningful(references),
        is_return="RTRN" in values,
        return_reason=values.get("RTRN", ""),
    )


def _cut_parts(parts: Sequence[str]) -> str:
    return "".join(part if len(part) >= SUB_FIELD_LENGTH else part + "\n" for part in parts)


def _glued(parts: Sequence[str]) -> str:
    return " ".join(_cut_parts(parts).split())


def _lines(parts: Sequence[str]) -> str:
    return "\n".join(part.rstrip() for part in parts if part.strip())
