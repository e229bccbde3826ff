"""Rules that the database keeps by trigger, written as constraints so that migrations follow the code.

They hold for everybody who is not the owner of the tables: for the admin, `QuerySet.update`, and raw SQL.
"""

from __future__ import annotations

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
    SELECT name || ':' || source || '>' || target INTO edge FROM core_transition
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
_APPEND_ONLY_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
        MESSAGE = format('%s is append-only: %s is refused', TG_TABLE_NAME, TG_OP);
END $$;
"""
_KEPT_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
        MESSAGE = format('%s has a history: %s is refused', TG_TABLE_NAME, TG_OP);
END $$;
"""

_CODE_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_keep_code() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_used boolean;
BEGIN
    FOR n IN 0 .. TG_NARGS / 2 - 1 LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', TG_ARGV[2 * n], TG_ARGV[2 * n + 1])
            INTO is_used USING OLD.id;
        IF is_used THEN
            RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
                MESSAGE = format('%s %L is in use: its code stays', TG_TABLE_NAME, OLD.code);
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
"""
# The account is locked, so that of two owners who leave at the same moment the second finds the first one gone.
_OWNER_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_keep_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM core_account WHERE id = OLD.account_id AND status <> 'closed' FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (SELECT FROM core_membership WHERE account_id = OLD.account_id AND role = 'owner') THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('account %s keeps at least one owner', OLD.account_id);
    END IF;
    RETURN NULL;
END $$;
"""


class _Trigger(models.BaseConstraint):
    """A constraint that Django knows nothing of beyond its name and its SQL."""

    def constraint_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """The database alone decides."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Trigger) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


class StatusGuard(_Trigger):
    """No status without its Transition row, and no edge that the machine does not declare.

    `edges` are `name:source>target`, for a birth `begin:>target`.
    """

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


class _Refusal(_Trigger):
    """Whole statements are refused, of no rows too."""

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

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return f'DROP TRIGGER {self.name} ON "{model._meta.db_table}"'


class AppendOnly(_Refusal):
    """Rows are added and stay: UPDATE, DELETE and TRUNCATE are refused."""

    statements = "UPDATE OR DELETE OR TRUNCATE"
    function, function_sql = "countersign_refuse", _APPEND_ONLY_FUNCTION


class Kept(_Refusal):
    """Rows change and stay: DELETE and TRUNCATE are refused."""

    statements = "DELETE OR TRUNCATE"
    function, function_sql = "countersign_keep", _KEPT_FUNCTION


class CodeKept(_Trigger):
    """A code stays as it is once a row refers to its row: it stands in invoices, in programs of others, in links.

    references: table and column of each foreign key that counts.
    """

    def __init__(self, *, name: str, references: list[tuple[str, str]]) -> None:
        super().__init__(name=name)
        self.references = sorted(tuple(reference) for reference in references)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "references": self.references}

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        words = ", ".join(f"'{word}'" for reference in self.references for word in reference)
        return (
            _CODE_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + f"WHEN (OLD.code IS DISTINCT FROM NEW.code) EXECUTE FUNCTION countersign_keep_code({words});"
        )

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return f'DROP TRIGGER {self.name} ON "{model._meta.db_table}"'


class OwnerKept(_Trigger):
    """The last owner of an account stays until it is closed: in the admin, by a cascade and by raw SQL, too."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        table = model._meta.db_table
        call = "EXECUTE FUNCTION countersign_keep_owner();"
        moved = "OLD.role = 'owner' AND (NEW.role <> 'owner' OR NEW.account_id <> OLD.account_id)"
        return (
            _OWNER_FUNCTION
            + f'CREATE TRIGGER {self.name} AFTER UPDATE ON "{table}" FOR EACH ROW WHEN ({moved}) {call}\n'
            + f'CREATE TRIGGER {self.name}_gone AFTER DELETE ON "{table}" FOR EACH ROW '
            + f"WHEN (OLD.role = 'owner') {call}"
        )

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        table = model._meta.db_table
        return f'DROP TRIGGER {self.name} ON "{table}"; DROP TRIGGER {self.name}_gone ON "{table}";'
