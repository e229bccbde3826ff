from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, OuterRef, Q, Subquery
from django.db.models.functions import Now

from engine.base import BaseModel
from engine.sql import statement
from engine.stateful import NO_TENANT
from engine.triggers import AppendOnly, CountsBatch, Frozen, NoDelete

UUID_TEXT = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
LET_GO_MOST = 1000  # effects that one pause lets go
RATE = r"^[1-9][0-9]{0,5}/[smh]$"  # so many in a second, minute or hour
_CHAIN_OF_CAUSES = statement("chain_of_causes")


class Transition(BaseModel):
    """A fact: an object went from `source` to `target`. Append-only.

    `seq` counts from 1 per object without a gap. The chain of causes ends at a person's request.
    """

    account_id = models.UUIDField(default=NO_TENANT)  # the tenant, without a foreign key: the engine has no such table
    machine = models.CharField(max_length=40)
    object_id = models.UUIDField()
    seq = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    source = models.CharField(max_length=20, blank=True)
    target = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+")
    cause = models.ForeignKey("self", models.PROTECT, null=True, related_name="consequences")
    reason = models.TextField(blank=True)
    inputs = models.JSONField(default=dict)
    request_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 - null: none was given
    request_id = models.CharField(max_length=64, blank=True)  # X-Request-ID
    trace = models.CharField(max_length=55, blank=True)  # W3C traceparent
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            AppendOnly(name="transition_append_only"),
            models.UniqueConstraint(name="transition_seq", fields=["machine", "object_id", "seq"]),
            models.UniqueConstraint(
                name="transition_request_key",
                fields=["actor", "request_key"],
                condition=Q(request_key__isnull=False),
                nulls_distinct=False,
            ),
        ]
        indexes = [  # partial: most transitions have no actor
            models.Index(name="transition_by_person", fields=["actor"], condition=Q(actor__isnull=False)),
            BrinIndex(name="transition_by_time", fields=["at"]),  # to read a day; cheap to write
        ]

    def __str__(self) -> str:
        return f"{self.machine} {self.name}: {self.source or 'nothing'} -> {self.target}"

    def causes(self) -> list[Transition]:
        """Takes two queries, whatever the length."""
        chain = Transition.objects.raw(_CHAIN_OF_CAUSES, {"id": self.pk})
        return list(chain.prefetch_related("actor"))


class Effect(BaseModel):
    """A job that must happen: `kind` names the function, machine and object_id the object.

    (waiting ->) ready -> leased -> done; after a failure waiting again, in the end dead. `fence` counts the leases.
    """

    class State(models.TextChoices):
        WAITING = "waiting"  # not before run_at
        READY = "ready"
        LEASED = "leased"
        DONE = "done"
        DEAD = "dead"  # given up: an operator decides
        UNCERTAIN = "uncertain"  # sent, outcome unknown: never repeated by itself
        SKIPPED = "skipped"  # by an operator

    FINISHED = (State.DONE, State.SKIPPED)
    NEEDS_ATTENTION = (State.DEAD, State.UNCERTAIN)

    account_id = models.UUIDField(default=NO_TENANT)
    transition = models.ForeignKey(Transition, models.PROTECT, null=True, related_name="effects")
    machine = models.CharField(max_length=40, blank=True)
    object_id = models.UUIDField(null=True)
    seq = models.PositiveIntegerField(default=0)  # the transition's
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=60)
    revision = models.PositiveSmallIntegerField(default=1)  # of the payload's shape
    payload = models.JSONField(default=dict)
    lane = models.CharField(max_length=20)
    ordered = models.BooleanField(default=False)  # after the earlier ordered ones of its object
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    run_at = models.DateTimeField(db_default=Now())
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    lease_pid = models.IntegerField(null=True)
    failing_since = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # that ended, well or not
    crashes = models.PositiveSmallIntegerField(default=0)  # deaths of its holder while it ran alone
    solo = models.BooleanField(default=False)  # must run alone, since a claim with it failed as a whole
    last_error = models.TextField(blank=True)
    cause = models.CharField(max_length=120, blank=True, default="", db_default="")  # class and reply code
    outcome = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    took = models.PositiveIntegerField(null=True)  # milliseconds; shared by a batch
    # No constraint and no index of its own: it costs nothing without a batch.
    batch = models.ForeignKey(
        "Batch", models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="effects"
    )

    class Meta:
        constraints = [CountsBatch(name="effect_counts_batch")]
        indexes = [
            models.Index(name="effect_of_batch", fields=["batch", "state"], condition=Q(batch__isnull=False)),
            # Claims take a share of every tenant's.
            models.Index(name="effect_ready", fields=["lane", "account_id", "id"], condition=Q(state="ready")),
            # `fence >= 0` is always true: only queries that say so use this index; the planner would prefer it to the
            # one above.
            models.Index(
                name="effect_ready_lately", fields=["lane", "run_at"], condition=Q(state="ready", fence__gte=0)
            ),
            models.Index(name="effect_waiting", fields=["run_at"], condition=Q(state="waiting")),
            models.Index(name="effect_waiting_of", fields=["account_id", "run_at"], condition=Q(state="waiting")),
            # For look_again().
            models.Index(
                name="effect_put_off",
                fields=["account_id"],
                condition=Q(state="waiting", fence__gt=0, failing_since__isnull=True),
            ),
            models.Index(name="effect_leased", fields=["lease_until"], condition=Q(state="leased")),
            models.Index(name="effect_solo", fields=["id"], condition=Q(state="ready", solo=True)),
            models.Index(
                name="effect_ordered",
                fields=["object_id", "seq"],
                condition=Q(ordered=True) & ~Q(state__in=["done", "skipped"]),
            ),
            models.Index(
                name="effect_failing",
                fields=["kind", "cause"],
                condition=Q(state="waiting", failing_since__isnull=False),
            ),
            models.Index(
                name="effect_on_the_desk", fields=["state", "-id"], condition=Q(state__in=["dead", "uncertain"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"


class EffectEvent(BaseModel):
    """What happened to an effect other than being done. Append-only."""

    class What(models.TextChoices):
        FAILED = "failed"
        CRASHED = "crashed"  # its worker died, or its lease ran out
        DIED = "died"
        UNCERTAIN = "uncertain"
        RETRIED = "retried"
        EDITED = "edited"  # `detail` keeps the old payload
        SKIPPED = "skipped"

    effect = models.ForeignKey(Effect, models.CASCADE, related_name="events")
    what = models.CharField(max_length=10, choices=What)
    fence = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    detail = models.TextField(blank=True)  # the error, or the operator's reason
    payload = models.JSONField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [AppendOnly(name="effect_event_append_only")]

    def __str__(self) -> str:
        return f"{self.what}: {self.detail[:60]}"


class BatchQuerySet(models.QuerySet["Batch"]):
    def with_stuck(self) -> BatchQuerySet:
        """stuck: how many of its effects are dead or uncertain."""
        stuck = Effect.objects.filter(batch=OuterRef("pk"), state__in=Effect.NEEDS_ATTENTION).order_by()
        count = stuck.annotate(count=Func(F("pk"), function="count")).values("count")
        return self.annotate(stuck=Subquery(count))


class Batch(BaseModel):
    """Effects that belong together, and `then`, due when all are done or skipped; counted by CountsBatch.

    A dead member keeps it open until an operator retries or skips the member.
    """

    then = models.OneToOneField(Effect, models.PROTECT, db_constraint=False, related_name="awaited")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                name="batch_complete_by_count",
                condition=Q(total=F("done") + F("skipped"), completed_at__isnull=False)
                | Q(total__gt=F("done") + F("skipped"), completed_at__isnull=True),
            ),
        ]
        indexes = [models.Index(name="batch_open", fields=["id"], condition=Q(completed_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.finished_count} of {self.total}"

    @property
    def finished_count(self) -> int:
        return self.done + self.skipped


class CircuitBreaker(models.Model):
    """A kind whose far side cannot be reached: nothing of it is executed before `paused_until`."""

    kind = models.CharField(max_length=60, primary_key=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    paused_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind}: {self.failures} failures"


class EffectPause(BaseModel):
    """Effects of the scope wait until it is ended, or until `until`; those in `let_go` (ids) run nevertheless."""

    class Scope(models.TextChoices):
        KIND = "kind"
        LANE = "lane"
        TENANT = "tenant"
        OUTWARD = "outward"
        ALL = "all"

    NAMED = (Scope.KIND, Scope.LANE, Scope.TENANT)

    scope = models.CharField(max_length=10, choices=Scope)
    name = models.CharField(max_length=60, blank=True)  # kind, lane, or the tenant's key
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True)
    let_go = ArrayField(models.UUIDField(), default=list)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )  # null: it ended at `until`

    class Meta:
        constraints = [
            NoDelete(name="effect_pause_kept"),
            Frozen(name="effect_pause_frozen", columns=["scope", "name", "reason", "by_id", "created_at"]),
            models.UniqueConstraint(name="effect_pause_once", fields=["scope", "name"], condition=Q(ended_at=None)),
            models.CheckConstraint(
                name="effect_pause_scope",
                condition=Q(scope__in=["kind", "lane"]) & ~Q(name="")
                | Q(scope="tenant", name__regex=UUID_TEXT)
                | Q(scope__in=["outward", "all"], name=""),
            ),
            models.CheckConstraint(name="effect_pause_reason", condition=~Q(reason="")),
            models.CheckConstraint(name="effect_pause_ended", condition=Q(ended_by=None) | Q(ended_at__isnull=False)),
            models.CheckConstraint(name="effect_pause_let_go", condition=Q(let_go__len__lte=LET_GO_MOST)),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.name}".strip()


class Throttle(models.Model):
    """When a far side may be called again: `mail` for all mails."""

    name = models.CharField(max_length=60, primary_key=True)
    free_at = models.DateTimeField(null=True)  # by the database's clock
    # An operator's, such as `10/s`, instead of the declared rate; the time between two calls.
    rate = models.CharField(max_length=10, blank=True)
    every = models.DurationField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="throttle_rate", condition=Q(rate="") | Q(rate__regex=RATE)),
            models.CheckConstraint(
                name="throttle_every",
                condition=Q(rate="", every=None) | ~Q(rate="") & Q(every__isnull=False, every__gt=timedelta(0)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.rate or 'as declared'}"


class ScheduledRun(models.Model):
    """One run of a periodic job. Inserting the unique (schedule, slot) elects the process that does the work."""

    schedule = models.CharField(max_length=60)
    slot = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="tick_once", fields=["schedule", "slot"])]

    def __str__(self) -> str:
        return f"{self.schedule} at {self.slot}"
