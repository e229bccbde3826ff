from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from django.db.models import BooleanField, Case, F, Func, IntegerField, Q, Value, When
from django.db.models.functions import Round
from django.utils.translation import gettext as _

from core.money import CEILING
from core.problems import ValidationError
from core.validation.text import composed, has_no_hidden_characters, has_visible_character, is_lines, is_single_line
from engine import base
from engine.stateful import Stateful

# ISO 4217 as of 2026: currencies without exactly two decimals. A test compares them with the library.
NO_DIGITS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
)  # fmt: skip
THREE_DIGITS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
FOUR_DIGITS = ("CLF", "UYW")


class BaseModel(base.BaseModel):
    class Meta:
        abstract = True

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Normalises texts to NFC, and blank-looking ones to empty, so that names that look the same are equal."""
        errors: dict[str, Any] = {}
        for column in self._meta.concrete_fields:
            text = getattr(self, column.attname)
            if isinstance(column, models.JSONField):
                setattr(self, column.attname, _composed(text))
            elif isinstance(text, str) and isinstance(column, models.CharField | models.TextField):
                text = composed(text) if has_visible_character(text) else ""
                setattr(self, column.attname, text)
                if column.name not in (exclude or ()) and (wrong := _character_error(column, text)):
                    errors[column.name] = [wrong]
        try:
            super().clean_fields(exclude=exclude)
        except DjangoValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise DjangoValidationError(errors)

    def check_texts(self) -> None:
        """Raises ValidationError, the Problem, for texts that are too long or have forbidden characters."""
        columns = [one for one in self._meta.concrete_fields if isinstance(one, models.CharField | models.TextField)]
        errors = {one.name: [wrong] for one in columns if (wrong := _text_error(one, getattr(self, one.attname) or ""))}
        if errors:
            raise ValidationError(errors)


class StatefulModel(Stateful, BaseModel):
    class Meta:
        abstract = True


class MoneyField(models.DecimalField):
    """`numeric(19, 4)`; its currency is another column."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_digits": 19, "decimal_places": 4})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


def positive_amount(*fields: str) -> Q:
    """Has an upper bound, because `> 0` alone accepts NaN."""
    return Q(**{f"{field}__gt": Decimal(0) for field in fields}) & _below_ceiling(*fields)


def not_negative_amount(*fields: str) -> Q:
    return Q(**{f"{field}__gte": Decimal(0) for field in fields}) & _below_ceiling(*fields)


def fits_currency(amount: str, currency: str = "currency") -> Q:
    """Other amounts could never be paid exactly."""
    digits = Case(
        When(Q(**{f"{currency}__in": NO_DIGITS}), then=Value(0)),
        When(Q(**{f"{currency}__in": THREE_DIGITS}), then=Value(3)),
        When(Q(**{f"{currency}__in": FOUR_DIGITS}), then=Value(4)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return Q(**{amount: Round(F(amount), digits)})


def is_code(column: str, letters: int, *, blank: bool = False) -> Q:
    """Capital letters, as in ISO 3166-1 and ISO 4217."""
    looks = Q(**{f"{column}__regex": f"^[A-Z]{{{letters}}}$"})
    return looks | Q(**{column: ""}) if blank else looks


class JsonFits(Func):
    """A CHECK of a JSON column by an SQL/JSON path predicate without quotes and percent signs."""

    # A CHECK accepts NULL, which a predicate returns where it does not apply.

    template = "coalesce(jsonb_path_match(%(expressions)s, '%(path)s', '{}', true), false)"
    output_field = BooleanField()

    def __init__(self, column: str, *, path: str) -> None:
        super().__init__(column, path=path)


# For JsonFits. `strict`, because the lax mode unpacks nested arrays.
TEXT_BY_KEY = 'strict $.type() == "object" && !exists($.* ? (@.type() != "string"))'


def list_of(*words: str) -> str:
    known = " || ".join(f'@ == "{word}"' for word in words)
    return f'strict $.type() == "array" && !exists($[*] ? (@.type() != "string" || !({known})))'


def list_of_days(longest: int, furthest: int) -> str:
    wrong = f'@.type() != "number" || @ < -{furthest} || @ > {furthest} || @ != @.floor()'
    return f'strict $.type() == "array" && $.size() <= {longest} && !exists($[*] ? ({wrong}))'


def whole_by_currency(other: str, most: int) -> str:
    """For each currency code, or for the key `other`."""
    wrong = f'@.value.type() != "number" || @.value < 0 || @.value > {most} || @.value != @.value.floor()'
    code = f'@.key like_regex "^([A-Z]{{3}}|{other})$"'
    return f'strict $.type() == "object" && !exists($.keyvalue() ? ({wrong} || !({code})))'


def is_referred_to(row: models.Model) -> bool:
    return any(
        relation.related_model._base_manager.filter(**{relation.field.name: row.pk}).exists()
        for relation in protected_relations(type(row))
    )


def protected_relations(model: type[models.Model]) -> list[Any]:
    fields: list[Any] = list(model._meta.get_fields(include_hidden=True))
    return [field for field in fields if getattr(field, "on_delete", None) is models.PROTECT and not field.concrete]


def _text_error(column: models.Field, text: str) -> str:
    if column.max_length is not None and len(text) > column.max_length:
        return _("Use at most %(count)d characters.") % {"count": column.max_length}
    return _character_error(column, text)


def _composed(value: Any) -> Any:
    if isinstance(value, str):
        return composed(value)
    if isinstance(value, dict):
        return {composed(key): _composed(each) for key, each in value.items()}
    return [_composed(each) for each in value] if isinstance(value, list) else value


def _character_error(column: models.Field, text: str) -> str:
    if isinstance(column, models.TextField):
        return "" if is_lines(text) else _("It contains characters that are no text.")
    if not is_single_line(text):
        return _("Write it on a single line.")
    if column.name == "name" and not has_no_hidden_characters(text):
        return _("There is a character in it that cannot be seen. Type it again.")
    return ""


def _below_ceiling(*fields: str) -> Q:
    return Q(**{f"{field}__lt": CEILING for field in fields})
