from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from core.models.account import Account, Membership
from core.models.base import BaseModel
from core.models.user import User

LONGEST_SITE_NAME = 150


class Industry(BaseModel):
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        verbose_name_plural = "industries"

    def __str__(self) -> str:
        return self.name


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, user: User) -> SiteQuerySet:
        return self if user.can_read_all_accounts() else self.filter(account__memberships__user=user)


class Site(BaseModel):
    """A site of an account, as many as the plan allows."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="sites")
    name = models.CharField(max_length=LONGEST_SITE_NAME)
    industry = models.ForeignKey(Industry, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="site_name_once", fields=["account", "name"])]

    def __str__(self) -> str:
        return self.name


class SiteUserAccess(BaseModel):
    """Who creates a site manages it."""

    class Role(models.TextChoices):
        MANAGER = "manager"
        EDITOR = "editor"
        VIEWER = "viewer"

    site = models.ForeignKey(Site, models.CASCADE, related_name="access")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="site_access")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)

    class Meta:
        verbose_name_plural = "site user access"
        constraints = [models.UniqueConstraint(name="site_access_once", fields=["site", "user"])]

    def __str__(self) -> str:
        return f"{self.user} at {self.site}"

    def clean(self) -> None:
        if self.site_id is None or self.user_id is None:
            return  # the form says so
        if not Membership.objects.filter(user=self.user_id, account=self.site.account_id).exists():
            raise ValidationError({"user": "This is nobody of the site's account: invite them first."})
