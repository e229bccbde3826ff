"""Files and commands of docs/engine.md's shop in a folder of their own, with the engine from a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "engine.md").read_text().partition("## In a project of your own\n")[2]
FILES = dict(re.findall(r"^```python\n# ([\w/]+\.py)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
COMMANDS, WORKERS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that the build leaves nothing in the package."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "engine", folder / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", folder, folder / "engine")
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture
def shop(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def database(request) -> dict[str, str]:
    """Where an empty one is, as libpq is told."""
    url = urlsplit(os.environ["DATABASE_URL"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    place = {
        "PGHOST": unquote(query.get("host") or url.hostname or ""),
        "PGPORT": query.get("port") or str(url.port or ""),
        "PGUSER": unquote(url.username or query.get("user") or ""),
        "PGPASSWORD": unquote(url.password or ""),
    }
    place = {name: value for name, value in place.items() if value}
    name = f"shop_{os.getpid()}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
        yield place | {"PGDATABASE": name}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def process(words: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Runs in the block; is told to stop after it, and stops."""
    with subprocess.Popen(words, cwd=folder, env=environment) as started:
        try:
            yield
        finally:  # or the block's own failure would wait for it without an end
            started.terminate()
        assert started.wait(timeout=60) == 0


def wait_for(holds: Callable[[], bool], *, within: float) -> bool:
    until = time.monotonic() + within
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.1)
    return held


def left_in(connection: psycopg.Connection) -> int:
    with connection.transaction():
        return connection.execute('SELECT "left" FROM orders_stock').fetchone()[0]


def pip(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "pip", "-q", *map(str, words)], check=True, timeout=120)


ORDER = """
import django
django.setup()
from engine import create
from orders.models import Order, Stock
create(Order(article=Stock.objects.create(article="kettle", left=5), email="customer@shop.example"))
"""


@pytest.mark.timeout(300)
def test_page_can_be_followed_in_another_project(wheel, shop, database):
    """The libraries are those that are installed here; of this repository there is the wheel and nothing else."""
    pip("install", "--no-deps", "--no-index", "--target", shop / "site", wheel)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{shop / 'site'}{os.pathsep}{shop}",
        "PYTEST_ADDOPTS": "-p no:valkey -p no:cacheprovider",  # the fixtures of a broker, which is not here
        "BROKER_URL": os.environ["BROKER_URL"],
        **database,
    }
    connect_to = {"PGDBNAME" if name == "PGDATABASE" else name: value for name, value in database.items()}
    install, *commands = COMMANDS.strip().splitlines()
    assert (install.startswith("pip install "), len(commands)) == (True, 5)
    said = []
    for command in commands:
        program, *words = command.split()
        assert program == "python"
        ran = subprocess.run(
            [sys.executable, *words],
            cwd=shop,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
        said.append(ran.stdout)

    assert "Create model Order" in said[0]
    assert "7 passed" in said[3]
    assert "0 effects run" in said[4]

    with ExitStack() as running:
        for command in WORKERS.strip().splitlines():
            _, *words = command.split()
            running.enter_context(process([sys.executable, *words], shop, environment))
        settings = {"DJANGO_SETTINGS_MODULE": "shop.settings"}
        subprocess.run([sys.executable, "-c", ORDER], cwd=shop, env=environment | settings, check=True, timeout=60)
        with psycopg.connect(
            **{name.removeprefix("PG").lower(): value for name, value in connect_to.items()}
        ) as shop_db:
            assert wait_for(lambda: left_in(shop_db) == 4, within=60)


def test_the_wheel_holds_the_engine_alone(wheel):
    names = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    files = set(re.findall(r"^(\S+\.py)\s", names, re.MULTILINE))

    assert files == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "engine").rglob("*.py") if "build" not in path.parts
    }
