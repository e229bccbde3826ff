"""Texts of the database that no verb should have stored: too long, not in NFC, with characters that are no text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from django.apps import apps
from django.db import connection, models
from django.db.models import CharField, JSONField, TextField

from core.models import Account, Invitation, Payment, Site, User
from core.models.payment import normal_reference
from core.validation.email import canonical_email
from core.validation.text import has_no_hidden_characters, has_visible_character

CONTROLS = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]"
# Kept as they were typed, because a file is found by that name only; ASCII is asked of them instead.
LINKS = {"core_payment.proof_url"}
# What people read as the name of somebody or something: all of it is seen.
NAMES = {Account: "name", User: "name", Site: "name"}


def wrong_texts() -> list[str]:
    """What is wrong, by table and column."""
    with connection.cursor() as cursor:
        cursor.execute(_query())
        found = [f"{where}: {text!r}" for where, text in cursor.fetchall()]
    return [*found, *_unseen_names(), *_wrong_keys()]


def _unseen_names() -> Iterator[str]:
    for model, column in NAMES.items():
        for text in model._default_manager.values_list(column, flat=True):
            if text and not (has_visible_character(text) and has_no_hidden_characters(text)):
                yield f"{model.__name__}.{column} is not seen whole: {text!r}"


def _wrong_keys() -> Iterator[str]:
    """By which rows are found."""
    for model in (User, Invitation):
        for typed, key in model._default_manager.values_list("email", "email_canonical"):
            if key != canonical_email(typed):
                yield f"not the canonical address of {typed!r}: {key!r}"
    for typed, key in Payment.objects.values_list("reference", "reference_key"):
        if key not in ("", normal_reference(typed)):
            yield f"not the key of {typed!r}: {key!r}"


@cache
def _query() -> str:
    columns = [
        (model._meta.db_table, column)
        for app in ("engine", "core")
        for model in apps.get_app_config(app).get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, CharField | TextField | JSONField)
    ]
    return " UNION ALL ".join(_rows(table, column) for table, column in columns)


def _rows(table: str, column: models.Field) -> str:
    """The texts of one column that should not be there."""
    name = f'"{column.column}"'
    where = f"{table}.{column.column}"
    text = f"{name}::text"
    wrong = [f"{text} ~ E'{CONTROLS}'"]
    if isinstance(column, JSONField):
        wrong.append(rf"{text} ~ '\\u00[01][0-9a-f]'")
    if isinstance(column, CharField):
        wrong.append(f"{text} ~ E'[\\t\\n\\r]'")
    wrong.append(f"{text} ~ '[^ -~]'" if where in LINKS else f"{text} IS NOT NFC NORMALIZED")
    if getattr(column, "max_length", None):
        wrong.append(f"char_length({name}) > {column.max_length}")
    return f"SELECT '{where}', left({text}, 80) FROM \"{table}\" WHERE {' OR '.join(wrong)}"
