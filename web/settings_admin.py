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
    """Rows that staff edit. The model's `clean` and the database decide; their refusals are shown here."""

    def must_stay(self, rows: Iterable[Any]) -> list[str]:
        """Reasons why some of these rows must not be deleted, besides foreign keys."""
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
        """Two people may save at once, each with a form that was valid when checked."""
        try:
            return answer()
        except IntegrityError as error:
            self.message_user(request, REFUSED.format(_first_line(error)), messages.ERROR)
            return redirect(request.get_full_path())


class StableCode(SettingsAdmin):
    """The code never changes: invoices, links and programs of others refer to it."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *(("code",) if obj is not None else ()))


class Json(forms.JSONField):
    """Django's own field fails with 1,000 brackets or half of a surrogate pair."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise ValidationError(TOO_DEEP) from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial if self.disabled else None if data is None else InvalidJSONInput(data)


class Autocomplete(AutocompleteSelect):
    """Django's own widget fails with an invalid id."""

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
