"""The history of Transitions, closed day by day: digests that stay when texts are erased."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from engine.triggers import AppendOnly, Frozen, NoDelete


class TransitionDigest(models.Model):
    """What a Transition said on the day that was closed, as digests: they stay when its texts are erased.

    `texts` is the digest of salt, inputs and reason; without the salt nobody can guess from it what they were.
    `whole` is that of the row, with `texts` in the place of the texts.
    """

    transition_id = models.UUIDField(primary_key=True)  # no foreign key: that the row is missing must be seen
    day = models.DateField(db_index=True)
    salt = models.UUIDField(null=True)  # random; null: the texts were erased
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
    """A closed day: what its transitions and the day before come to. See workflows.security.history_chain."""

    day = models.DateField(primary_key=True)  # in UTC
    transitions = models.PositiveBigIntegerField()
    previous = models.CharField(max_length=64, blank=True)  # the head of the day before; empty: this is the first
    head = models.CharField(max_length=64)
    closed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [AppendOnly(name="history_head_append_only")]
        # Of the engine's rows, under the name that other programs know: ENGINE_OPERATE_PERMISSION.
        permissions = [("operate_effects", "See and repeat effects")]

    def __str__(self) -> str:
        return f"{self.day}: {self.head}"
