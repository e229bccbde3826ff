"""The nouns: a Door, and a Visit for each time that one was opened."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser as User
from django.db import models
from django_fsm import transition

from engine.base import BaseModel
from engine.stateful import NO_TENANT, Stateful, StatusField


class Door(Stateful):
    """A door of a building.

    shut -> open -> shut, and so on. People open it; it closes by itself.
    """

    class Status(models.TextChoices):
        SHUT = "shut"
        OPEN = "open"

    INITIAL_STATES: ClassVar[tuple[str, ...]] = (Status.SHUT, Status.OPEN)

    building = models.UUIDField(default=NO_TENANT)
    status = StatusField(default=Status.SHUT, choices=Status)
    is_locked = models.BooleanField(default=False)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    @property
    def tenant_id(self) -> UUID:
        return self.building

    def is_unlocked(self) -> bool:
        return not self.is_locked

    def may_be_opened_by(self, user: User) -> bool:
        return user.is_staff

    @transition(
        field=status,
        source=Status.SHUT,
        target=Status.OPEN,
        conditions=[is_unlocked],
        permission=may_be_opened_by,
    )
    def open_up(self, *, by: User, note: str = "") -> None:
        """Let somebody in; `note` is kept in Transition.inputs."""
        self.opened_by = by

    @transition(field=status, source=Status.OPEN, target=Status.SHUT)
    def close(self) -> None:
        """Fall shut. It names no permission: the engine alone may do this."""
        self.opened_by = None


class Visit(BaseModel):
    """Somebody came in. `effect_id` is not unique on purpose: the engine alone must see to that."""

    door = models.ForeignKey(Door, models.CASCADE, related_name="visits")
    effect_id = models.UUIDField()
