from __future__ import annotations

from io import BytesIO
from typing import Any


class UnreadBody:
    """The body of a request, as a server gives it, that counts what is taken of it."""

    def __init__(self, content: bytes) -> None:
        self.content, self.taken = BytesIO(content), 0
        self.environ: dict[str, Any] = {"wsgi.input": self, "CONTENT_LENGTH": str(len(content))}

    def read(self, size: int = -1) -> bytes:
        data = self.content.read(size)
        self.taken += len(data)
        return data

    readline = read
