"""Whether an answer is exactly what the published schema promises."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker

from api.docs import published

formats = FormatChecker(formats=())
for name, read in {"uuid": UUID, "date": date.fromisoformat, "date-time": datetime.fromisoformat}.items():
    formats.checks(name, ValueError)(lambda value, read=read: not isinstance(value, str) or bool(read(value)))


def operations() -> dict[str, dict[str, Any]]:
    """Every operation by its name, `POST auth/login/`."""
    return {
        f"{method.upper()} {path.removeprefix('/api/v1/')}": operation
        for path, methods in published()["paths"].items()
        for method, operation in methods.items()
    }


def body_of(name: str) -> tuple[str, Any]:
    """Media type and schema of what an operation takes."""
    [(media_type, content)] = operations()[name]["requestBody"]["content"].items()
    return media_type, content["schema"]


def takes_a_form(name: str) -> bool:
    return "requestBody" in operations()[name] and body_of(name)[0] == "multipart/form-data"


def operation_of(method: str, path: str) -> str | None:
    """The name of what answers there: `/api/v1/billing/payments/018f.../` is `GET billing/payments/{id}/`."""
    method = "GET" if method == "HEAD" else method
    fits = [name for name, shape in _shapes() if name.startswith(f"{method} ") and shape.fullmatch(path)]
    return min(fits, key=lambda name: name.count("{"), default=None)


def must_conform(answer: Any) -> None:
    """Fails for an answer of the test client that the schema does not promise."""
    name = operation_of(answer.request["REQUEST_METHOD"], answer.request["PATH_INFO"])
    if name is None or answer.status_code in (405, 500) or answer.request["REQUEST_METHOD"] == "HEAD":
        return
    promised = operations()[name]["responses"]
    assert str(answer.status_code) in promised, f"{name} does not promise {answer.status_code}: {answer.content!r}"
    promise = promised[str(answer.status_code)]
    if "content" not in promise:
        assert answer.content == b"", name
        return
    media_type = answer["Content-Type"].split(";")[0]
    assert media_type in promise["content"], f"{name} does not promise {media_type}"
    if media_type.endswith("json"):
        where = (name, str(answer.status_code), media_type)
        errors = [f"{error.json_path}: {error.message}" for error in _judge(*where).iter_errors(answer.json())]
        assert not errors, f"{name} {answer.status_code}: {errors}\n{answer.content!r}"


@cache
def _shapes() -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile("/api/v1/" + re.sub(r"\{\w+\}", "[^/]+", name.split(" ")[1]))) for name in operations()]


@cache
def _judge(name: str, status: str, media_type: str) -> Draft202012Validator:
    schema = operations()[name]["responses"][status]["content"][media_type]["schema"]
    return Draft202012Validator({**schema, "components": _closed()}, format_checker=formats)


@cache
def _closed() -> Any:
    """The components, where a row has the fields that are named and no others; clients must bear more."""

    def close(part: Any) -> Any:
        if isinstance(part, list):
            return [close(item) for item in part]
        if not isinstance(part, dict):
            return part
        closed = {name: close(item) for name, item in part.items()}
        return {"additionalProperties": False, **closed} if "properties" in part and "type" in part else closed

    return close(published()["components"])
