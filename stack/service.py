from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from stack.process import Process


class Service(ABC):
    """`with service:` waits until it answers."""

    process: Process

    @abstractmethod
    def start(self) -> None: ...

    def stop(self) -> None:
        self.process.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
