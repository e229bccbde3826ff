from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from core.models import DutyGrant, User
from core.problems import PermissionDenied, Problem
from core.security import sessions
from web.forms.base import PageForm
from web.forms.fields import Address, Line
from web.staff.access import ADD_PERSON, APPROVE, GRANT, PEOPLE, StaffRequest, may_see, staff_with
from web.staff.confirming import redirect_to_confirmation
from web.staff.duties import send_password_link
from web.staff_settings.changes import log_change
from workflows.actions.people import add_person
from workflows.reporting.first_run import NEEDED_APPROVERS
from workflows.security.rights import may_set

MOST_PEOPLE = 100


class NewPersonForm(PageForm):
    email = Address(label="E-mail address")
    name = Line(required=False, max_length=150, label="Name")


@staff_with(*PEOPLE)
def people_page(request: StaffRequest) -> HttpResponse:
    may_add = may_set(request.user, ADD_PERSON)
    if may_add and not sessions.is_confirmed(request.session):
        return redirect_to_confirmation(request)
    form, status = NewPersonForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and not may_add:
        raise PermissionDenied("You may not add people.")
    if form.is_valid():
        try:
            person = add_person(User(**form.cleaned_data), by=request.user)
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            log_change(request, person, form, is_new=True)
            send_password_link(request, person)
            messages.success(request, f"{person} is added, and has no rights yet.")
            return (
                redirect("desk_person", pk=person.pk) if may_see(request.user, GRANT) else redirect("settings_people")
            )
    return _page(request, form, may_add=may_add, status=status)


def _page(request: StaffRequest, form: NewPersonForm, *, may_add: bool, status: int) -> HttpResponse:
    staff = User.objects.filter(is_staff=True) | User.objects.filter(is_superuser=True)
    approvers = set(User.objects.staff_with(APPROVE).values_list("pk", flat=True))
    granters = set(User.objects.staff_with(GRANT).values_list("pk", flat=True))
    people = [
        (person, [group.name for group in person.groups.all()], person.pk in approvers, person.pk in granters)
        for person in staff.order_by("email").prefetch_related("groups")[:MOST_PEOPLE]
    ]
    context = {
        "people": people,
        "approvers": len(approvers),
        "granters": len(granters),
        "needed": NEEDED_APPROVERS,
        "waiting": DutyGrant.objects.filter(DutyGrant.OPEN).count(),
        "form": form,
        "may_add": may_add,
        "may_grant": may_see(request.user, GRANT),
    }
    return render(request, "web/staff/settings/people.html", context, status=status)
