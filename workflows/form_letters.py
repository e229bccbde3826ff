"""The sentences of a mail are printed once; then only its blanks are filled in.

Mails of one kind differ in names, sums and addresses, which are shown and not looked into. So the first mail of a case
is rendered with a mark in the place of each of these, and the next one of that case is the same text with its own
values. What else differs (whether something is true, a text of several lines, a number) makes another case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import count
from typing import Any

from django.utils.html import escape

from workflows.mail.formatting import BidiText, RawText

Words = dict[str, Any]
Render = Callable[[str, Words], Sequence[str]]  # of a kind of mail and its words: the HTML first, then plain texts

CASES = 500  # that are remembered
# Long, so that a filter which shortens a value breaks the mark and is found out. A text may be set differently when it
# is ASCII and begins with no letter (workflows/mail/html_to_text.py), so a mark for such a value is that, too.
MARK = re.compile("[\x01\ue000]([0-9]{100})[\x02\ue001]")
ENDS = set("\x01\x02\ue000\ue001")
LOST = re.compile("[0-9]{100}")  # where the ends of a mark were taken for something else: in an address, quoted


def write(render: Render, kind: str, words: Words, language: str) -> Sequence[str]:
    """What `render(kind, words)` returns, in a fraction of the time where it has been asked for the like before."""
    values: list[str] = []
    try:
        form = _form(render, kind, language, _case_of(words, values))
    except _NoFormError:
        form = None
    if form is None:
        return render(kind, words)
    html, *texts = form
    return [_fill(html, [escape(value) for value in values]), *(_fill(text, values) for text in texts)]


class _NoFormError(Exception):
    """Nothing that a second mail could share."""


@lru_cache(CASES)
def _form(render: Render, kind: str, language: str, case: Any) -> list[list[str]] | None:
    """Each text in pieces: printed, the number of a blank, printed, and so on. None: something looks into a value."""
    forms = [MARK.split(text) for text in render(kind, _with_marks(case, count()))]
    if any(ENDS & set(printed) or LOST.search(printed) for pieces in forms for printed in pieces[::2]):
        return None
    return forms


def _fill(pieces: list[str], values: Sequence[str]) -> str:
    filled = pieces.copy()
    filled[1::2] = [values[int(blank)] for blank in pieces[1::2]]
    return "".join(filled)


def _case_of(value: Any, values: list[str]) -> Any:
    """The value, hashable, with a type instead of each blank, whose values go to the list."""
    match value:
        case BidiText() | RawText():
            if not value or " ".join(value.split()) != value:
                raise _NoFormError  # as HTML and as plain text it is not the same
            values.append(str(value))
            return type(value), value.isascii() and not value[0].isalpha()
        case dict():
            return dict, tuple((key, _case_of(each, values)) for key, each in value.items())
        case list() | tuple():
            return list, tuple(_case_of(each, values) for each in value)
        case None | str() | int():
            return type(value), value, "printed"
        case Hashable() if is_dataclass(value) and not isinstance(value, type):  # one that does not change
            named = ((each.name, getattr(value, each.name)) for each in fields(value))
            return type(value), tuple((name, _case_of(each, values)) for name, each in named)
    raise _NoFormError


def _with_marks(case: Any, numbers: Iterator[int]) -> Any:
    """The words again, with numbered marks in place of their values."""
    match case:
        case type_, value, "printed":
            return value
        case type_, bool() as looks_like_a_number:
            begin, end = "\x01\x02" if looks_like_a_number else "\ue000\ue001"
            return type_(f"{begin}{next(numbers):0100}{end}")
        case type_, items if type_ is list:
            return [_with_marks(each, numbers) for each in items]
    type_, items = case
    return type_(**{name: _with_marks(each, numbers) for name, each in items})
