from __future__ import annotations

from django.utils.translation import gettext as _

from core.problems import Problem, WrongState
from engine.stateful import Stateful
from web.status_labels import status_name


def problem_message(problem: Problem, *, about: Stateful | None = None) -> str:
    """The detail, or the errors of its fields. about: WrongState names its status as customers see it."""
    errors = problem.members.get("errors")
    if errors:
        return " ".join(str(line) for lines in errors.values() for line in lines)
    if about is not None and isinstance(problem, WrongState):
        status = status_name(about._meta.model_name or "", problem.members["object_status"])
        return _("This cannot be done now. The status is: %(status)s.") % {"status": status}
    return problem.detail
