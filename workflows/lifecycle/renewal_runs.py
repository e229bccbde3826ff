"""The renewals of a day form a batch, which shows their progress and ends with a report."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db import connection

from engine import NewEffect, effect_handler, gather, run_once_per
from engine.models import Batch, Effect
from workflows.lifecycle.renewals import renew_subscription
from workflows.periods import database_now

FIRST_MIDNIGHT_BEFORE_UTC = timedelta(hours=14)  # before midnight UTC: the first time zone in which a day begins
LAST_MIDNIGHT_AFTER_UTC = timedelta(hours=12)  # after midnight UTC: the last one
RUN_LEAD_TIME = timedelta(hours=1)  # a run is made this long before its first renewal is due
RUN_INTERVAL = timedelta(hours=1)

_INVOICED = """
    SELECT count(*) FROM engine_effect AS renewal WHERE batch_id = %s AND state = 'done' AND EXISTS (
        SELECT FROM core_invoice AS invoice
        WHERE invoice.subscription_id = renewal.object_id AND invoice.purpose = 'renewal'
            AND invoice.period_start::text = renewal.payload ->> 'period_end')"""


def begin_renewal_runs() -> None:
    """For the day that begins next in any time zone; at most once an hour."""
    with run_once_per("renewal runs", RUN_INTERVAL) as is_ours:
        if is_ours:
            begin_run((database_now() + FIRST_MIDNIGHT_BEFORE_UTC + RUN_LEAD_TIME).astimezone(UTC).date())


def begin_run(day: date) -> Batch | None:
    """Renewals of that day, and earlier ones without a batch; None if there are none."""
    ends = datetime.combine(day + timedelta(days=1), time(), UTC) + LAST_MIDNIGHT_AFTER_UTC
    waiting = Effect.objects.filter(
        kind=renew_subscription.kind.name,  # type: ignore[attr-defined]
        state=Effect.State.WAITING,
        batch=None,
        run_at__lt=ends,
        payload__on__lte=day.isoformat(),
    )
    ids = list(waiting.values_list("pk", flat=True))
    return (
        gather(ids, then=NewEffect(report_renewals, f"renewals:{day}", payload={"on": day.isoformat()}))
        if ids
        else None
    )


@effect_handler("renewals.report")
def report_renewals(nothing: None, this: Effect) -> None:
    """A second run writes the same note."""
    batch = Batch.objects.get(then=this)
    with connection.cursor() as cursor:
        cursor.execute(_INVOICED, [batch.pk])
        invoiced: int = cursor.fetchone()[0]
    needless = batch.done - invoiced
    words = [f"{invoiced} invoice{'' if invoiced == 1 else 's'} issued", f"{batch.skipped} failed and skipped"]
    if needless:
        words.append(f"{needless} with nothing to invoice")
    batch.note = f"Renewals of {this.payload['on']}: {', '.join(words)}."
    batch.save(update_fields=["note"])
