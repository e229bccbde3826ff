"""People: customers and staff alike."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Permission, PermissionsMixin
from django.db import models
from django.db.models import Q

from core.models.row import Row

if TYPE_CHECKING:
    from core.models.account import Membership


def canonical_email(email: str) -> str:
    """One spelling for one mailbox: NFKC, case folded, the host in IDNA. The form that is unique."""
    local, _, host = unicodedata.normalize("NFKC", email.strip()).casefold().rpartition("@")
    with suppress(UnicodeError):  # not a host name: the validator of the form says so
        host = host.encode("idna").decode("ascii")
    return f"{local}@{host}"


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email_canonical=canonical_email(username or ""))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})


class User(Row, AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in with an e-mail address. Customers have a Membership, staff have permissions."""

    email = models.EmailField("e-mail", max_length=254, unique=True)  # as typed
    email_canonical = models.CharField(max_length=254, unique=True, editable=False)
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField("staff", default=False)
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_canonical = canonical_email(self.email)
        super().save(*args, **kwargs)

    def role_in(self, account_id: UUID) -> str | None:
        """This user's role in an account, asked of the database once; None for a stranger."""
        membership: Membership | None = getattr(self, "membership", None)
        return membership.role if membership is not None and membership.account_id == account_id else None

    def is_granted(self, permission: str) -> bool:
        """Whether somebody gave this user that permission: being a superuser is not enough.

        For decisions about money, where `has_perm` would let every superuser through.
        """
        if not self.is_active:
            return False
        granted: set[str] | None = getattr(self, "_granted", None)
        if granted is None:
            rows = Permission.objects.filter(Q(user=self) | Q(group__user=self))
            granted = {f"{app}.{name}" for app, name in rows.values_list("content_type__app_label", "codename")}
            self._granted = granted
        return permission in granted
