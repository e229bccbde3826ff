from __future__ import annotations

import ipaddress
import socket

LOOPBACK = ("127.0.0.1", "::1")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what of these can be asked


def listed(bind: str) -> list[str]:
    """The addresses of BIND, else loopback."""
    return [word.strip().strip("[]") for word in bind.split(",") if word.strip()] or list(LOOPBACK)


def is_wide(addresses: list[str]) -> bool:
    """Another machine may reach one of them."""
    return not all(map(_is_loopback, addresses))


def to_ask(addresses: list[str]) -> str:
    return WILDCARDS.get(addresses[0], addresses[0])


def bind_error(address: str, port: int) -> OSError | None:
    """None if it can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        return error
    return None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
