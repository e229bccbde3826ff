"""Compiling is two thirds of the cost of reading one row by its key, so it is done once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Generic, TypeVar

import django
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

from engine.pipeline import ask

M = TypeVar("M", bound=Model)

_populators: Any = get_related_populators
_FETCH_MODE: tuple[Any, ...] = ()
if django.VERSION >= (6, 1):
    from django.db.models.fetch_modes import FETCH_ONE

    _FETCH_MODE = (FETCH_ONE,)  # the default of a queryset


class CompiledQuery(Generic[M]):
    """`queryset.filter(<where>).order_by(<order>)`, compiled once. queryset: all of a model.

    where: SQL with %s for the parameters of `ask`, each with its type; without it, `ask` takes a list of keys.
    order: SQL; by default by key. lock: FOR NO KEY UPDATE of the model's own rows, smaller keys first.
    """

    def __init__(self, queryset: QuerySet[M], where: str = "", *, order: str = "", lock: bool = False) -> None:
        assert not (order and lock), "locks are taken in the order of keys, so that nobody deadlocks"
        self._queryset, self._where, self._order, self._lock = queryset.order_by(), where, order, lock

    def ask(self, *params: Any) -> Answer[M]:
        """Several may be sent within `pipeline()` before the first answer is read."""
        assert connection.in_atomic_block or not self._lock, "a lock outside a transaction is none"
        return Answer(self, ask(self._sql, params))

    @cached_property
    def _compiled(self) -> Any:
        compiler = self._queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        assert not params, "what is asked for belongs into the condition"
        return compiler, sql

    @cached_property
    def _sql(self) -> str:
        table = connection.ops.quote_name(self._queryset.model._meta.db_table)
        lock = f" FOR NO KEY UPDATE OF {table}" if self._lock else ""
        where = self._where or f"{table}.id = ANY(%s::uuid[])"
        return f"{self._compiled[1]} WHERE {where} ORDER BY {self._order or f'{table}.id'}{lock}"

    @cached_property
    def _shape(self) -> Any:
        compiler, _ = self._compiled
        columns = [column for column, _, _ in compiler.select]
        own = compiler.klass_info["select_fields"]
        names = [columns[index].target.attname for index in own]
        populators = _populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS, *_FETCH_MODE)
        return compiler.get_converters(columns), names, populators

    def objects(self, rows: Any) -> Iterator[M]:
        converters, names, populators = self._shape
        if converters:
            rows = self._compiled[0].apply_converters(rows, converters)
        for row in rows:
            obj = self._queryset.model.from_db(DEFAULT_DB_ALIAS, names, row[: len(names)])
            for related in populators:
                related.populate(row, obj)
            yield obj


class Answer(Generic[M]):
    def __init__(self, reader: CompiledQuery[M], cursor: CursorWrapper) -> None:
        self._reader, self._cursor = reader, cursor

    @cached_property
    def objects(self) -> list[M]:
        return list(self._reader.objects(self._cursor.fetchall()))

    def by_key(self) -> dict[Any, M]:
        return {row.pk: row for row in self.objects}
