from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Permission, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Q
from django.db.transaction import atomic
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.models.base import BaseModel
from core.models.duty import DutyGrant
from core.models.guards import StaffApart
from core.validation.email import LONGEST_EMAIL, canonical_email
from core.validation.text import composed
from engine.pipeline import ask

if TYPE_CHECKING:
    from core.models.account import Membership


# Each of these opens the rows of every account; `is_staff` alone opens none.
STAFF_PERMISSIONS = (
    "review_payment",
    "approve_payment",
    "reverse_payment",
    "void_invoice",
    "adjust_credits",
    "manage_accounts",
    "import_statements",
    "match_lines",
    "request_refund",
    "approve_refund",
    "write_credit_note",
    "issue_credit_note",
)

NO_ADDRESS = "@former.invalid"  # mail never leaves for it: RFC 2606
SERVICE_DOMAIN = "@service.invalid"  # of users that are no people
STATEMENT_USER, MATCHING_USER = f"bank-statements{SERVICE_DOMAIN}", f"bank-matching{SERVICE_DOMAIN}"
HOSTED_PAGE_USER = f"hosted-page{SERVICE_DOMAIN}"

# 0.13 to 0.19 ms of CPU. Django's own query reads every permission with all its holders: 1.6 to 2.3 ms.
RIGHTS = """
    SELECT membership.id, membership.account_id, membership.role, ARRAY(
        SELECT type.app_label || '.' || permission.codename
        FROM auth_permission AS permission JOIN django_content_type AS type ON type.id = permission.content_type_id
        WHERE permission.id IN (
            SELECT own.permission_id FROM core_user_user_permissions AS own WHERE own.user_id = person.id
            UNION SELECT shared.permission_id FROM core_user_groups AS mine
            JOIN auth_group_permissions AS shared USING (group_id) WHERE mine.user_id = person.id)),
        ARRAY(SELECT record.account_id FROM core_membershiprecord AS record WHERE record.user_id = person.id)
    FROM (SELECT %s::uuid AS id) AS person LEFT JOIN core_membership AS membership ON membership.user_id = person.id"""


LONGEST_PERSON_NAME = 150


def email_digests(email: str) -> list[str]:
    """With SECRET_KEY, then with each fallback."""
    words = canonical_email(email)
    return [
        salted_hmac("core.User.former_email", words, secret=secret, algorithm="sha256").hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email_canonical=canonical_email(username or ""))

    def active_by_email(self, email: str) -> User | None:
        people = self.exclude(email_canonical__endswith=SERVICE_DOMAIN)
        return people.filter(email_canonical=canonical_email(email), is_active=True).first()

    def staff_with(self, permission: str) -> models.QuerySet[User]:
        """Active staff, all of them people, who have the permission themselves or by a group."""
        label, _, codename = permission.partition(".")
        held = Permission.objects.filter(content_type__app_label=label, codename=codename)
        given = Q(user_permissions__in=held) | Q(groups__permissions__in=held)
        people = self.exclude(email_canonical__endswith=SERVICE_DOMAIN)
        return people.filter(given, is_active=True, is_staff=True).distinct().order_by("email")

    def former_owners_of(self, email: str) -> models.QuerySet[User]:
        """Users who gave up that address to a later sign-up."""
        return self.filter(former_email_digest__in=email_digests(email))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """For the machine's operator: records a DutyGrant without a second approver."""
        flags = {"is_staff": True, "is_superuser": True}
        flags |= {name: fields.pop(name) for name in flags if name in fields}
        given = [name.removeprefix("is_") for name, is_given in flags.items() if is_given]
        with atomic():
            user = self.create_user(email, password, **fields)
            if given:
                DutyGrant.record(kind="give", person=user, duties=given, origin=DutyGrant.Origin.OPERATOR)
                user.is_staff, user.is_superuser = flags["is_staff"], flags["is_superuser"]
                user.save(update_fields=["is_staff", "is_superuser"])
        return user


class User(BaseModel, AbstractBaseUser, PermissionsMixin):
    """Customers have a Membership, staff have permissions."""

    email = models.EmailField("e-mail", max_length=LONGEST_EMAIL, unique=True)  # as typed
    email_canonical = models.CharField(max_length=LONGEST_EMAIL, unique=True, editable=False)
    name = models.CharField(max_length=LONGEST_PERSON_NAME, blank=True)
    is_staff = models.BooleanField("staff", default=False)
    was_staff = models.BooleanField(default=False, db_default=False, editable=False)  # set by a trigger
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)  # a link in a mail was followed
    signed_out_at = models.DateTimeField(null=True, blank=True, editable=False)  # everywhere
    # Of the address that was given up when the account was closed.
    former_email_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)

    _password_disabled = False
    _password: str | None
    _granted: frozenset[str] | None = None
    _accounts: frozenset[UUID] = frozenset()  # that they belong to, or did

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"

    class Meta:
        permissions = [("erase_person", "Erase who a person is")]
        constraints = [
            models.CheckConstraint(
                name="user_without_address_is_inactive", condition=Q(former_email_digest="") | Q(is_active=False)
            ),
            StaffApart(name="user_staff_apart"),
            models.CheckConstraint(
                name="user_of_service_has_no_password",
                condition=~Q(email_canonical__endswith=SERVICE_DOMAIN) | Q(password__startswith="!"),  # noqa: S106
            ),
        ]
        indexes = [
            models.Index(
                name="user_by_former_email", fields=["former_email_digest"], condition=~Q(former_email_digest="")
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_service(self) -> bool:
        """No person: it signs in nowhere, gets no mail and cannot be erased."""
        return self.email_canonical.endswith(SERVICE_DOMAIN)

    def clean(self) -> None:
        super().clean()
        if self.is_service and canonical_email(self.email or "") != self.email_canonical:
            raise ValidationError({"email": "The address of a service stays."})
        if self.former_email_digest and self.is_active:
            raise ValidationError({"is_active": "Somebody else signs in with the address of this person now."})
        if self.is_staff and self._belongs_and_is_not_staff():
            raise ValidationError({"is_staff": "They belong to an account: who decides must not be of one."})
        canonical = canonical_email(self.email or "")  # may be longer than what was typed
        if len(canonical) > LONGEST_EMAIL:
            raise ValidationError({"email": "This address is too long."})
        if User.objects.filter(email_canonical=canonical).exclude(pk=self.pk).exists():
            raise ValidationError(
                {"email": "Somebody has this e-mail address already, perhaps spelled in another way."}
            )

    def _belongs_and_is_not_staff(self) -> bool:
        # Users from before this rule may be both.
        return User.objects.filter(pk=self.pk, is_staff=False, membership__isnull=False).exists()

    def give_up_address(self) -> None:
        """Frees the address for a new sign-up and prevents log-in. The caller saves."""
        self.former_email_digest = email_digests(self.email)[0]
        self.email = f"former-{self.pk.hex}{NO_ADDRESS}"
        self.is_active = False
        self.set_unusable_password()

    def set_password(self, raw_password: str | None) -> None:
        # Devices differ in how they send accents.
        super().set_password(None if raw_password is None else composed(raw_password))
        if raw_password is not None and self._state.adding and composed(raw_password) != raw_password:
            make_password(raw_password)  # so that an unknown address takes as long

    def check_password(self, raw_password: str | None) -> bool:
        """Hashes from before NFC are of the password as typed."""
        return any(super(User, self).check_password(spelling) for spelling in _spellings(raw_password))

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new password, or an inactive user, ends all sessions in the same transaction."""
        canonical = canonical_email(self.email)
        if canonical != self.email_canonical and not self._state.adding:
            self.email_verified_at = None
        self.email_canonical = canonical
        is_out = not self._state.adding and (
            self._password is not None or self._password_disabled or not self.is_active
        )
        with atomic():
            super().save(*args, **kwargs)
            if is_out:
                self.sign_out()
        self._password_disabled = False

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self._password_disabled = True

    def sign_out(self) -> None:
        """Ends every session and API token."""
        self.signed_out_at = timezone.now()
        User.objects.filter(pk=self.pk).update(signed_out_at=self.signed_out_at)
        self.sessions.all().delete()
        tokens: Any = getattr(self, "auth_token_set", None)
        if tokens is not None:
            tokens.all().delete()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """A log-in holds while the password and `signed_out_at` stay."""
        return salted_hmac(
            "core.User.session", f"{self.password} {self.signed_out_at}", secret=secret, algorithm="sha256"
        ).hexdigest()

    def role_in(self, account_id: UUID) -> str | None:
        """None for a stranger. One query per instance."""
        field: Any = self._meta.get_field("membership")
        if not field.is_cached(self):
            self._read_rights()
        membership: Membership | None = field.get_cached_value(self)
        return membership.role if membership is not None and membership.account_id == account_id else None

    def is_granted(self, permission: str) -> bool:
        """For decisions about money: unlike `has_perm`, superusers do not hold all, and former staff hold none."""
        if not (self.is_active and self.is_staff):
            return False
        if self._granted is None:
            self._read_rights()
        assert self._granted is not None
        return permission in self._granted

    def may_decide_on(self, account_id: UUID, permission: str) -> bool:
        """Never on an account that they belong to, or did."""
        return self.is_granted(permission) and account_id not in self._accounts

    def can_read_all_accounts(self) -> bool:
        return self.is_staff and (
            self.is_superuser or any(self.is_granted(f"core.{duty}") for duty in STAFF_PERMISSIONS)
        )

    def may_audit_documents(self) -> bool:
        """Those of erased people, too."""
        return self.is_staff and (self.is_superuser or self.is_granted("core.view_document"))

    def _read_rights(self) -> None:
        *place, granted, accounts = ask(RIGHTS, [self.pk]).fetchone()
        self._granted, self._accounts = frozenset(granted), frozenset(accounts)
        field: Any = self._meta.get_field("membership")
        if field.is_cached(self):
            return
        key, account_id, role = place
        names = ["id", "account_id", "user_id", "role"]
        values = [key, account_id, self.pk, role]
        membership = field.related_model.from_db(DEFAULT_DB_ALIAS, names, values) if key else None
        field.set_cached_value(self, membership)
        if membership is not None:
            field.remote_field.set_cached_value(membership, self)


def _spellings(password: str | None) -> list[str | None]:
    return [None] if password is None else list(dict.fromkeys([composed(password), password]))
