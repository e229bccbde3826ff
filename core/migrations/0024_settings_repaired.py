"""What was saved past the forms is brought into the form that 0037 asks for. Each row that changes is logged."""

import logging
import re

from django.db import migrations
from django.utils import timezone

from core.money import is_currency, quantize

log = logging.getLogger(__name__)
DAYS = (
    "days_to_pay",
    "renewal_lead_days",
    "trial_warning_days",
    "signup_expiry_days",
    "grace_days",
    "suspension_days",
    "claim_pause_days",
)
CLAIM_FIELDS = ("reference", "notes", "proof_url", "paid_on", "payer_name")
A_YEAR = 365


def repair(apps, schema_editor):
    for model, mended in (
        ("PlanPrice", _mend_price),
        ("Plan", _mend_plan),
        ("Policy", _mend_policy),
        ("PaymentMethod", _mend_method),
    ):
        for row in apps.get_model("core", model).objects.all():
            before = dict(row.__dict__)
            mended(row)
            changed = sorted(name for name, value in row.__dict__.items() if value != before.get(name))
            if changed:
                row.save(update_fields=changed)
                log.warning("%s %s: brought into form: %s", model, row.pk, ", ".join(changed))


def _mend_price(price):
    """It is offered at the amount that was shown and demanded; one of no currency is offered no more."""
    code = price.currency.strip().upper()
    others = type(price).objects.filter(plan=price.plan_id, currency=code, interval=price.interval)
    if code != price.currency and is_currency(code) and not others.exists():
        price.currency = code
    if price.interval not in ("month", "year") or not is_currency(price.currency):
        price.retired_at = timezone.now()
    else:
        price.amount = quantize(price.amount, price.currency)


def _mend_plan(plan):
    plan.trial_days = min(plan.trial_days, A_YEAR)
    plan.max_users = plan.max_users if plan.max_users is None else max(plan.max_users, 1)


def _mend_policy(policy):
    for name in DAYS:
        setattr(policy, name, min(getattr(policy, name), A_YEAR))
    steps = policy.reminder_steps if isinstance(policy.reminder_steps, list) else []
    good = [step for step in steps if type(step) is int and -A_YEAR <= step <= A_YEAR]
    policy.reminder_steps = steps if good == steps and len(steps) <= 10 else good[:10]


def _mend_method(method):
    """One whose payee or place is not what it should be is offered again when somebody has looked at it."""
    for name in ("instructions", "fields"):
        texts = getattr(method, name)
        good = {key: text for key, text in texts.items() if isinstance(text, str)} if isinstance(texts, dict) else {}
        if good != texts:
            setattr(method, name, good)
            method.is_enabled = False
    if not isinstance(method.requires, list) or any(word not in CLAIM_FIELDS for word in method.requires):
        words = method.requires if isinstance(method.requires, list) else ["reference"]
        method.requires = [word for word in words if word in CLAIM_FIELDS]
    for name, letters in (("country", 2), ("currency", 3)):
        code = getattr(method, name).strip().upper()
        if code and not re.fullmatch(f"[A-Z]{{{letters}}}", code):
            code, method.is_enabled = "", False
        setattr(method, name, code)
    method.bank_lag_days = min(method.bank_lag_days, 90)


class Migration(migrations.Migration):
    dependencies = [("core", "0023_retired_prices")]

    operations = [migrations.RunPython(repair, migrations.RunPython.noop)]
