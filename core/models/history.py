"""What the engine remembers: a Transition is a fact, an Effect is a debt."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models.row import Row


class Transition(Row):
    """This happened: an object went from `source` to `target`. Never edited.

    `seq` counts 1, 2, 3... per object without a gap; the first has no source. `cause` is the transition
    that this one follows from, back to the person who asked.
    """

    account_id = models.UUIDField(null=True)  # the tenant; no foreign key: the engine knows no accounts
    machine = models.CharField(max_length=40)
    object_id = models.UUIDField()
    seq = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    source = models.CharField(max_length=20, blank=True)
    target = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    cause = models.ForeignKey("self", models.PROTECT, null=True, related_name="consequences")
    reason = models.TextField(blank=True)
    inputs = models.JSONField(default=dict)
    request_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null: nobody gave one
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="transition_seq", fields=["machine", "object_id", "seq"]),
            models.UniqueConstraint(
                name="transition_request_key",
                fields=["actor", "request_key"],
                condition=Q(request_key__isnull=False),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} {self.name}: {self.source or 'nothing'} -> {self.target}"


class Effect(Row):
    """This must now happen: `kind` names the function, machine and object_id what it is about.

    ready -> leased -> done; a failure goes back to ready at a later `run_at`, and in the end to dead.
    `fence` counts the leases: whoever holds an older one can no longer finish.
    """

    class State(models.TextChoices):
        READY = "ready"
        LEASED = "leased"
        DONE = "done"
        DEAD = "dead"  # given up: on the staff's desk
        UNCERTAIN = "uncertain"  # sent, but nobody knows whether it arrived: never repeated blindly
        SKIPPED = "skipped"  # staff said it need not happen

    account_id = models.UUIDField(null=True)
    transition = models.ForeignKey(Transition, models.PROTECT, null=True, related_name="effects")
    machine = models.CharField(max_length=40, blank=True)
    object_id = models.UUIDField(null=True)
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=60)
    revision = models.PositiveSmallIntegerField(default=1)  # of the payload's shape
    payload = models.JSONField(default=dict)
    lane = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    run_at = models.DateTimeField(db_default=Now())
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # that ran to an end, good or bad
    crashes = models.PositiveSmallIntegerField(default=0)  # leases that ran out while alone
    solo = models.BooleanField(default=False)  # its last batch died: next time it runs alone
    last_error = models.TextField(blank=True)
    outcome = models.JSONField(null=True)  # what the far side answered
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(name="effect_ready", fields=["lane", "run_at", "id"], condition=Q(state="ready")),
            models.Index(name="effect_leased", fields=["lease_until"], condition=Q(state="leased")),
            models.Index(
                name="effect_on_the_desk",
                fields=["state", "-id"],
                condition=Q(state__in=["dead", "uncertain"]),
            ),
        ]
        permissions = [("operate_effects", "See and repeat what the engine owes")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"
