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
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands

from core.env import DEFAULT_PASSWORDS, broker
from tests.environment import NOT_OF_AN_OPERATOR, variables
from tests.stack.conftest import REPOSITORY

OURS = ("migrate", "web", "worker", "slow-worker", "beat")
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
    assert sorted(services) == ["beat", "db", "migrate", "slow-worker", "valkey", "web", "worker"]
    assert re.fullmatch(r"\$\{POSTGRES_IMAGE:-postgres:18\.\d+-\w+\}", services["db"]["image"])
    assert re.fullmatch(r"\$\{VALKEY_IMAGE:-valkey/valkey:9\.\d+\.\d+\}", services["valkey"]["image"])
    assert services["web"]["ports"] == [f"127.0.0.1:{settings.WEB_PORT}:{settings.WEB_PORT}"]


def test_what_takes_minutes_has_a_worker_of_its_own(services):
    assert services["slow-worker"]["environment"]["WORKER_QUEUES"] == "slow"
    assert services["slow-worker"]["command"] == services["worker"]["command"]
    assert "WORKER_QUEUES" not in services["worker"]["environment"]


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
    read += (REPOSITORY / "core/management/commands/grant_roles.py").read_text()

    assert [name for name in sorted(variables()) if not re.search(rf"""["']{name}["']""", read)] == []


def test_nothing_of_ours_may_write_or_gain_rights_or_grow_without_end(services):
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert set(service.get("cap_add", [])) <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
        assert {"mem_limit", "cpus", "logging"} <= set(service)


def test_everything_that_stays_is_asked_for_its_health_and_has_a_minute_to_end(services):
    for name, service in services.items():
        assert service["stop_grace_period"] == "60s"
        assert ("healthcheck" in service) == (name != "migrate")
    assert "/healthz" in services["web"]["healthcheck"]["test"][-1]


def test_the_files_that_health_is_told_by_are_those_that_the_image_names(services):
    named = dict(re.findall(r"(\w+_FILE)=(\S+)", LAST_STAGE))

    assert set(named) == NOT_OF_AN_OPERATOR
    for name in ("worker", "slow-worker"):
        assert services[name]["healthcheck"]["test"][-1] == named["WORKER_READY_FILE"]
    assert named["BEAT_ALIVE_FILE"] in services["beat"]["healthcheck"]["test"][-1]


def test_the_demo_s_passwords_are_refused_in_earnest(services, monkeypatch):
    (password,) = re.findall(r":-(\w+)\}", services["db"]["environment"]["POSTGRES_PASSWORD"])
    (of_the_broker,) = re.findall(r":\$\{VALKEY_PASSWORD:-(\w+)\}@", services["web"]["environment"]["BROKER_URL"])
    monkeypatch.setenv("BROKER_URL", f"redis://:{of_the_broker}@valkey:6379/0")

    assert password in DEFAULT_PASSWORDS
    assert broker(debug=True)
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL has the password of an example"):
        broker(debug=False)


def test_the_broker_asks_for_the_password_that_it_is_called_with(services):
    words = services["valkey"]["command"]
    asked = words[words.index("--requirepass") + 1]

    assert services["web"]["environment"]["BROKER_URL"] == f"redis://:{asked}@valkey:6379/0"
    production = compose("deploy/compose.production.yml")["services"]
    assert production["valkey"]["command"][1] == "/run/secrets/valkey.conf"
    assert production["web"]["environment"]["BROKER_URL_FILE"] == "/run/secrets/broker_url"


@pytest.mark.guards("S9", "docker-compose.yml: ports of web")
def test_a_demo_in_containers_is_reached_from_its_own_machine_alone(services):
    """S9: DEBUG listens on all addresses of a container only where the file publishes its port on 127.0.0.1."""
    assert services["web"]["environment"]["DEMO_BEHIND_LOOPBACK"] == "true"
    published = [port for service in services.values() for port in service.get("ports", [])]
    published += [
        port for each in compose("deploy/compose.dev.yml")["services"].values() for port in each.get("ports", [])
    ]
    assert all(port.startswith("127.0.0.1:") for port in published)
    production = compose("deploy/compose.production.yml")["services"]
    assert {production[name]["environment"]["DEMO_BEHIND_LOOPBACK"] for name in OURS} == {"false"}


@pytest.mark.guards("S27", "docker-compose.yml: x-images, Dockerfile: PYTHON_IMAGE")
def test_nothing_that_is_pulled_floats(services):
    """S27: `postgres:18` and `python:3.13-slim-trixie` were whatever came last."""
    images = compose("docker-compose.yml")["x-images"]
    (python,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)

    assert images["python"] == f"${{PYTHON_IMAGE:-{python}}}"
    assert services["web"]["build"]["args"] == {"PYTHON_IMAGE": images["python"]}
    assert [services[name]["image"] for name in ("db", "valkey")] == [images["postgres"], images["valkey"]]
    for image in images.values():
        name, tag = re.fullmatch(r"\$\{[A-Z]+_IMAGE:-(\S+):(\S+)\}", image).groups()
        assert re.match(r"\d+\.\d+", tag), f"{name} floats"
        assert name != "python" or re.match(r"\d+\.\d+\.\d+-slim-\w+", tag)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    for file in ("docker-compose.yml", "deploy/compose.production.yml", "deploy/compose.dev.yml"):
        assert {each.get("image", "countersign") for each in compose(file)["services"].values()} <= {
            "countersign",
            *images.values(),
        }
    assert "@sha256:" in (REPOSITORY / "docker-compose.yml").read_text()  # how to pin


@pytest.mark.guards("S27", "docker-compose.yml: DATABASE_URL")
def test_in_a_demo_too_only_migrations_sign_in_as_the_owner(services):
    """S27: the demo's processes were a superuser of the database."""
    urls = {name: services[name]["environment"]["DATABASE_URL"] for name in OURS}
    roles = {name: re.match(r"postgresql://(\w+):", url)[1] for name, url in urls.items()}

    assert roles == dict.fromkeys(OURS, "countersign_app") | {"migrate": "countersign"}
    assert "grant_roles --make" in services["migrate"]["command"][-1]
    password = services["migrate"]["environment"]["APP_ROLE_PASSWORD"]
    assert urls["web"] == f"postgresql://countersign_app:{password}@db:5432/countersign"


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
        for secret in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "METRICS_TOKEN", "EMAIL_URL"):
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
