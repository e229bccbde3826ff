from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from engine.triggers import AppendOnly, Frozen, NoDelete


class TransitionDigest(models.Model):
    """Digests of a Transition, made when its day was closed: they stay when its texts are erased.

    `texts` is of salt, inputs and reason: without the salt nobody can guess them. `whole` is of the row.
    """

    transition_id = models.UUIDField(primary_key=True)  # no foreign key: a missing row must be seen
    day = models.DateField(db_index=True)
    salt = models.UUIDField(null=True)  # null: the texts were erased
    texts = models.CharField(max_length=64)
    whole = models.CharField(max_length=64)

    class Meta:
        constraints = [
            NoDelete(name="transition_digest_kept"),
            Frozen(
                name="transition_digest_frozen",
                columns=["transition_id", "day", "texts", "whole"],
                blankable=["salt"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transition_id} on {self.day}"


class HistoryHead(models.Model):
    """A closed day: see workflows.security.history_chain."""

    day = models.DateField(primary_key=True)  # in UTC
    transitions = models.PositiveBigIntegerField()
    previous = models.CharField(max_length=64, blank=True)  # empty: this is the first
    head = models.CharField(max_length=64)
    closed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [AppendOnly(name="history_head_append_only")]
        # For ENGINE_OPERATE_PERMISSION: other programs know this name.
        permissions = [("operate_effects", "See and repeat effects")]

    def __str__(self) -> str:
        return f"{self.day}: {self.head}"
