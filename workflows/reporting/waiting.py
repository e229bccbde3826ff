from __future__ import annotations

from collections.abc import Iterator

from core.models import Payment
from engine import Behind, behind
from engine.models import Effect
from engine.registry import follow_ups, subject_model
from engine.stateful import NO_TENANT
from workflows.lifecycle.timers import timer_kinds
from workflows.reporting.previews import counted

# What does not happen until an effect of the kind is done.
UNTIL_THEN = {
    "account.end_trial": "The trial does not end on its day.",
    "account.use_balance": "Money in the balance of the account pays nothing.",
    "account.watch_trial": "Nobody is reminded that the trial ends, and it does not end.",
    "account.wind_up": "The account is closed, and what it has subscribed and owes goes on.",
    "credit_note.drop": "The invoice is over, and the draft of its credit note still waits for a decision.",
    "document.bring": "The document is made, and the mail that tells of it is not sent.",
    "document.make": "The document is not drawn. What it is about stands in the database all the same.",
    "document.prepare_waiting": "Documents that waited for the company to be named are not made yet.",
    "document.write_cancellation": "The paper that cancels the invoice is not written.",
    "document.write_credit_note": "The paper of the credit note is not written, and its mail is not sent.",
    "document.write_invoice": "The paper of the invoice is not written, and its mail is not sent.",
    "document.write_receipt": "The receipt of the payment is not written, and its mail is not sent.",
    "document.write_reversal": "The receipt of the reversal is not written.",
    "duties.come_into_force": "The duty that was granted is not in force.",
    "invoice.apply_balance": "Money in the balance is not used for this invoice.",
    "invoice.chase": "Nobody is reminded of this invoice.",
    "invoice.fall_behind": "The subscription is not past due, though its invoice is overdue.",
    "invoice.let_lapse": "What was chosen and never paid for does not lapse.",
    "invoice.reissue": "The renewal that was voided is not issued again.",
    "invoice.watch": "Nobody is reminded of this invoice, and it does not fall overdue.",
    "payee.put_in_force": "The payee that was changed is not in force.",
    "payment.escalate": "Nobody is told that this claim waits for a decision.",
    "payment.settle": "The money is accepted and has paid for nothing yet.",
    "payment.tell_reviewers": "Reviewers are not told of this claim. It is in the queue all the same.",
    "payment.unsettle": "The payment bounced, and what it paid for still counts as paid.",
    "refund.give_back": "The refund is over, and its money is not in the balance again.",
    "renewals.report": "What came of the renewals of that day is not summed up.",
    "statement.match": "Lines that are sure are not matched by themselves. Staff can match them all the same.",
    "statement.read": "The file of the bank is not read.",
    "statement.read_large": "The file of the bank is not read. Files of its size wait for a worker of the slow lane.",
    "subscription.close_down": "The subscription is cancelled, and what was asked for it is still open.",
    "subscription.give_up": "The suspended subscription does not end on its day.",
    "subscription.plan_end": "The suspended subscription has no day on which it ends.",
    "subscription.plan_renewal": "The next period is not planned: no invoice for it, and this one does not end.",
    "subscription.plan_suspension": "The subscription is past due and has no day on which it is suspended.",
    "subscription.renew": "The invoice for the next period is not issued.",
    "subscription.reprice_renewal": "The invoice for the next period still has the price of the plan before.",
    "subscription.resume": "The subscription goes on, and what is still open of it is watched by nobody.",
    "subscription.run_out_of_grace": "The subscription stays past due after its days of grace.",
    "subscription.turn": "The period is over, and the next one does not begin.",
}
# The transition that it performs, which mails follow.
LEADS_TO = {
    "account.end_trial": ("account", "expire"),
    "document.make": ("document", "make"),
    "invoice.fall_behind": ("subscription", "fall_behind"),
    "invoice.reissue": ("invoice", "issue"),
    "payment.settle": ("payment", "settle"),
    "subscription.give_up": ("subscription", "end"),
    "subscription.renew": ("invoice", "issue"),
    "subscription.run_out_of_grace": ("subscription", "suspend"),
}

# Each writes a document, which a mail brings.
BRING_MAILS = ("document.write_invoice", "document.write_receipt")


def work_blocked_by(effect: Effect) -> tuple[Behind, list[str]]:
    """No sentences for an effect that is over, nor for a timer whose day has not come."""
    waits = behind(effect)
    is_early = effect.state == Effect.State.WAITING and effect.fence == 0
    return waits, [] if effect.state in Effect.FINISHED or is_early else list(_sentences(effect, waits))


def _sentences(effect: Effect, waits: Behind) -> Iterator[str]:
    if effect.kind in UNTIL_THEN:
        yield UNTIL_THEN[effect.kind]
    elif effect.kind.startswith("mail."):
        is_doubtful = effect.state == Effect.State.UNCERTAIN
        yield f"{'Nobody knows whether this mail went out' if is_doubtful else 'This mail has not gone out'}."
    yield from _about(effect)
    leads_to = follow_ups.get(LEADS_TO.get(effect.kind, ("", "")), ())
    mails = [line for line in leads_to if line.kind.name.startswith(("mail.", *BRING_MAILS))]
    if mails:
        yield f"{counted(len(mails), 'mail')} follow{'s' * (len(mails) == 1)} when it is done."
    yield from _behind(waits)
    yield from _timers(effect)


def _about(effect: Effect) -> Iterator[str]:
    model = subject_model(effect.machine)
    if model is None or effect.object_id is None:
        return
    rows = Payment.objects.select_related("invoice__subscription") if model is Payment else model._base_manager
    subject = rows.filter(pk=effect.object_id).first()
    if subject is None:
        yield f"Its {effect.machine} is gone."
        return
    yield f"The {effect.machine} is {_words(subject.status)}."
    if effect.kind == "payment.settle" and isinstance(subject, Payment) and subject.invoice:
        invoice = subject.invoice
        yield f"Invoice {invoice} waits for this payment's settlement: it is {_words(invoice.status)}."
        if invoice.subscription:
            yield f"So does the subscription: it is {_words(invoice.subscription.status)}."


def _behind(waits: Behind) -> Iterator[str]:
    then = waits.batch and waits.batch.then
    ordered = [row for row in waits.released if row != then]
    if ordered or waits.later:
        yield (
            f"{counted(len(ordered) + waits.later, 'effect')} of the same object may not run before it, "
            f"{len(ordered)} of them as soon as it is done or skipped."
        )
    if then:
        others = waits.missing - 1
        until = f"and for {counted(others, 'other')} of its batch" if others else "alone"
        yield f"{then.kind} waits for it {until} ({then.key})."


def _timers(effect: Effect) -> Iterator[str]:
    if effect.object_id is None or effect.account_id == NO_TENANT:
        return
    waiting = Effect.objects.filter(
        account_id=effect.account_id,
        state=Effect.State.WAITING,
        fence=0,
        object_id=effect.object_id,
        kind__in=timer_kinds,
    )
    rows = list(waiting.exclude(pk=effect.pk).order_by("run_at").values_list("kind", "run_at")[:5])
    if rows:
        days = ", ".join(f"{kind} ({run_at:%Y-%m-%d})" for kind, run_at in rows)
        yield f"Timers of the same {effect.machine} do not wait for it: {days}."


def _words(status: object) -> str:
    return str(status).replace("_", " ")
