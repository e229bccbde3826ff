from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet

from core.models import User
from core.models.duty import ACTIVE, GRANT_DUTIES, GROUP, STAFF, SUPERUSER
from core.problems import PermissionDenied

FLAGS = {STAFF: "is_staff", SUPERUSER: "is_superuser", ACTIVE: "is_active"}


def right_labels() -> dict[str, str]:
    """Label by code."""
    rights = {
        STAFF: "Of the staff: may sign in to the desk and the admin",
        SUPERUSER: "Superuser: sees everything, decides on nothing about money",
        ACTIVE: "May sign in",
    }
    rights |= {
        f"{GROUP}{name}": f"Group {name}" for name in Group.objects.order_by("name").values_list("name", flat=True)
    }
    permissions = Permission.objects.order_by("content_type__app_label", "codename").select_related("content_type")
    return rights | {right_code_of(each): each.name for each in permissions}


def right_codes_of(person: User) -> set[str]:
    """Without those of their groups."""
    flags = {word for word, field in FLAGS.items() if getattr(person, field)}
    groups = {f"{GROUP}{name}" for name in person.groups.values_list("name", flat=True)}
    own = person.user_permissions.values_list("content_type__app_label", "codename")
    return flags | groups | {f"{label}.{codename}" for label, codename in own}


def is_trusted(person: User) -> bool:
    """Of the staff, or with a right that only staff have."""
    return person.is_staff or person.is_superuser or person.groups.exists() or person.user_permissions.exists()


def may_set(user: User, permission: str) -> bool:
    """For settings: superusers hold every permission, unlike for decisions about money."""
    return user.is_active and user.is_staff and user.has_perm(permission)


def check_may_set(user: User, *permissions: str) -> None:
    for permission in permissions:
        if not may_set(user, permission):
            raise PermissionDenied(f"This needs the permission {permission}.")


def right_code_of(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def permission_of(word: str) -> QuerySet[Permission]:
    label, _, codename = word.partition(".")
    return Permission.objects.filter(content_type__app_label=label, codename=codename)


def permissions_of(words: Iterable[str]) -> list[Permission]:
    """A word may be two rows: core.change_seller is one of sellers, by Django, and one of their versions, by us.

    Raises Permission.DoesNotExist.
    """
    found = [(word, list(permission_of(word))) for word in words]
    for word, permissions in found:
        if not permissions:
            raise Permission.DoesNotExist(word)
    return [permission for _, permissions in found for permission in permissions]


def other_holders(*people: User | None) -> QuerySet[User]:
    """Who could confirm what concerns these people."""
    return User.objects.staff_with(GRANT_DUTIES).exclude(pk__in=[person.pk for person in people if person is not None])
