"""Triggers, written as constraints so that migrations follow the code.

They bind everybody but the owner of the tables, who may lift them for one transaction (`core.db.thaw`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from engine.triggers import Trigger

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
# Of two owners who leave at the same moment the second finds the first one gone.
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
# Arguments: the machine, the column that must name who decided ('' for none), and the verbs.
_OUTSIDER_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_outsider_decides() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    step record;
BEGIN
    SELECT name, actor_id INTO step FROM engine_transition
    WHERE machine = TG_ARGV[0] AND object_id = NEW.id AND seq = NEW.version AND name = ANY (TG_ARGV[2:]);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF TG_ARGV[1] <> '' AND to_jsonb(NEW) ->> TG_ARGV[1] IS DISTINCT FROM step.actor_id::text THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s %s: %s is not who performed %s', TG_ARGV[0], NEW.id, TG_ARGV[1], step.name);
    END IF;
    IF EXISTS (SELECT FROM core_membershiprecord WHERE user_id = step.actor_id AND account_id = NEW.account_id) THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s %s: who performs %s belongs to the account, or did', TG_ARGV[0], NEW.id, step.name);
    END IF;
    RETURN NULL;
END $$;
"""
# The person is locked first and read after: of a membership and a staff flag at once the second sees the first.
_MEMBER_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_membership_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_of_staff boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.user_id = OLD.user_id AND NEW.account_id = OLD.account_id THEN
        RETURN NULL;
    END IF;
    SELECT is_staff INTO is_of_staff FROM core_user WHERE id = NEW.user_id FOR SHARE;
    IF is_of_staff THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s is of the staff and cannot belong to an account', NEW.user_id);
    END IF;
    INSERT INTO core_membershiprecord (id, account_id, user_id, joined_at)
    VALUES (gen_random_uuid(), NEW.account_id, NEW.user_id, now()) ON CONFLICT (user_id, account_id) DO NOTHING;
    RETURN NULL;
END $$;
"""
_STAFF_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_staff_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.was_staff := NEW.was_staff OR OLD.was_staff;
        IF NEW.is_staff AND NOT OLD.is_staff AND EXISTS (SELECT FROM core_membership WHERE user_id = NEW.id) THEN
            RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
                MESSAGE = format('%s belongs to an account and cannot be of the staff', NEW.id);
        END IF;
    END IF;
    NEW.was_staff := NEW.was_staff OR NEW.is_staff OR NEW.is_superuser;
    RETURN NEW;
END $$;
"""
# Whole rows are compared, so that a column which is added later is frozen, too.
_SET_ONCE_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_set_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
    name text;
BEGIN
    FOR name IN SELECT jsonb_object_keys(after) LOOP
        CONTINUE WHEN before -> name IS NOT DISTINCT FROM after -> name;
        CONTINUE WHEN before ->> name IS NULL AND name = ANY (string_to_array(TG_ARGV[0], ','));
        CONTINUE WHEN after ->> name = '' AND name = ANY (string_to_array(TG_ARGV[1], ','));
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('%s %s: %s stays as it is', TG_TABLE_NAME, OLD.id, name);
    END LOOP;
    RETURN NEW;
END $$;
"""
# The line is locked first, so that of two parts written at once the second sees the first.
_LINE_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_parts_within_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole numeric;
    used numeric;
BEGIN
    SELECT abs(amount) INTO whole FROM core_statementline WHERE id = NEW.line_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount), 0) INTO used FROM core_linepayment WHERE line_id = NEW.line_id;
    IF used + NEW.amount NOT BETWEEN 0 AND whole THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('line %s is about %s; its payments would be %s', NEW.line_id, whole, used + NEW.amount);
    END IF;
    RETURN NEW;
END $$;
"""
_DRAFT_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_lines_while_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM core_invoice WHERE id = NEW.invoice_id AND status = 'draft' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('invoice %s is issued: its lines stay', NEW.invoice_id);
    END IF;
    RETURN NEW;
END $$;
"""
_SUM_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_lines_sum_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lines numeric;
BEGIN
    SELECT sum(net) INTO lines FROM core_invoiceline WHERE invoice_id = NEW.id;
    IF lines IS DISTINCT FROM NEW.net THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('invoice %s is %s without tax; its lines are %s', NEW.id, NEW.net, lines);
    END IF;
    RETURN NULL;
END $$;
"""
# As with payments of a line: of two refunds that are settled at once the second sees the first.
_REFUND_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_refunds_within_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole numeric;
    used numeric;
BEGIN
    SELECT -amount INTO whole FROM core_statementline
    WHERE id = NEW.line_id AND currency = NEW.currency FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount), 0) INTO used FROM core_refund WHERE line_id = NEW.line_id AND id <> NEW.id;
    IF whole IS NULL OR used + NEW.amount > whole THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('line %s took %s %s; its refunds would be %s',
                NEW.line_id, whole, NEW.currency, used + NEW.amount);
    END IF;
    RETURN NEW;
END $$;
"""
# The invoice is locked first, so that of two notes issued at once the second sees the first.
_CREDIT_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_credits_within_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole numeric;
    credited numeric;
BEGIN
    SELECT total INTO whole FROM core_invoice
    WHERE id = NEW.invoice_id AND account_id = NEW.account_id AND currency = NEW.currency FOR NO KEY UPDATE;
    SELECT sum(total) INTO credited FROM core_creditnote
    WHERE invoice_id = NEW.invoice_id AND status IN ('issued', 'applied');
    IF whole IS NULL OR credited > whole THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('invoice %s is about %s; its credit notes would be %s', NEW.invoice_id, whole, credited);
    END IF;
    IF NOT EXISTS (SELECT FROM core_creditnoteline WHERE credit_note_id = NEW.id
            HAVING sum(net) = NEW.net AND sum(amount) = NEW.total) THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('credit note %s is not the sum of its lines', NEW.id);
    END IF;
    IF EXISTS (
        SELECT FROM core_creditnote AS note JOIN core_creditnoteline AS part ON part.credit_note_id = note.id
        JOIN core_invoiceline AS line ON line.id = part.invoice_line_id
        WHERE note.invoice_id = NEW.invoice_id AND note.status IN ('issued', 'applied')
        GROUP BY line.id, line.invoice_id, line.net
        HAVING line.invoice_id <> NEW.invoice_id
            OR sum(part.net) NOT BETWEEN least(line.net, 0) AND greatest(line.net, 0)) THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('credit note %s: more than is left of a line', NEW.id);
    END IF;
    RETURN NULL;
END $$;
"""
# A claim by link is submitted by a service, so that "not the submitter" is not enough.
_LINK_FUNCTION = """
CREATE OR REPLACE FUNCTION countersign_link_maker_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM core_invoicelink
            WHERE id = NEW.claimed_by_link_id AND created_by_id IN (NEW.decided_by_id, NEW.reversed_by_id)) THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('payment %s: who decides made the link that it was claimed by', NEW.id);
    END IF;
    RETURN NEW;
END $$;
"""


class CodeKept(Trigger):
    """A code cannot change once another row refers to its row.

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


class OwnerKept(Trigger):
    """An account keeps an owner until it is closed."""

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


class OutsiderDecides(Trigger):
    """The actor of these transitions must not belong to the account, now or earlier.

    targets: the states that the verbs lead to; changed: the column that they change, where the status stays.
    column: the row's column with the actor; empty: it has none.
    """

    def __init__(
        self,
        *,
        name: str,
        machine: str,
        verbs: Sequence[str],
        targets: Sequence[str] = (),
        changed: str = "",
        column: str = "",
    ) -> None:
        super().__init__(name=name)
        self.machine, self.column, self.changed = machine, column, changed
        self.verbs, self.targets = sorted(verbs), sorted(targets)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        own = {"machine": self.machine, "verbs": self.verbs, "targets": self.targets, "column": self.column}
        return path, args, {**kwargs, **own, **({"changed": self.changed} if self.changed else {})}

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        targets, words = (
            ", ".join(f"'{word}'" for word in words)
            for words in (self.targets, [self.machine, self.column, *self.verbs])
        )
        moved = f"OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ({targets})"
        if self.changed:
            moved = f"OLD.{self.changed} IS DISTINCT FROM NEW.{self.changed}"
        return (
            _OUTSIDER_FUNCTION
            + f'CREATE TRIGGER {self.name} AFTER UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + f"WHEN ({moved}) EXECUTE FUNCTION countersign_outsider_decides({words});"
        )


class MembershipRecorded(Trigger):
    """Every membership is recorded for ever; staff cannot have one."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _MEMBER_FUNCTION
            + f"CREATE TRIGGER {self.name} AFTER INSERT OR UPDATE OF user_id, account_id "
            + f'ON "{model._meta.db_table}" FOR EACH ROW EXECUTE FUNCTION countersign_membership_recorded();'
        )


class StaffApart(Trigger):
    """Members of an account get no staff rights; `was_staff` is kept for ever."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _STAFF_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE INSERT OR UPDATE ON "{model._meta.db_table}" '
            + "FOR EACH ROW EXECUTE FUNCTION countersign_staff_apart();"
        )


class SetOnce(Trigger):
    """After the insert only these columns can be written, each once; an erasable one may become empty."""

    def __init__(self, *, name: str, columns: list[str], erasable: list[str]) -> None:
        super().__init__(name=name)
        self.columns, self.erasable = sorted(columns), sorted(erasable)

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "columns": self.columns, "erasable": self.erasable}

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        words = f"'{','.join(self.columns)}', '{','.join(self.erasable)}'"
        return (
            _SET_ONCE_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + f"EXECUTE FUNCTION countersign_set_once({words});"
        )


class PartsWithinLine(Trigger):
    """The payments of a bank line are together no more than the line, and no less than nothing."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _LINE_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE INSERT ON "{model._meta.db_table}" '
            + "FOR EACH ROW EXECUTE FUNCTION countersign_parts_within_line();"
        )


class RefundsWithinLine(Trigger):
    """The refunds that a bank line shows are of its currency, and together no more than it took."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _REFUND_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + "WHEN (NEW.line_id IS NOT NULL AND NEW.line_id IS DISTINCT FROM OLD.line_id) "
            + "EXECUTE FUNCTION countersign_refunds_within_line();"
        )


class CreditsWithinInvoice(Trigger):
    """The credit notes of an invoice are of its account and currency, and no more than it and each of its lines."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _CREDIT_FUNCTION
            + f'CREATE TRIGGER {self.name} AFTER UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + "WHEN (OLD.status = 'draft' AND NEW.status = 'issued') "
            + "EXECUTE FUNCTION countersign_credits_within_invoice();"
        )


class LinesWhileDraft(Trigger):
    """An invoice gets its lines before it is issued."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _DRAFT_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE INSERT ON "{model._meta.db_table}" '
            + "FOR EACH ROW EXECUTE FUNCTION countersign_lines_while_draft();"
        )


class LinesSumUp(Trigger):
    """Where an invoice says its net, its lines are that net when it is issued."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _SUM_FUNCTION
            + f'CREATE TRIGGER {self.name} AFTER UPDATE OF status ON "{model._meta.db_table}" FOR EACH ROW '
            + "WHEN (OLD.status = 'draft' AND NEW.status = 'pending' AND NEW.net IS NOT NULL) "
            + "EXECUTE FUNCTION countersign_lines_sum_up();"
        )


class LinkMakerApart(Trigger):
    """Who made a link neither decides on a payment that was claimed by it nor reverses it."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            _LINK_FUNCTION
            + f'CREATE TRIGGER {self.name} BEFORE UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + "WHEN (NEW.claimed_by_link_id IS NOT NULL AND NEW.decided_by_id IS NOT NULL) "
            + "EXECUTE FUNCTION countersign_link_maker_apart();"
        )
