from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from engine.triggers import Trigger

# A customer was told of the method: it was chosen for an issued invoice, or is offered where one was issued. `shown_at`
# remembers it, so that a method that is switched off for a moment does not become changeable.
IS_SHOWN = """
CREATE OR REPLACE FUNCTION countersign_payee_is_shown(method uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT row.shown_at IS NOT NULL
        OR EXISTS (SELECT FROM core_invoice WHERE payment_method_id = row.id AND number IS NOT NULL)
        OR row.is_enabled AND EXISTS (
            SELECT FROM core_invoice AS invoice JOIN core_account AS account ON account.id = invoice.account_id
            WHERE invoice.number IS NOT NULL AND row.currency IN ('', invoice.currency)
                AND row.country IN (
                    '', coalesce(nullif(invoice.metadata #>> '{billing_snapshot,country}', ''), account.country)))
    FROM core_paymentmethod AS row WHERE row.id = method
$$;
"""
_FIRST = """
CREATE OR REPLACE FUNCTION countersign_first_payee() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core_payeeversion
        (id, method_id, number, fields, instructions, tolerance_percent, tolerance_max,
            asked_at, wait_hours, alone_hours, at_once, in_force_at)
    VALUES (gen_random_uuid(), NEW.id, 1, NEW.fields, NEW.instructions, NEW.tolerance_percent, NEW.tolerance_max,
            now(), 0, 0, true, now());
    RETURN NULL;
END $$;
"""
# Invoices show the version in force; a method that no invoice shows may be written directly.
_KEPT = """
CREATE OR REPLACE FUNCTION countersign_keep_payee() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    latest core_payeeversion;
BEGIN
    NEW.shown_at := OLD.shown_at;
    IF OLD.shown_at IS NULL AND countersign_payee_is_shown(OLD.id) THEN
        NEW.shown_at := now();
    END IF;
    SELECT * INTO latest FROM core_payeeversion WHERE method_id = OLD.id AND in_force_at IS NOT NULL
        ORDER BY number DESC LIMIT 1;
    IF (NEW.fields, NEW.instructions, NEW.tolerance_percent, NEW.tolerance_max)
            IS DISTINCT FROM (latest.fields, latest.instructions, latest.tolerance_percent, latest.tolerance_max) THEN
        IF NEW.shown_at IS NOT NULL THEN
            RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
                MESSAGE = format('%s: invoices show this payee, it changes by a version in force only', OLD.code);
        END IF;
        INSERT INTO core_payeeversion
            (id, method_id, number, fields, instructions, tolerance_percent, tolerance_max,
                asked_at, wait_hours, alone_hours, at_once, in_force_at)
        SELECT gen_random_uuid(), OLD.id, coalesce(max(number), 0) + 1,
            NEW.fields, NEW.instructions, NEW.tolerance_percent, NEW.tolerance_max, now(), 0, 0, true, now()
        FROM core_payeeversion WHERE method_id = OLD.id RETURNING * INTO latest;
    END IF;
    NEW.payee_since := CASE WHEN NOT latest.at_once THEN latest.in_force_at END;
    RETURN NEW;
END $$;
"""
# A version comes into force half a minute later, when this transaction has ended (an effect takes 20 s at most): so the
# version of any moment is the same whenever it is looked for.
_VERSION = """
CREATE OR REPLACE FUNCTION countersign_keep_payee_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong text := '';
    patience integer;
    later text[] := ARRAY['confirmed_by_id', 'confirmed_at', 'withdrawn_by_id', 'withdrawn_at', 'in_force_at'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.asked_at := now();
        IF NEW.confirmed_by_id IS NOT NULL OR NEW.withdrawn_by_id IS NOT NULL THEN
            wrong := 'it begins neither confirmed nor withdrawn';
        ELSIF NEW.in_force_at IS NULL THEN
            IF NEW.at_once OR NEW.wait_hours < 1 OR NEW.alone_hours < NEW.wait_hours THEN
                wrong := 'a change waits';
            END IF;
        ELSIF NOT NEW.at_once THEN
            wrong := 'it waits, or is in force at once';
        ELSIF EXISTS (SELECT FROM core_payeeversion WHERE method_id = NEW.method_id)
                AND countersign_payee_is_shown(NEW.method_id) THEN
            wrong := 'invoices show the one before: it waits';
        ELSE
            NEW.in_force_at := now();
        END IF;
    ELSE
        patience := CASE WHEN NEW.confirmed_by_id IS NULL THEN OLD.alone_hours ELSE OLD.wait_hours END;
        IF to_jsonb(NEW) - later <> to_jsonb(OLD) - later THEN
            wrong := 'it is append-only: what was asked for stays';
        ELSIF OLD.in_force_at IS NOT NULL OR OLD.withdrawn_by_id IS NOT NULL THEN
            wrong := 'it is over';
        ELSIF OLD.confirmed_by_id IS NOT NULL AND NEW.confirmed_by_id IS DISTINCT FROM OLD.confirmed_by_id THEN
            wrong := 'it is confirmed once';
        ELSIF NEW.in_force_at IS NOT NULL AND now() < OLD.asked_at + make_interval(hours => patience) THEN
            wrong := 'it has not waited';
        END IF;
        NEW.confirmed_at := CASE WHEN NEW.confirmed_by_id IS NOT NULL THEN coalesce(OLD.confirmed_at, now()) END;
        NEW.withdrawn_at := CASE WHEN NEW.withdrawn_by_id IS NOT NULL THEN now() END;
        IF NEW.in_force_at IS NOT NULL THEN
            NEW.in_force_at := now() + interval '30 seconds';
        END IF;
    END IF;
    IF wrong <> '' THEN
        RAISE integrity_constraint_violation USING CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME,
            MESSAGE = format('payee version %s of %s: %s', NEW.number, NEW.method_id, wrong);
    END IF;
    RETURN NEW;
END $$;
"""
_WATCHED = (
    "fields", "instructions", "tolerance_percent", "tolerance_max", "country", "currency", "is_enabled", "shown_at",
    "payee_since",
)  # fmt: skip


class PayeeKept(Trigger):
    """A method has the payee of its newest version in force."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        table = model._meta.db_table
        changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _WATCHED)
        return (
            IS_SHOWN
            + _FIRST
            + _KEPT
            + f'CREATE TRIGGER {self.name}_first AFTER INSERT ON "{table}" FOR EACH ROW '
            + "EXECUTE FUNCTION countersign_first_payee();\n"
            + f'CREATE TRIGGER {self.name} BEFORE UPDATE ON "{table}" FOR EACH ROW WHEN ({changed}) '
            + "EXECUTE FUNCTION countersign_keep_payee();"
        )

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        table = model._meta.db_table
        return f'DROP TRIGGER {self.name}_first ON "{table}"; DROP TRIGGER {self.name} ON "{table}";'


class PayeeVersionKept(Trigger):
    """A version is confirmed once; it comes into force once, or is withdrawn."""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return (
            IS_SHOWN
            + _VERSION
            + f'CREATE TRIGGER {self.name} BEFORE INSERT OR UPDATE ON "{model._meta.db_table}" FOR EACH ROW '
            + "EXECUTE FUNCTION countersign_keep_payee_version();"
        )
