"""What PostgreSQL and Valkey have in common: a process that is of use only once it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from stack.process import Process


class Service(ABC):
    """`with service:` starts it, waits until it answers, and stops it in every case."""

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
