"""The product as a role that owns nothing, on a server of its own: what it can do, and what nobody lets it do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from core.security.database_roles import warn_if_privileged
from stack.application import NAMES, Application
from stack.ports import free_port
from stack.postgres import Postgres
from stack.problems import StackError
from stack.sockets import runtime_folder
from stack.valkey import Valkey
from tests.stories.api_client import BILLING, ApiClient, Person, eventually
from tests.workflows.bank.statement_files import IBAN, Row, camt

pytestmark = [pytest.mark.xdist_group("roles"), pytest.mark.timeout(180)]

APP, AUDIT = "countersign_app", "countersign_audit"
CASES = {
    "switch a guard off": "ALTER TABLE engine_transition DISABLE TRIGGER transition_append_only",
    "switch all guards off": "ALTER TABLE core_account DISABLE TRIGGER ALL",
    "play a replica, whose triggers sleep": "SET session_replication_role = replica",
    "drop a guard": "DROP TRIGGER transition_append_only ON engine_transition",
    "rewrite a guard": """CREATE OR REPLACE FUNCTION countersign_refuse() RETURNS trigger LANGUAGE plpgsql
                          AS 'BEGIN RETURN NULL; END'""",
    "empty a ledger": "TRUNCATE core_creditentry",
    "empty what nobody guards": "TRUNCATE engine_effect CASCADE",
    "shorten a ledger": "DELETE FROM core_creditentry",
    "shorten the history": "DELETE FROM engine_transition",
    "delete a payment": "DELETE FROM core_payment",
    "rewrite a ledger": "UPDATE core_balanceentry SET amount = amount + 1",
    "rewrite the history": "UPDATE engine_transition SET actor_id = NULL",
    "delete a payee": "DELETE FROM core_payeeversion",
    "rewrite an allocation": "UPDATE core_allocation SET amount = amount + 1",
    "stand before a table with one of its name": "CREATE TEMPORARY TABLE engine_transition (id uuid)",
    "make a table": "CREATE TABLE public.mine (id int)",
    "make a schema": "CREATE SCHEMA mine",
    "be the owner": "SET ROLE countersign",
    "shorten the admin's log": "DELETE FROM django_admin_log",
    "rewrite the admin's log": "UPDATE django_admin_log SET change_message = ''",
    "rewrite a closed day": "UPDATE core_historyhead SET head = ''",
    "forget a membership": "DELETE FROM core_membershiprecord",
    "forget a digest": "DELETE FROM core_transitiondigest",
    "call a permission by another name": "UPDATE auth_permission SET codename = 'approve_payment'",
    "rewrite the log of security": "UPDATE core_securityevent SET name = ''",
    "forget who was given a right": "DELETE FROM core_dutygrant",
    "forget a migration": "DELETE FROM django_migrations",
    "delete a bank line": "DELETE FROM core_statementline",
    "delete a statement": "DELETE FROM core_statement",
    "rewrite a statement": "UPDATE core_statement SET closing = 0",
    "delete a statement's file": "DELETE FROM core_statementfile",
    "forget what a line paid": "DELETE FROM core_linepayment",
    "say that a line paid more": "UPDATE core_linepayment SET amount = amount + 1",
    "forget a refund": "DELETE FROM core_refund",
    "forget a credit note": "DELETE FROM core_creditnote",
    "credit more": "UPDATE core_creditnoteline SET net = net + 1",
    "add a column": "ALTER TABLE core_payment ADD COLUMN mine int",
}


class Server:
    def __init__(self, postgres: Postgres, environment: dict[str, str], mail: Path) -> None:
        self._url, self.environment, self.mail = postgres.url, environment, mail

    def url(self, role: str) -> str:
        return self._url.replace("//countersign@", f"//{role}@")

    def run(self, role: str, sql: str) -> list[tuple]:
        with psycopg.connect(self.url(role), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def application(self, role: str, var: Path, **more: str) -> Application:
        environment = self.environment | {"DATABASE_URL": self.url(role)} | more
        return Application(var, port=free_port(), environment=environment)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Migrated by the owner, with a demo, and both roles granted."""
    var = tmp_path_factory.mktemp("roles")
    with runtime_folder() as folder:
        postgres = Postgres(folder / "data", sockets=folder, log=folder / "postgres.log", throwaway=True)
        valkey = Valkey(folder / "valkey", sockets=folder, log=folder / "valkey.log", throwaway=True)
        with postgres, valkey:
            environment = {
                "BROKER_URL": valkey.url(),
                "DEBUG": "true",
                "LOG_FORMAT": "json",
                "MAIL_DIR": str(var / "mail"),
                "DJANGO_SETTINGS_MODULE": "core.settings",
            }
            server = Server(postgres, environment, var / "mail")
            owner = server.application("countersign", var)
            owner.command("migrate", "--noinput", "-v0")
            owner.command("seed_demo", "--without-stories")
            for role in (APP, AUDIT):
                server.run("postgres", f"CREATE ROLE {role} LOGIN")
            owner.command("grant_roles", "--make")  # they are there, and stay as they are
            owner.command("grant_roles")  # twice is once
            yield server


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes that run as the app's role write their logs."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def account(server: Server, var: Path) -> str:
    """The key of somebody who signed up, paid and was activated while everything ran as the app's role."""
    with server.application(APP, var).running() as app, ApiClient(app.url, mail=server.mail) as api:
        billing = {**BILLING, "billing_email": "roles@acme.test"}
        customer, answer = api.signed_up("owner@roles.test", plan="starter", payment_method="us_bank", **billing)
        claim = customer.post(
            "billing/admin/payments/confirm/",
            {
                "invoice_id": answer["invoice"]["id"],
                "payment_method": "us_bank",
                "amount": "89.00",
                "manual_reference": "ROLES-1",
            },
            **{"Idempotency-Key": "roles"},
        )
        assert claim.status_code == 201, claim.text
        staff = api.signed_in("approver@demo.test")
        approved = staff.post(f"billing/admin/payments/{claim.json()['id']}/approve/", {}, Prefer="wait=20")
        assert approved.json()["status"] == "succeeded", approved.text
        _imported_and_matched(staff, claim.json()["id"])
        used = customer.post("credits/consume/", {"amount": 10, "reference": "one"})
        assert used.status_code == 201, used.text
        assert customer.get("account/").json()["status"] == "active"
        assert eventually(lambda: api.mails("payment_approved", to="roles@acme.test"))
        token = customer.headers["Authorization"].removeprefix("Bearer ")
        assert customer.post("auth/logout/").status_code == 204  # deletes a row
        (var / "token").write_text(token)
        app.command("purge")
        app.command("check_invariants")
        return str(answer["account"]["id"])


def _imported_and_matched(staff: Person, payment: str) -> None:
    added = staff.post("billing/admin/bank-accounts/", {"name": "Main", "iban": IBAN, "currency": "USD"})
    assert added.status_code == 201, added.text
    files = {"file": ("statement.xml", camt(Row("89.00", "roles"), currency="USD"))}
    sent = staff.http.post("billing/admin/statements/", files=files, headers=staff.headers)
    assert sent.status_code == 202, sent.text
    [line] = eventually(lambda: staff.get("billing/admin/bank-lines/").json()["results"])
    body = {"payments": [{"payment": payment, "amount": "89.00"}]}
    matched = staff.post(f"billing/admin/bank-lines/{line['id']}/match/", body)
    assert matched.status_code == 200, matched.text


def test_the_whole_walk_needs_no_more_than_the_app_has(server: Server, account: str):
    [[status, left]] = server.run(APP, f"SELECT status, credits FROM audit.accounts WHERE id = '{account}'")

    assert (status, left) == ("active", 990)


def test_the_logs_of_its_processes_name_nobody_and_open_nothing(account: str, var: Path):
    logs = "".join(log.read_text() for log in (var / "log").glob("*.log"))

    assert '"name": "approve"' in logs  # they do tell what happened
    said = [line for name in NAMES for line in (var / "log" / f"{name}.log").read_text().splitlines()]
    farewell = {"", "worker: Warm shutdown (MainProcess)"}  # which Celery writes past every logger
    loggers = {json.loads(line)["logger"] for line in said if line not in farewell}  # all else is JSON
    assert loggers >= {"gunicorn.error", "celery.apps.worker", "engine.transitions"}
    words = ["owner@roles.test", "roles@acme.test", "approver@demo.test", "demo-demo-demo", "ROLES-1", "1 High Street"]
    words += ["12-3456789", (var / "token").read_text()]
    assert [word for word in words if word.lower() in logs.lower()] == []


@pytest.mark.parametrize("case", CASES)
def test_the_app_cannot(server: Server, account: str, case: str):
    with pytest.raises((errors.InsufficientPrivilege, errors.IntegrityConstraintViolation)) as refusal:
        server.run(APP, CASES[case])

    assert isinstance(refusal.value, errors.InsufficientPrivilege), "the guard alone stands there"


@pytest.mark.guards("S18", "countersign_is_thawed")
@pytest.mark.parametrize("table", ["core_payment", "public.core_payment"])
def test_nothing_is_thawed_for_the_app_whatever_it_sets(server: Server, account: str, table: str):
    """S18"""
    change = f"SELECT set_config('countersign.thaw', '{table}', false); UPDATE core_payment SET reference = 'ANOTHER'"

    with pytest.raises(errors.IntegrityConstraintViolation, match="reference is frozen"):
        server.run(APP, change)
    server.run("countersign", f"BEGIN; {change}; ROLLBACK")  # for the owner it is


def test_the_app_blanks_rows_of_the_admin_s_log_by_the_owner_s_function_alone(server: Server, account: str):
    server.run(
        APP,
        """INSERT INTO django_admin_log (action_time, object_repr, action_flag, change_message, user_id)
           SELECT now(), 'Ann', 2, 'Changed', id FROM core_user LIMIT 1""",
    )

    assert server.run(APP, "SELECT countersign_blank_log(ARRAY(SELECT id FROM django_admin_log))") == [(1,)]
    assert server.run(APP, "SELECT object_repr, change_message FROM django_admin_log") == [("Erased", "Changed")]
    with pytest.raises(errors.InsufficientPrivilege):
        server.run(AUDIT, "SELECT countersign_blank_log('{1}')")


RIGHTS = {
    "a permission": "INSERT INTO core_user_user_permissions (user_id, permission_id)"
    " SELECT {who}, id FROM auth_permission WHERE codename = 'approve_payment'",
    "a permission that is moved": "UPDATE core_user_user_permissions SET user_id = {who}"
    " WHERE id = (SELECT min(id) FROM core_user_user_permissions)",
    "a permission less": "DELETE FROM core_user_user_permissions",
    "a group": "INSERT INTO core_user_groups (user_id, group_id) SELECT {who}, id FROM auth_group",
    "more for a group": "INSERT INTO auth_group_permissions (group_id, permission_id)"
    " SELECT auth_group.id, auth_permission.id FROM auth_group, auth_permission WHERE codename = 'delete_session'",
    "the flag of the staff": "UPDATE core_user SET is_staff = NOT is_staff"
    " WHERE email_canonical = 'operator@demo.test'",
    "the flag of superusers": "UPDATE core_user SET is_superuser = true WHERE id = {who}",
    "another address of the staff": "UPDATE core_user SET email = 'mine@evil.example',"
    " email_canonical = 'mine@evil.example' WHERE email_canonical = 'approver@demo.test'",
}
WHO = "(SELECT id FROM core_user WHERE email_canonical = 'owner@roles.test')"


@pytest.mark.guards("S7", "countersign_right_changed")
@pytest.mark.parametrize("case", RIGHTS)
def test_app_changes_no_right_without_its_row(server: Server, account: str, case: str):
    """S7: not by SQL either."""
    server.application("countersign", server.mail.parent / "group").command(
        "grant_duty", "viewers", "view_plan", "--group"
    )

    with pytest.raises(errors.IntegrityConstraintViolation, match="no row in force says that it is"):
        server.run(APP, RIGHTS[case].format(who=WHO))


def test_app_gives_rights_through_its_verbs(server: Server, account: str, tmp_path: Path):
    app = server.application(APP, tmp_path)
    for words in (("group:viewers", "void_invoice", "superuser"), ("void_invoice", "superuser", "--take")):
        app.command("grant_duty", "reviewer@demo.test", *words)
    app.command("grant_duty", "viewers", "view_plan", "view_invoice", "--group")
    app.command("check_invariants")

    origins = server.run("countersign", "SELECT DISTINCT origin FROM core_dutygrant")
    assert origins == [("operator",)]


def test_the_audit_reads_the_views_and_nothing_else(server: Server, account: str):
    views = [row[0] for row in server.run("countersign", "SELECT viewname FROM pg_views WHERE schemaname = 'audit'")]
    tables = [
        row[0] for row in server.run("countersign", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]

    assert len(views) == 15
    for view in views:
        server.run(AUDIT, f"SELECT * FROM audit.{view}")
    assert server.run(AUDIT, f"SELECT status FROM audit.accounts WHERE id = '{account}'") == [("active",)]
    for table in tables:
        with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedTable)):
            server.run(AUDIT, f"SELECT FROM public.{table}")
    for statement in ("DELETE FROM audit.accounts", "UPDATE audit.accounts SET credits = 0", "CREATE TEMP TABLE t ()"):
        with pytest.raises(errors.InsufficientPrivilege):
            server.run(AUDIT, statement)


def test_only_who_owns_nothing_is_granted_anything(server: Server):
    server.run("postgres", "CREATE ROLE climber LOGIN IN ROLE countersign; CREATE ROLE lord LOGIN SUPERUSER")
    owner = server.application("countersign", Path(os.fspath(server.mail)).parent / "unfit")

    for role, complaint in (("climber", "a member of it"), ("lord", "superuser"), ("nobody_at_all", "no role")):
        with pytest.raises(StackError, match=complaint):
            owner.command("grant_roles", "--app", role)


@pytest.mark.parametrize(
    ("role", "said"), [("countersign", "owns the tables"), ("postgres", "is a superuser"), (APP, None)]
)
def test_a_process_for_which_no_guard_holds_says_so(server: Server, tmp_path: Path, role: str, said: str | None):
    in_earnest = {"DEBUG": "false", "SECRET_KEY": "of-a-test-and-no-secret-but-as-long-as-one"}
    server.application(role, tmp_path, **in_earnest).command("run_effects", "--once")
    server.application(role, tmp_path).command("check", "--deploy", "--tag", "database", "--database", "default")
    log, checked = ((tmp_path / "log" / f"{name}.log").read_text() for name in ("run_effects", "check"))

    if said is None:
        assert "core.security.database_roles" not in log
        assert "core.W004" not in checked
    else:
        assert f"The role {role} of DATABASE_URL {said}" in log
        assert "core.W004" in checked


def test_a_demo_is_nobody_s_to_warn(server: Server, tmp_path: Path):
    server.application("countersign", tmp_path).command("run_effects", "--once")

    assert "core.security.database_roles" not in (tmp_path / "log" / "run_effects.log").read_text()


@pytest.mark.django_db
def test_a_database_that_is_away_keeps_no_process_from_starting(monkeypatch, settings, caplog):
    settings.DEBUG = False
    monkeypatch.setattr(connection, "settings_dict", connection.settings_dict | {"HOST": "/nobody/listens/here"})

    warn_if_privileged()

    assert caplog.records == []


def test_a_new_table_is_nobodys_until_the_next_grant(server: Server):
    server.run("countersign", "CREATE TABLE newest (id int)")
    with pytest.raises(errors.InsufficientPrivilege):
        server.run(APP, "SELECT FROM newest")

    server.application("countersign", server.mail.parent / "again").command("grant_roles")

    assert server.run(APP, "SELECT FROM newest") == []
    server.run("countersign", "DROP TABLE newest")


def test_roles_that_are_missing_can_be_made(server: Server, tmp_path: Path):
    maker = server.application("postgres", tmp_path, APP_ROLE_PASSWORD="it's a secret")
    maker.command("grant_roles", "--make", "--app", "made_app", "--audit", "made_audit")

    made = "SELECT rolname, rolpassword IS NOT NULL, rolsuper FROM pg_authid WHERE rolname LIKE 'made_%' ORDER BY 1"
    assert server.run("postgres", made) == [("made_app", True, False), ("made_audit", False, False)]
    assert server.run("made_app", "SELECT count(*) > 0 FROM core_plan") == [(True,)]
