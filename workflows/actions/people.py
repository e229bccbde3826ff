"""What people do with their own log-in; pages and API call the same verbs.

A link in a mail proves that a mailbox is somebody's. It is made when the mail is sent, so that no row and no log
ever holds one.
"""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from core.models import Account, MembershipRecord, User
from core.models.user import LONGEST_PERSON_NAME
from core.problems import Conflict, PermissionDenied, ValidationError
from core.security.events import note, refused, remember
from core.security.rate_limits import Attempt
from core.validation.email import canonical_email
from core.validation.text import check_name, composed
from engine import schedule
from engine.ids import uuid7
from engine.models import Transition
from engine.stateful import NO_TENANT
from workflows.mail.account_emails import (
    mail_billing_verification,
    mail_password_reset,
    mail_security_notice,
    mail_verification,
)
from workflows.mail.signed_links import VERIFICATION, billing_address_of, owner_of
from workflows.mail.verification import needs_proof, prove_billing_address, prove_by_link
from workflows.periods import database_now
from workflows.security.rights import is_trusted


def ask_for_password_reset(email: str) -> None:
    """Send a link to that address.

    For an unknown one the same effect is scheduled and finds no user, so that neither answer nor timing tells.
    """
    schedule(mail_password_reset, key=f"password_reset:{uuid7()}", payload={"email": email})
    note("password_reset_asked", account=email)


def change_password(user: User, old: str, new: str) -> User:
    """Set a new password and sign out everywhere. Returns the user read again.

    Raises ValidationError naming `old_password` or `new_password`.
    """
    with atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not user.check_password(old):
            refused("password_refused", actor=user)
            raise ValidationError({"old_password": [_("This is not your password.")]})
        check_new_password(new, user, field="new_password")
        user.set_password(new)
        user.save()
        remember_password(user, by_link=False)
    return user


def change_name(user: User, name: str) -> None:
    """An empty name means that the address is shown. Raises ValidationError for a name with invisible characters."""
    name = composed(name)
    if name:
        check_name(name, field="name", longest=LONGEST_PERSON_NAME)
    user.name = name
    user.save(update_fields=["name"])


def confirm_password(user: User, password: str) -> None:
    """Raises ValidationError naming `password`."""
    if not user.check_password(password):
        refused("confirmation_refused", actor=user)
        raise ValidationError({"password": [_("This is not your password.")]})
    note("confirmed", actor=user)


def signed_in(user: User, attempt: Attempt) -> None:
    """Call it after a correct password. Staff get a mail about a network that is new for them, once a day.

    Not at their first log-in.
    """
    is_new = user.is_staff and user.last_login is not None and attempt.is_from_elsewhere()
    attempt.succeeded()
    note("sign_in", actor=user)
    if is_new:
        payload = {"user": str(user.pk), "what": "network"}
        schedule(mail_security_notice, key=f"new_network:{user.pk}:{database_now():%Y-%m-%d}", payload=payload)


def ask_to_verify(user: User) -> None:
    """Send a link that proves this user's address."""
    membership = getattr(user, "membership", None)
    _schedule_verification(user.email, about=membership and membership.account)


def ask_to_verify_address(email: str) -> None:
    """The same by address. Does not tell a stranger whether the address is known."""
    _schedule_verification(email, about=None)


def verify_email(token: str) -> User:
    """Raises ValidationError naming `token`."""
    with atomic():
        user = owner_of(token, VERIFICATION)
        if user is None:
            raise ValidationError({"token": [_("This link is not valid any more. Ask for a new one.")]})
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at"])
        prove_by_link(user)
    return user


def ask_to_verify_billing_address(account: Account, *, by: User) -> None:
    """Send a link that proves the billing address; at most once a day.

    Raises PermissionDenied for anybody but owners and admins, Conflict if it is proved already.
    """
    if not account.may_be_changed_by(by):
        raise PermissionDenied(_("Only owners and admins of the account may change it."))
    if not needs_proof(account):
        raise Conflict(_("This address has been confirmed already."))
    email = canonical_email(account.billing_email)
    digest = salted_hmac("workflows.people.billing", email, algorithm="sha256").hexdigest()[:32]
    schedule(
        mail_billing_verification,
        key=f"verify_billing_email:{account.pk}:{digest}:{database_now():%Y-%m-%d}",
        about=account,
        payload={"email": email},
    )


def verify_billing_address(token: str) -> Account:
    """Raises ValidationError naming `token`."""
    with atomic():
        found = billing_address_of(token)
        if found is None or not prove_billing_address(*found):
            raise ValidationError({"token": [_("This link is not valid any more. Ask for a new one.")]})
    return found[0]


def get_or_reactivate_user(email: str, password: str | None = None, *, account: Account | None = None) -> User | None:
    """A new user, or one who was removed from this account and comes back; None if the address is taken.

    A user whose account is closed, who left another account or who left the staff gives the address up to a new user:
    the one who types an address need not be the one who had it before, and history stays with the old row, which can
    no longer sign in.
    password: None: set later. account: the one that they are invited to. Needs a transaction.
    """
    user = User.objects.select_for_update(no_key=True).filter(email_canonical=canonical_email(email)).first()
    if user is not None and (_may_give_up_address(user) or _is_over_and_done(user, account)):
        user.give_up_address()
        user.save()
        user = None
    if user is None:
        try:
            with atomic():
                return User.objects.create_user(email, password)
        except IntegrityError:  # somebody else was quicker
            return None
    if user.is_active or is_trusted(user) or hasattr(user, "membership"):
        return None
    user.is_active, user.email_verified_at, user.name = True, None, ""
    user.email = email.strip()
    user.set_password(password)
    user.save()
    return user


def sign_out_everywhere(user: User) -> None:
    """End every session and API token of this user."""
    with atomic():
        user.sign_out()
        remember("sessions_ended", actor=user, person=user)


def check_new_password(password: str, user: User, *, field: str = "password") -> None:
    """Raise ValidationError naming `field` for a password that is too short, too common or too much like its owner."""
    try:
        validate_password(composed(password), user)
    except DjangoValidationError as error:
        raise ValidationError({field: error.messages}) from error


def is_of_closed_account(user: User) -> bool:
    return Account.objects.filter(memberships__user=user, status=Account.Status.CLOSED).exists()


def _may_give_up_address(user: User) -> bool:
    """True for members of a closed account. Users whom staff disabled keep their address."""
    return user.is_active and not is_trusted(user) and is_of_closed_account(user)


def _is_over_and_done(user: User, account: Account | None) -> bool:
    """True for a user without log-in, membership and rights who was staff or acted for another account."""
    if user.is_active or is_trusted(user) or hasattr(user, "membership"):
        return False
    here = account.pk if account is not None else NO_TENANT
    places = MembershipRecord.objects.filter(user_id=user.pk).exclude(account_id=here)
    acts = Transition.objects.filter(actor=user).exclude(account_id=here)
    return user.was_staff or places.exists() or acts.exists()


def remember_password(user: User, *, by_link: bool) -> None:
    # Staff are told by mail, because a stolen password decides about money.
    remember("password_set", actor=user, person=user, by_link=by_link)
    if user.is_staff:
        payload = {"user": str(user.pk), "what": "password"}
        schedule(mail_security_notice, key=f"new_password:{uuid7()}", payload=payload)


def _schedule_verification(email: str, *, about: Account | None) -> None:
    schedule(mail_verification, key=f"verify_email:{uuid7()}", about=about, payload={"email": email})
