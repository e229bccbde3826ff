"""Our code runs no commands, evaluates no text, unpickles nothing, reads no XML and has no weak digests.

What docs/asvs.md says of whole chapters of OWASP ASVS 5.0.0 stands on these.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from engine.worker.app import app

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for room in ("engine", "core", "workflows", "tasks", "api", "web")
    for path in sorted((ROOT / room).rglob("*.py"))
]
SCRIPTS = sorted((ROOT / "web" / "static").rglob("*.js"))

# Modules by what they would do, each with those of our files that may.
FORBIDDEN = {
    "to run commands": ({"subprocess", "pty", "commands"}, set()),
    "to unpickle": ({"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}, set()),
    "to read XML or XPath": (
        {"xml", "lxml", "defusedxml", "xmlrpc"},
        # Expat with every DOCTYPE refused; and what is written: the demo's own statement, payout files.
        {
            "workflows/bank/readers/xml_records.py",
            "workflows/documents/rendering/logos.py",
            "workflows/refunds/payout_file.py",
            "workflows/seed/bank.py",
        },
    ),
    "to ask other servers": (
        {"requests", "httpx", "aiohttp", "urllib.request", "http.client", "ftplib", "telnetlib", "socket", "ssl"},
        {"web/management/commands/web.py", "web/server.py"},  # to listen
    ),
    "to ask a directory, a cache or a graph": ({"ldap", "ldap3", "memcache", "pymemcache", "graphene"}, set()),
    "to send mail": ({"smtplib"}, {"workflows/mail/delivery.py", "workflows/mail/smtp.py"}),
    "to guess": ({"random"}, {"engine/lease.py"}),  # how long to wait before another try
    "to encrypt": ({"cryptography", "Crypto", "nacl", "jwt", "jose"}, set()),
}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.fork", "ctypes.CDLL"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("purpose", FORBIDDEN)
def test_dangerous_module_is_imported_only_where_allowed(purpose):
    modules, may = FORBIDDEN[purpose]
    users = {
        name_of(path)
        for path in FILES
        if any(name == module or name.startswith(f"{module}.") for name in imported(path) for module in modules)
    }

    assert {name for name in users if not name.startswith("workflows/simulation/")} == may


def test_no_text_is_run_as_code_or_command():
    found = {(name_of(path), ast.unparse(call.func)) for path in FILES for call in calls(path)}

    assert {(file, name) for file, name in found if name in CALLS or name.startswith("os.spawn")} == set()
    assert {file for file, name in found if name.startswith("os.exec")} == {"web/management/commands/web.py"}


def test_every_digest_is_sha_256_or_better():
    for path in FILES:
        for call in calls(path):
            function = ast.unparse(call.func).rpartition(".")[2]
            assert function not in ("md5", "sha1"), name_of(path)
            if function == "salted_hmac":  # of which the default is SHA-1
                given = {word.arg: ast.unparse(word.value) for word in call.keywords}
                assert given.get("algorithm") == "'sha256'", name_of(path)


@pytest.mark.parametrize(
    ("why", "pattern"),
    [
        ("HTML made of text", r"\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|createContextualFragment"),
        ("code made of text", r"\beval\(|new Function|setTimeout\(\s*[\"'`]|javascript:"),
        ("what a browser would keep", r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.open"),
        ("messages of other windows", r"postMessage|[\"']message[\"']|WebSocket|EventSource|RTCPeerConnection"),
        ("properties by names from outside", r"__proto__|Object\.assign|\.prototype\b|constructor\["),
        ("files of other servers", r"https?://(?!www\.w3\.org)"),
    ],
)
def test_no_script_of_ours_runs_text_as_code(why, pattern):
    assert SCRIPTS
    found = [name_of(path) for path in SCRIPTS if re.search(pattern, path.read_text())]

    assert found == [], why


def test_messages_and_sessions_are_json():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert settings.SESSION_SERIALIZER.endswith(".JSONSerializer")


def test_import_checker_finds_imports():
    assert "smtplib" in imported(ROOT / "workflows" / "mail" / "delivery.py")
