"""Exact for small tables, estimated from pg_stats for large ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Model

EXACT_BELOW_BYTES = 8 * 1024 * 1024  # some ten thousand rows


@dataclass
class Estimate:
    is_exact: bool = True
    counts: dict[str, int] = field(default_factory=dict)


def estimated_counts(*columns: tuple[type[Model], str]) -> list[Estimate]:
    tables = [model._meta.db_table for model, _ in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT greatest(reltuples, 0), pg_relation_size(pg_class.oid),
                      most_common_vals::text::text[], most_common_freqs
               FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted(name, attribute, place)
               JOIN pg_class ON pg_class.oid = wanted.name::regclass
               LEFT JOIN pg_stats ON tablename = relname AND attname = attribute
                   AND schemaname = relnamespace::regnamespace::text
               ORDER BY place""",
            [tables, [column for _, column in columns]],
        )
        found = [_estimated(*row) for row in cursor.fetchall()]
        small = [place for place, known in enumerate(found) if known.is_exact]
        if small:
            parts = (
                f'SELECT {place}, "{columns[place][1]}"::text, count(*) FROM "{tables[place]}" GROUP BY 2'  # noqa: S608
                for place in small
            )
            cursor.execute(" UNION ALL ".join(parts))
            for place, word, count in cursor.fetchall():
                found[place].counts[word] = count
    return found


def _estimated(rows: float, size: int, words: list[str] | None, shares: list[float] | None) -> Estimate:
    if size <= EXACT_BELOW_BYTES or not words or not shares:
        return Estimate()
    return Estimate(False, {word: round(rows * share) for word, share in zip(words, shares, strict=True)})
