"""The image and the compose files say what the product knows: commands, variables, ports, files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from core.env import DEFAULT_PASSWORDS
from tests.environment import NOT_OF_AN_OPERATOR, variables
from tests.stack.conftest import REPOSITORY

OURS = ("migrate", "web", "worker", "beat")
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
LAST_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]


def compose(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((REPOSITORY / name).read_text())
    return read


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose("docker-compose.yml")["services"]
    return found


def test_the_demo_has_every_process_and_its_two_services(services):
    assert sorted(services) == ["beat", "db", "migrate", "valkey", "web", "worker"]
    assert services["db"]["image"] == "postgres:18"
    assert services["valkey"]["image"] == "valkey/valkey:9"
    assert services["web"]["ports"] == [f"127.0.0.1:{settings.WEB_PORT}:{settings.WEB_PORT}"]


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/compose.production.yml", "deploy/compose.dev.yml"])
def test_what_is_run_is_a_command_of_ours(file):
    for name, service in compose(file)["services"].items():
        words = " ".join(service.get("command", [])) if name in OURS else ""
        assert set(re.findall(r"manage\.py,? (\w+)", words)) <= set(get_commands())


@pytest.mark.parametrize("file", ["docker-compose.yml", "deploy/compose.production.yml"])
def test_what_is_set_is_a_variable_that_somebody_reads(file):
    for name in OURS:
        given = {word.removesuffix("_FILE") for word in compose(file)["services"][name].get("environment", {})}
        assert given <= variables()


def test_every_variable_of_the_example_is_read():
    read = "".join((REPOSITORY / name).read_text() for name in ("core/settings.py", "core/env.py"))
    read += (REPOSITORY / "web/management/commands/web.py").read_text()

    assert [name for name in sorted(variables()) if not re.search(rf"""["']{name}["']""", read)] == []


def test_nothing_of_ours_may_write_or_gain_rights_or_grow_without_end(services):
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for service in services.values():
        assert {"mem_limit", "cpus", "logging"} <= set(service)


def test_everything_that_stays_is_asked_for_its_health_and_has_a_minute_to_end(services):
    for name, service in services.items():
        assert service["stop_grace_period"] == "60s"
        assert ("healthcheck" in service) == (name != "migrate")
    assert "/healthz" in services["web"]["healthcheck"]["test"][-1]


def test_the_files_that_health_is_told_by_are_those_that_the_image_names(services):
    named = dict(re.findall(r"(\w+_FILE)=(\S+)", LAST_STAGE))

    assert set(named) == NOT_OF_AN_OPERATOR
    assert services["worker"]["healthcheck"]["test"][-1] == named["WORKER_READY_FILE"]
    assert named["BEAT_ALIVE_FILE"] in services["beat"]["healthcheck"]["test"][-1]


def test_the_demo_s_password_is_refused_in_earnest(services):
    (password,) = re.findall(r":-(\w+)\}", services["db"]["environment"]["POSTGRES_PASSWORD"])

    assert password in DEFAULT_PASSWORDS


def test_in_earnest_only_migrations_sign_in_as_the_owner():
    production = compose("deploy/compose.production.yml")
    files = {}
    for name in OURS:
        mounted = [
            each if isinstance(each, dict) else {"source": each, "target": each}
            for each in production["services"][name]["secrets"]
        ]
        (files[name],) = [each["source"] for each in mounted if each["target"] == "database_url"]

    assert files == dict.fromkeys(OURS, "database_url") | {"migrate": "owner_database_url"}
    assert "grant_roles" in production["services"]["migrate"]["command"][-1]
    assert (
        production["services"]["db"]["environment"]["POSTGRES_USER"] == "postgres"
    )  # else the app's would be a superuser


def test_the_recipe_makes_every_secret_that_is_mounted():
    recipe = (REPOSITORY / "deploy" / "README.md").read_text()
    made = {f"{role}_database_url" for role in ("owner", "audit")} | set(re.findall(r"secrets/([a-z_.]+)\b", recipe))
    files = {Path(each["file"]).name for each in compose("deploy/compose.production.yml")["secrets"].values()}

    assert files <= made


def test_in_earnest_no_secret_stands_in_an_environment_and_nothing_is_of_the_demo():
    production = compose("deploy/compose.production.yml")

    for name in OURS:
        environment = production["services"][name]["environment"]
        for secret in ("DATABASE_URL", "SECRET_KEY", "METRICS_TOKEN", "EMAIL_URL"):
            assert environment[secret] == ""
            assert environment[f"{secret}_FILE"].removeprefix("/run/secrets/") in production["secrets"]
        assert environment["DEBUG"] == "false"
    assert "seed_demo" not in str(production)


def test_the_last_stage_builds_nothing_and_is_nobody_of_rank():
    assert re.search(r"^USER 10001:10001$", LAST_STAGE, re.MULTILINE)
    assert f"EXPOSE {settings.WEB_PORT}\n" in LAST_STAGE
    assert "pip install" not in LAST_STAGE
    assert "apt-get" not in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE


def test_the_image_is_given_every_room_and_nothing_else():
    taken = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    rooms = {app.split(".")[0] for app in settings.INSTALLED_APPS} & {path.name for path in REPOSITORY.iterdir()}

    assert rooms - {"tests"} <= taken
    assert taken - rooms == {"manage.py", "pyproject.toml", "requirements.txt", "requirements-otel.txt"}


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_the_linter_of_images_finds_nothing():
    done = subprocess.run(["hadolint", REPOSITORY / "Dockerfile"], capture_output=True, text=True, check=False)

    assert done.stdout == ""
