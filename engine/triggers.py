"""Rules that triggers enforce, written as constraints so that migrations follow the code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# One function for all machines; a trigger's arguments are its machine and the edges it may take.
_STATUS_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_guard_status() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := '';
    edge text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := OLD.status;
    END IF;
    SELECT name || ':' || source || '>' || target INTO edge FROM engine_transition
    WHERE machine = TG_ARGV[0] AND object_id = NEW.id AND seq = NEW.version
        AND source = before AND target = NEW.status;
    IF edge IS NULL OR (TG_OP = 'UPDATE' AND NEW.version <> OLD.version + 1) THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s %s: no Transition leads from %L to %L', TG_ARGV[0], NEW.id, before, NEW.status);
    END IF;
    IF NOT edge = ANY (TG_ARGV) THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s %s: %s is not declared', TG_ARGV[0], NEW.id, edge);
    END IF;
    RETURN NULL;
END $$;
"""
# `countersign.thaw` names a table for one transaction. Any role can set it; it works for the owner of the table and for
# what runs with the owner's rights, only.
THAW_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_is_thawed(relation oid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    named text := coalesce(current_setting('countersign.thaw', true), '');
BEGIN
    IF named = '' OR to_regclass(named) IS DISTINCT FROM relation::regclass OR NOT pg_has_role(
            current_user, (SELECT relowner FROM pg_class WHERE oid = relation), 'MEMBER') THEN
        RETURN false;
    END IF;
    RAISE LOG 'countersign: % is changed while it is thawed, by %', relation::regclass, session_user;
    RETURN true;
END $$;
"""
APPEND_ONLY_FUNCTION = (
    THAW_FUNCTION
    + """
CREATE OR REPLACE FUNCTION countersign_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND countersign_is_thawed(TG_RELID) THEN
        RETURN NULL;
    END IF;
    RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
        MESSAGE = format('%s is append-only: %s is refused', TG_TABLE_NAME, TG_OP);
END $$;
"""
)
# The arguments are the columns, to name in the message those that were to change.
_FROZEN_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text;
BEGIN
    IF countersign_is_thawed(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT string_agg(before.key, ', ' ORDER BY before.key) INTO changed FROM jsonb_each(to_jsonb(OLD)) AS before
    JOIN jsonb_each(to_jsonb(NEW)) AS after USING (key)
    WHERE before.value IS DISTINCT FROM after.value AND before.key = ANY (TG_ARGV);
    RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
        MESSAGE = format('%s %s: %s is frozen', TG_TABLE_NAME,
            coalesce(to_jsonb(OLD) ->> 'id', to_jsonb(OLD) ->> 'transition_id'), changed);
END $$;
"""
_KEPT_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
        MESSAGE = format('%s has a history: %s is refused', TG_TABLE_NAME, TG_OP);
END $$;
"""

# Locks the batch until the end of the transaction: code that finishes members of several batches locks those first, in
# one order.
_BATCH_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_count_batch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    following uuid;
BEGIN
    UPDATE engine_batch SET
        done = done + (NEW.state = 'done')::int,
        skipped = skipped + (NEW.state = 'skipped')::int,
        completed_at = CASE WHEN done + skipped + 1 = total THEN now() END
    WHERE id = NEW.batch_id
    RETURNING CASE WHEN completed_at IS NOT NULL THEN then_id END INTO following;
    IF following IS NOT NULL THEN
        UPDATE engine_effect SET state = 'ready', run_at = now()
        WHERE id = following AND state = 'waiting' AND fence = 0;
    END IF;
    RETURN NULL;
END $$;
"""


class Trigger(models.BaseConstraint):
    def constraint_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return f'DROP TRIGGER {self.name} ON "{model._meta.db_table}"'

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """The database alone decides."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trigger) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


class StatusGuard(Trigger):
    """Each status has its Transition row, by a declared edge: `name:source>target`, for a creation `begin:>target`."""

    def __init__(self, *, name: str, machine: str, edges: list[str]) -> None:
        super().__init__(name=name)
        self.machine = machine
        self.edges = sorted(edges)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "machine": self.machine, "edges": self.edges}

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        table = model._meta.db_table
        words = ", ".join(f"'{word}'" for word in (self.machine, *self.edges))
        call = f"FOR EACH ROW {{when}}EXECUTE FUNCTION countersign_guard_status({words});"
        moved = "WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.version IS DISTINCT FROM NEW.version) "
        return (
            _STATUS_FUNCTION
            + f'CREATE TRIGGER {self.name}_born AFTER INSERT ON "{table}" {call.format(when="")}\n'
            + f'CREATE TRIGGER {self.name} AFTER UPDATE ON "{table}" {call.format(when=moved)}'
        )

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        table = model._meta.db_table
        return f'DROP TRIGGER {self.name}_born ON "{table}"; DROP TRIGGER {self.name} ON "{table}";'


class _Refusal(Trigger):
    """Refuses statements, even if they affect no row."""

    statements: str
    function: str  # that the trigger calls
    function_sql: str

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            self.function_sql
            + f"CREATE TRIGGER {self.name} BEFORE {self.statements} "
            + f'ON "{model._meta.db_table}" FOR EACH STATEMENT EXECUTE FUNCTION {self.function}();'
        )


class AppendOnly(_Refusal):
    """UPDATE, DELETE and TRUNCATE are refused."""

    statements = "UPDATE OR DELETE OR TRUNCATE"
    function, function_sql = "countersign_refuse", APPEND_ONLY_FUNCTION


class NoDelete(_Refusal):
    """Rows may change: DELETE and TRUNCATE are refused."""

    statements = "DELETE OR TRUNCATE"
    function, function_sql = "countersign_keep", _KEPT_FUNCTION


class Frozen(Trigger):
    """Columns that cannot change, unless the table is thawed.

    columns: as in the database; `metadata->key` is one key of a JSON column. once: may be filled once.
    blankable: may become NULL only. when: SQL about OLD; empty: always.
    """

    def __init__(
        self,
        *,
        name: str,
        columns: Sequence[str] = (),
        once: Sequence[str] = (),
        blankable: Sequence[str] = (),
        when: str = "",
    ) -> None:
        super().__init__(name=name)
        self.columns, self.once, self.blankable = sorted(columns), sorted(once), sorted(blankable)
        self.when = when

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        own = {"columns": self.columns, "once": self.once, "blankable": self.blankable, "when": self.when}
        return path, args, {**kwargs, **{key: value for key, value in own.items() if value}}

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        changes = [_differs(column) for column in self.columns]
        changes += [f"OLD.{column} IS NOT NULL AND {_differs(column)}" for column in self.once]
        changes += [f"NEW.{column} IS NOT NULL AND {_differs(column)}" for column in self.blankable]
        condition = " OR ".join(f"({change})" for change in changes)
        if self.when:
            condition = f"({self.when}) AND ({condition})"
        named = {column.partition("->")[0] for column in (*self.columns, *self.once, *self.blankable)}
        words = ", ".join(f"'{word}'" for word in sorted(named))
        return (
            THAW_FUNCTION
            + _FROZEN_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + f"WHEN ({condition}) EXECUTE FUNCTION countersign_frozen({words});"
        )


def _differs(column: str) -> str:
    name, _, key = column.partition("->")
    before, after = (f"{row}.{name}" + (f" -> '{key}'" if key else "") for row in ("OLD", "NEW"))
    return f"({before}) IS DISTINCT FROM ({after})"


class CountsBatch(Trigger):
    """A trigger, because workers, operators and SQL finish effects; the last member makes `then` due."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        over = "('done', 'skipped')"
        return (
            _BATCH_FUNCTION
            + f'CREATE TRIGGER {self.name} AFTER UPDATE OF state ON "{model._meta.db_table}" FOR EACH ROW '
            + f"WHEN (NEW.batch_id IS NOT NULL AND NEW.state IN {over} AND OLD.state NOT IN {over}) "
            + "EXECUTE FUNCTION countersign_count_batch();"
        )
