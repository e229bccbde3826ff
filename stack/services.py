from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stack.postgres import Postgres
from stack.sockets import runtime_folder
from stack.valkey import Valkey


@contextmanager
def kept_services(var: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Services that `environment` does not name, with their data under `var`; yields their variables."""
    with ExitStack() as services:
        named = {name: environment[name] for name in ("DATABASE_URL", "BROKER_URL") if environment.get(name)}
        sockets = services.enter_context(runtime_folder())
        if "DATABASE_URL" not in named:
            postgres = Postgres(var / "postgres", sockets=sockets, log=var / "log" / "postgres.log")
            named["DATABASE_URL"] = services.enter_context(postgres).url
        if "BROKER_URL" not in named:
            valkey = Valkey(var / "valkey", sockets=sockets, log=var / "log" / "valkey.log")
            named["BROKER_URL"] = services.enter_context(valkey).url()
        yield named


@contextmanager
def throwaway_services() -> Iterator[dict[str, str]]:
    with runtime_folder() as folder:
        postgres = Postgres(folder / "data", sockets=folder, log=folder / "postgres.log", throwaway=True)
        valkey = Valkey(folder / "valkey", sockets=folder, log=folder / "valkey.log", throwaway=True)
        with postgres, valkey:
            yield {"DATABASE_URL": postgres.url, "BROKER_URL": valkey.url()}
