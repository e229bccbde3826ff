"""What the admin's pages of settings share: what may not go is named, and a late refusal is a message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

REFUSED = "The database refused this, and nothing was changed: {}"
TOO_DEEP = "This is nested too deeply."


class SettingsAdmin(admin.ModelAdmin):
    """Rows that staff edit. Rules are the model's `clean` and the database's: here they are only shown."""

    def must_stay(self, rows: Iterable[Any]) -> list[str]:
        """Which of these rows may not be deleted, each with the reason; besides what foreign keys protect."""
        return []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deletable, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deletable, counts, needed, [*protected, *self.must_stay(objs)]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = Autocomplete(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_refused(request, lambda: super(SettingsAdmin, self).changeform_view(request, *args, **kwargs))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_refused(request, lambda: super(SettingsAdmin, self).delete_view(request, *args, **kwargs))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_refused(request, lambda: super(SettingsAdmin, self).changelist_view(request, *args, **kwargs))

    def _or_refused(self, request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
        """For two people who save at the same moment: the form of each was right when it was checked."""
        try:
            return answer()
        except IntegrityError as error:
            self.message_user(request, REFUSED.format(_first_line(error)), messages.ERROR)
            return redirect(request.get_full_path())


class StableCode(SettingsAdmin):
    """The code is typed once. It stands in invoices, links and other people's programs."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *(("code",) if obj is not None else ()))


class Json(forms.JSONField):
    """Refuses what Python's parser gives up on, and shows again what was typed as it was typed.

    Django's own answers both with an error of the server: 1,000 brackets, and half of a surrogate pair.
    """

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise ValidationError(TOO_DEEP) from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial if self.disabled else None if data is None else InvalidJSONInput(data)


class Autocomplete(AutocompleteSelect):
    """Shows nothing for a key that is none, where Django's own fails to ask the database for it."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        return super().optgroups(name, [key for key in value if self._is_key(key)], attr)

    def _is_key(self, key: Any) -> bool:
        try:
            self.field.target_field.to_python(key)
        except ValidationError:
            return False
        return True


def _first_line(error: IntegrityError) -> str:
    return str(error).strip().partition("\n")[0]
