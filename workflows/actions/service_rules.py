"""Checked by every verb that gives service. Reading, paying, claiming, leaving and closing work in every state."""

from __future__ import annotations

from enum import Enum, auto

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import Account
from core.problems import Conflict, Problem, WrongState

Status = Account.Status


class Act(Enum):
    CHANGE = auto()  # its name and details, the roles of its people, its sites
    OPEN_SITE = auto()
    INVITE = auto()
    USE_CREDITS = auto()


SERVICE = frozenset({Act.OPEN_SITE, Act.INVITE, Act.USE_CREDITS})
ALLOWED = {
    Status.TRIAL: SERVICE | {Act.CHANGE},
    Status.PENDING_PAYMENT: frozenset({Act.CHANGE, Act.OPEN_SITE, Act.INVITE}),  # within the limits of the free plan
    Status.ACTIVE: SERVICE | {Act.CHANGE},
    Status.PAST_DUE: SERVICE | {Act.CHANGE},
    Status.SUSPENDED: frozenset({Act.CHANGE}),
    Status.EXPIRED: frozenset({Act.CHANGE}),
    Status.CLOSED: frozenset(),
}
WHY_NOT: dict[str, str | Promise] = {
    Status.PENDING_PAYMENT: gettext_lazy("This works once your first payment has arrived."),
    Status.SUSPENDED: gettext_lazy("The account is suspended. This works again once its invoice is paid."),
    Status.EXPIRED: gettext_lazy("The plan of the account has ended. Choose a plan first."),
    Status.CLOSED: gettext_lazy("The account is closed."),
}


def may(account: Account, act: Act) -> bool:
    return act in ALLOWED[Status(account.status)]


def states_that_may(act: Act) -> list[str]:
    return [str(status) for status, acts in ALLOWED.items() if act in acts]


def check_may(account: Account, act: Act) -> None:
    """Raises WrongState, Conflict for a closed account. The caller has locked its row."""
    if not may(account, act):
        raise refusal(account, act)


def refusal(account: Account, act: Act) -> Problem:
    status = str(account.status)
    if status == Status.CLOSED and act is not Act.USE_CREDITS:
        return Conflict(_("The account is closed."))
    return WrongState(str(WHY_NOT[status]), object_status=status, available=[], unmet=[])
