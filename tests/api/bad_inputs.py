"""Bad values, and requests that put each into each field and parameter of the published schema."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT
from jsonschema import Draft202012Validator

from api.docs import published
from core.validation.proof_links import TYPED_HTTPS, plain_https
from core.validation.text import has_visible_character
from tests.api.matrix import BODIES, noun_of
from tests.api.published import body_of, formats, operations, takes_a_form
from tests.api.scenario import Scenario
from tests.odd_texts import as_header, odd_texts, spelled, unseen

Texts = Callable[..., Iterable[tuple[str, str]]]  # as odd_texts()
TEXTS = {
    "NUL": "a\x00b",
    "lone surrogate": "a\ud800b",
    "right-to-left override": "a\u202eb",
    "line separator": "a\u2028b",
    "zero-width joiner": "\u200d",
    "CRLF and Bcc": "a\r\nBcc: x@y.test",
    "100 kB": "a" * 100_000,
    "empty": "",
    "blanks": "   ",
    "emoji": "\U0001f4b8",
    "combining flood": "a" + "\u0301" * 5000,
    "script": "<script>alert(1)</script>",
    "templates": "{{7*7}}{% debug %}",
    "lookup": "${jndi:ldap://x}",
    "SQL": "' OR 1=1--",
    "formula": "=cmd|'/c calc'!A0",
    "path": "../../etc/passwd",
    "percent NUL": "%00",
    "format": "%n%s%(x)s{0}",
    "decomposed": "Zoe\u0308",
    "full-width": "\uff11\uff12",
    "arabic digits": "\u0661\u0662",
    "underscored number": "1_000",
    "grouped number": "1,000.00",
    "hexadecimal": "0x10",
    "exponent": "1e3",
    "minus": "-5",
    "minus zero": "-0",
    "zero": "0",
    "zero point": "0.00",
    "three places": "9.001",
    "21 places": "9.000000000000000000001",
    "30 digits": "9" * 30,
    "5000 digits": "9" * 5000,
    "NaN in quotes": "NaN",
    "sNaN in quotes": "sNaN",
    "Infinity in quotes": "Infinity",
    "2^63": str(2**63),
    "one and a half": "1.5",
    "UUID in braces": "{018f0000-0000-7000-8000-000000000000}",
    "UUID in capitals": "018F0000-0000-7000-8000-00000000000A",
    "UUID and a newline": "018f0000-0000-7000-8000-00000000000a\n",
    "nobody's UUID": "018f0000-0000-7000-8000-00000000000a",
    "country ZZ": "ZZ",
    "country in small letters": "us",
    "cyrillic country": "U\u0405",
    "tax id of another country": "DE999999999",
    "30 February": "2026-02-30",
    "year 1": "0001-01-01",
    "year 9999": "9999-12-31T23:59:59+14:00",
    "time in a gap": "2026-03-29T02:30:00",
    "dotless i": "\u0131@example.test",
    "mail with CR": "a%0d@example.test",
    "local mail": "a@localhost",
    "two mails": "Acme, Inc <b@example.test>",
    "look-alike": "OWNER@OURS.TEST",
    "metadata service": "https://169.254.169.254/latest",
    "user in a link": "https://user:pw@example.test/",
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,x",
    "no scheme": "//example.test/x",
    "port": "https://example.test:99999/",
}
# As they stand in a JSON document.
NUMBERS = ["NaN", "Infinity", "-Infinity", "1e400", "1e-400", "-5", "0", "-0", "9.001", "1.0", "9" * 30, "9" * 5000]
OTHERS = ["true", "false", "null", "[9]", "[]", '{"a": 1}', '["018f0000-0000-7000-8000-00000000000a", 1]']
# Written in another way: with their digits, as the owner wrote it, without blanks and in capitals.
NOT_TEXT = {"amount", "amount_received", "email", "iban", "number", "bank"}
# Headers in which a text is put, and what stands before it.
ODD_HEADERS = {
    "Idempotency-Key": "",
    "Prefer": "wait=",
    "Authorization": "Bearer ",
    "Accept": "application/json; q=",
    "Accept-Language": "",
    "X-Request-ID": "",
    "X-Forwarded-For": "",
    "Cookie": "sessionid=",
    "traceparent": "00-",
}
UNBOUNDED = 2000  # of a field without a longest text
LAX = ("utf-8", "surrogatepass")
NOT_UTF8 = b'"\xff\xfe\x80"'
UNKNOWN = ["status", "credits", "is_staff", "account_id_", "approved_by", "__proto__", "\u202e", ""]


@dataclass
class Attack:
    """One request. `body` None: it has none."""

    name: str  # of the operation
    what: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    sent: tuple[str, str] | None = None  # the field and the text in it

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def attacks(scenario: Scenario, name: str) -> Iterator[Attack]:
    """Everything that is tried on one operation, by somebody who may use it."""
    path = address(scenario, name)
    body = BODIES[name](scenario) if name in BODIES else None
    plain, kind = written(name, body)
    for around in (_in_the_address, _in_the_query, _in_headers):
        for attack in around(name, path, plain):
            yield replace(attack, content_type=kind)
    if takes_a_form(name):
        yield from _in_a_form(name, path, body or {})
    elif body is not None:
        yield from _in_fields(scenario, name, path, body)
        yield from _instead_of_the_body(name, path, body)


def odd_attacks(scenario: Scenario, name: str, texts: Texts = odd_texts) -> Iterator[Attack]:
    """Texts of `tests.odd_texts` in every place of one operation."""
    kind = written(name, BODIES[name](scenario) if name in BODIES else None)[1]
    for attack in _odd_attacks(scenario, name, texts):
        yield replace(attack, content_type=kind)


def _odd_attacks(scenario: Scenario, name: str, texts: Texts) -> Iterator[Attack]:
    path = address(scenario, name)
    body = BODIES[name](scenario) if name in BODIES else None
    plain, _ = written(name, body)
    if "{id}" in name:
        before, _, after = ("/api/v1/" + name.split(" ")[1]).partition("{id}")
        own = scenario.id(noun_of(name))
        for what, text in texts(36, number=own, word=own):
            yield Attack(name, f"id: {what}", f"{before}{spelled(text)}{after}", plain)
    for parameter in operations()[name].get("parameters", []):
        if parameter["in"] == "query":
            yield from _odd_parameter(name, path, parameter, plain, texts)
    odd_field = _odd_field_of_a_form if takes_a_form(name) else _odd_field
    for part in texts_of(name):
        yield from odd_field(name, path, body or {}, part, texts)
    for header, before in ODD_HEADERS.items():
        for what, text in texts(255, number="10", word="a-good-key"):
            if len(text) < 5_000:
                yield Attack(name, f"{header}: {what}", path, plain, headers={header: before + as_header(text)})


def written(name: str, body: dict[str, Any] | None) -> tuple[bytes | None, str]:
    """A body as it is sent, and its media type."""
    if body is None:
        return None, "application/json"
    if takes_a_form(name):
        return form(body), MULTIPART_CONTENT
    return json.dumps(body).encode(), "application/json"


@dataclass(frozen=True)
class File:
    content: bytes
    name: str = "a.txt"


def form(body: dict[str, Any], *more: tuple[str, Any]) -> bytes:
    """multipart/form-data, without the tidying of Django's own. more: parts after those of the body."""
    parts = []
    for name, value in (*body.items(), *more):
        file = value if isinstance(value, File) else None
        if isinstance(value, SimpleUploadedFile):
            value.seek(0)
            file = File(value.read(), str(value.name))
        named = f'; filename="{file.name}"' if file else ""
        content = file.content if file else value if isinstance(value, bytes) else str(value).encode(*LAX)
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        parts.append(head.encode(*LAX) + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def address(scenario: Scenario, name: str) -> str:
    path = "/api/v1/" + name.split(" ")[1]
    return path.replace("{id}", scenario.id(noun_of(name))) if "{id}" in path else path


@cache
def request_judge(name: str) -> Draft202012Validator:
    """Whether a body is one that the schema takes."""
    _, schema = body_of(name)
    return Draft202012Validator({**schema, "components": published()["components"]}, format_checker=formats)


# Numbers of accounts and banks come back in capitals, without blanks; a payee's name with single ones.
ACCOUNT_NUMBERS = {"iban", "number", "bank", "payee_account", "payee_bank"}


def is_kept(name: str, sent: str, returned: Any) -> bool:
    """A text that was taken comes back as it was sent, in NFC; blanks around it are cut, and one unseen is empty.

    A link comes back in ASCII.
    """
    if not isinstance(returned, str):
        return True
    if not has_visible_character(sent):
        return not has_visible_character(returned)
    if name in ACCOUNT_NUMBERS:
        return "".join(sent.split()).upper() == returned
    if name == "automatic_limit":  # 1.5 comes back as 1.50
        return Decimal(sent) == Decimal(returned)
    if name == "payee_name":
        return " ".join(unicodedata.normalize("NFC", sent).split()) == returned
    if name == "proof_url":
        return plain_https(sent) == returned
    return unicodedata.normalize("NFC", sent).strip() == returned.strip()


@dataclass(frozen=True)
class Part:
    """A place of a body that takes something else than an object or a list."""

    place: tuple[str, ...]
    longest: int
    kind: str  # as in `tests.odd_texts.growing`


def texts_of(name: str) -> list[Part]:
    """The leaves of a body, with how long a text there may be."""
    return list(_parts(body_of(name)[1], ())) if "requestBody" in operations()[name] else []


def _parts(schema: Any, above: tuple[str, ...]) -> Iterator[Part]:
    schema = _resolved(schema)
    for key, part in schema.get("properties", {}).items():
        yield from _parts(part, (*above, key))
    if schema.get("type") == "array":
        yield from _parts(schema["items"], (*above, "0"))
    elif "properties" not in schema and above:
        yield Part(above, *_measures(schema))


def _measures(schema: Any) -> tuple[int, str]:
    """How long a text may be, and its kind."""
    choices = [_resolved(part) for part in (schema, *schema.get("anyOf", []))]
    longest = max(part.get("maxLength", 0) for part in choices) or UNBOUNDED
    kinds = {"link" if TYPED_HTTPS in part.get("pattern", "") else part.get("format", "") for part in choices}
    return longest, next((kind for kind in ("link", "email") if kind in kinds), "")


def _resolved(schema: Any) -> Any:
    if "$ref" in schema:
        return published()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def fields_of(name: str) -> Iterator[tuple[str, ...]]:
    """The leaves of a body: `("amount",)`, `("allocations", "0", "invoice_id")`."""
    yield from _leaves(body_of(name)[1], ())


def _leaves(schema: Any, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    schema = _resolved(schema)
    for key, part in schema.get("properties", {}).items():
        yield (*above, key)
        if part.get("type") == "array":
            yield (*above, key, "0")
            yield from _leaves(part["items"], (*above, key, "0"))


def _in_fields(scenario: Scenario, name: str, path: str, body: dict[str, Any]) -> Iterator[Attack]:
    raw: list[tuple[str, bytes, str | None]] = [(what, json.dumps(text).encode(), text) for what, text in TEXTS.items()]
    raw += [(f"number {text[:12]}", text.encode(), None) for text in NUMBERS]
    raw += [(text, text.encode(), None) for text in OTHERS]
    raw += [("no UTF-8", NOT_UTF8, None), ("our id", json.dumps(scenario.id("account")).encode(), None)]
    raw += [("nested 1000 deep", b"[" * 1000 + b"]" * 1000, None)]
    for place in fields_of(name):
        for what, value, text in raw:
            document = json.dumps(_put(body, place)).encode().replace(b'"@@"', value)
            sent = (place[-1], text) if text is not None and len(place) == 1 and place[0] not in NOT_TEXT else None
            yield Attack(name, f"{'.'.join(place)}: {what}", path, document, sent=sent)
        twice = json.dumps({**body, place[0]: "@@"}).encode()
        yield Attack(name, f"{place[0]} twice", path, twice[:-1] + f', "{place[0]}": 1}}'.encode())


def _odd_field(name: str, path: str, body: dict[str, Any], part: Part, texts: Texts) -> Iterator[Attack]:
    """Odd texts in one place, made of what may stand there; written as escapes or as they are."""
    own = _standing(body, part.place)
    given = {"word": own, "number": own} if own.strip("0123456789.-abcdef") == "" and own else {"word": own or "Acme"}
    is_sent = len(part.place) == 1 and part.place[0] not in NOT_TEXT
    for what, text in texts(part.longest, part.kind, **given):
        document = json.dumps(_put(body, part.place)).replace(
            '"@@"', json.dumps(text, ensure_ascii=random.random() < 0.5)
        )
        sent = (part.place[0], text) if is_sent else None
        raw = document.encode("utf-8", "surrogatepass")
        yield Attack(name, f"{'.'.join(part.place)}: odd {what}", path, raw, sent=sent)
    for what, text in random.sample(list(unseen(part.place[-1])), 5):
        place = (*part.place[:-1], text)
        document = json.dumps(_put({**body}, place)).replace('"@@"', json.dumps(own or "x"))
        yield Attack(name, f"{'.'.join(part.place)} misspelled: {what}", path, document.encode())


def _in_a_form(name: str, path: str, body: dict[str, Any]) -> Iterator[Attack]:
    """Values in its fields, its file and the name of that; forms that are none; other media types."""

    def sent(what: str, raw: bytes, kind: str = MULTIPART_CONTENT) -> Attack:
        return Attack(name, what, path, raw, kind)

    for field_name, *_ in fields_of(name):
        for what, text in TEXTS.items():
            yield sent(f"{field_name}: {what}", form({**body, field_name: text}))
            yield sent(f"{field_name}: file of {what}", form({**body, field_name: File(text.encode(*LAX))}))
            yield sent(f"{field_name}: file named {what}", form({**body, field_name: File(b"x", text)}))
        yield sent(f"{field_name} twice", form(body, (field_name, body.get(field_name, "x")), (field_name, "x")))
        yield sent(f"{field_name}: no UTF-8", form({**body, field_name: NOT_UTF8}))
    for unknown in UNKNOWN:
        yield sent(f"unknown field {unknown!r}", form(body, (unknown, "1")))
        yield sent(f"unknown file {unknown!r}", form(body, (unknown, File(b"1"))))
    good = form(body)
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"'.encode()
    bodies = {
        "nothing": b"",
        "JSON": b"{}",
        "truncated": good[: len(good) // 2],
        "no end": good[:-10],
        "10,000 parts": (part + b"\r\n\r\n1\r\n") * 10_000 + good,
        "300 kB in a field": part + b"\r\n\r\n" + b"a" * 300_000 + b"\r\n" + good,
        "no disposition": f"--{BOUNDARY}\r\nX: y\r\n\r\n1\r\n".encode() + good,
        "no base64": part + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%\r\n" + good,
        "unknown charset": part + b"; filename*=bogus'en'%41\r\n\r\n1\r\n" + good,
        "100 kB of headers": part + b"\r\nX: " + b"a" * 100_000 + b"\r\n\r\n1\r\n" + good,
    }
    for what, raw in bodies.items():
        yield sent(f"body: {what}", raw)
    kinds = ["", "*/*", "text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
    kinds += [f"{MULTIPART_CONTENT}; charset=utf-16", f"multipart/mixed; boundary={BOUNDARY}"]
    kinds += [f"multipart/form-data; boundary{rest}" for rest in ("=", "=\xff", f"={'x' * 500}", "*=bogus'en'%41")]
    for kind in kinds:
        yield sent(f"Content-Type {kind!r}", good, kind)
    yield replace(sent("gzip", good), headers={"Content-Encoding": "gzip"})


def _odd_field_of_a_form(name: str, path: str, body: dict[str, Any], part: Part, texts: Texts) -> Iterator[Attack]:
    [field_name], own = part.place, _standing(body, part.place)
    for what, text in texts(part.longest, part.kind, word=own or "Acme"):
        yield Attack(name, f"{field_name}: odd {what}", path, form({**body, field_name: text}))
    for what, text in random.sample(list(unseen(field_name)), 5):
        yield Attack(name, f"{field_name} misspelled: {what}", path, form(body, (text, own or "x")))


def _standing(body: Any, place: tuple[str, ...]) -> str:
    """What stands there in a valid body, if it is a text."""
    for step in place:
        body = body.get(step) if isinstance(body, dict) else body[0] if isinstance(body, list) and body else None
    return body if isinstance(body, str) else ""


def _odd_parameter(
    name: str, path: str, parameter: dict[str, Any], body: bytes | None, texts: Texts
) -> Iterator[Attack]:
    schema = _resolved(parameter["schema"])
    word = str(next(iter(schema.get("enum", [])), "Acme"))
    for what, text in texts(*_measures(schema), word=word):
        if len(text) < 5_000:
            yield Attack(name, f"?{parameter['name']}: odd {what}", f"{path}?{parameter['name']}={spelled(text)}", body)


def _put(body: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    value: Any = "@@"
    for step in reversed(place[1:]):
        value = [value] if step.isdigit() else {step: value}
    return {**body, place[0]: value}


def _instead_of_the_body(name: str, path: str, body: dict[str, Any]) -> Iterator[Attack]:
    good = json.dumps(body)
    bodies = {
        "list": b"[]",
        "null": b"null",
        "string": b'"x"',
        "number": b"1",
        "nothing": b"",
        "truncated": good.encode()[:-1] + b",",
        "deep lists": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "deep objects": b'{"x": ' * 1000 + b"1" + b"}" * 1000,
        "300 kB": b'{"x": "' + b"a" * 300_000 + b'"}',
        "UTF-16": good.encode("utf-16"),
        "BOM": b"\xef\xbb\xbf" + good.encode(),
        "10,000 names": json.dumps({f"n{n}": 1 for n in range(10_000)}).encode(),
    }
    for what, raw in bodies.items():
        yield Attack(name, f"body: {what}", path, raw)
    for unknown in UNKNOWN:
        yield Attack(name, f"unknown field {unknown!r}", path, json.dumps({**body, unknown: 1}).encode())
    kinds = ["text/plain", "", "application/xml", "application/json; charset=utf-16", "multipart/form-data; boundary=x"]
    kinds += ["application/x-www-form-urlencoded", "*/*"]
    for kind in kinds:
        yield Attack(name, f"Content-Type {kind!r}", path, good.encode(), kind)
    yield Attack(name, "gzip", path, b"\x1f\x8b\x08" + b"\x00" * 100, headers={"Content-Encoding": "gzip"})
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(10_000))
    yield Attack(name, "10,000 parts", path, parts + b"--x--", "multipart/form-data; boundary=x")


def _in_the_address(name: str, path: str, body: bytes | None) -> Iterator[Attack]:
    if "{id}" in name:
        before, _, after = ("/api/v1/" + name.split(" ")[1]).partition("{id}")
        for what, text in TEXTS.items():
            if len(text) < 5_000:
                spelled = quote(text.encode("utf-8", "surrogatepass"), safe="")
                yield Attack(name, f"id: {what}", f"{before}{spelled}{after}", body)
        yield Attack(name, "id: no UTF-8", f"{before}%ff%fe{after}", body)
    yield Attack(name, "no slash", path.rstrip("/"), body)


def _in_the_query(name: str, path: str, body: bytes | None) -> Iterator[Attack]:
    parameters = [part["name"] for part in operations()[name].get("parameters", []) if part["in"] == "query"]
    for unknown in ("is_staff", "__proto__", "id%00"):
        yield Attack(name, f"unknown parameter {unknown}", f"{path}?{unknown}=1", body)
    for parameter in parameters:
        for what, text in TEXTS.items():
            if len(text) < 5_000:
                spelled = quote(text.encode("utf-8", "surrogatepass"), safe="")
                yield Attack(name, f"?{parameter}: {what}", f"{path}?{parameter}={spelled}", body)
        yield Attack(name, f"?{parameter}: no UTF-8", f"{path}?{parameter}=%ff%fe", body)
        yield Attack(name, f"?{parameter} twice", f"{path}?{parameter}=1&{parameter}=2", body)
    many = "&".join(f"a{n}=1" for n in range(20_000))
    yield Attack(name, "20,000 parameters", f"{path}?{many}", body)


def _in_headers(name: str, path: str, body: bytes | None) -> Iterator[Attack]:
    headers = {
        "Accept": ["text/html", "application/xml", "x" * 5_000, ";,/", "text/html; x*=bogus'en'%41"],
        "Authorization": ["Bearer", "Bearer \x00", "Bearer a b", "Basic eDp5", "Bearer " + "x" * 5_000, "\xff"],
        "Host": ["evil.example", "a b", "[::1"],
        "X-Request-ID": ["\x00", "a" * 5_000, "<script>"],
        "X-HTTP-Method-Override": ["DELETE"],
        "X-Forwarded-For": ["' OR 1=1--", "\x00", "1.2.3.4, " * 500],
        "Prefer": ["wait=-1", "wait=" + "9" * 5_000, "wait=\u0665", "wait=\x00"],
        "Idempotency-Key": ["a-good-key", "", " ", "a b", "x" * 256, "\x00", "\xe9", "a\tb"],
        "Cookie": ["sessionid=x; csrftoken='", "a" * 5_000, "\x00"],
    }
    for header, values in headers.items():
        for value in values:
            yield Attack(name, f"{header}: {value[:20]!r}", path, body, headers={header: value})
