from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from core.models import Account, MembershipRecord, User
from core.models.user import LONGEST_PERSON_NAME, SERVICE_DOMAIN
from core.problems import Conflict, PermissionDenied, ValidationError
from core.security.events import log_event, record_event, record_refusal
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
from workflows.security.rights import check_may_set, is_trusted

ADD_PERSON = "core.add_user"


def ask_for_password_reset(email: str) -> None:
    # For an unknown address the effect finds no user, so that neither answer nor timing tells.
    schedule(mail_password_reset, key=f"password_reset:{uuid7()}", payload={"email": email})
    log_event("password_reset_asked", account=email)


def add_person(person: User, *, by: User) -> User:
    """A log-in without a password, which a link sets, and without rights. Raises PermissionDenied, ValidationError."""
    check_may_set(by, ADD_PERSON)
    person.set_unusable_password()
    try:
        person.full_clean()
    except DjangoValidationError as error:
        raise ValidationError(error.message_dict) from error
    try:
        with atomic():
            person.save()
    except IntegrityError as error:
        raise Conflict("Somebody has this e-mail address already.") from error
    return person


def change_password(user: User, old: str, new: str) -> User:
    """Returns the user read again. Errors name `old_password` or `new_password`."""
    with atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not user.check_password(old):
            record_refusal("password_refused", actor=user)
            raise ValidationError({"old_password": [_("This is not your password.")]})
        check_new_password(new, user, field="new_password")
        user.set_password(new)
        user.save()
        remember_password(user, by_link=False)
    return user


def change_name(user: User, name: str) -> None:
    """Empty: the address is shown instead."""
    name = composed(name)
    if name:
        check_name(name, field="name", longest=LONGEST_PERSON_NAME)
    user.name = name
    user.save(update_fields=["name"])


def confirm_password(user: User, password: str) -> None:
    if not user.check_password(password):
        record_refusal("confirmation_refused", actor=user)
        raise ValidationError({"password": [_("This is not your password.")]})
    log_event("confirmed", actor=user)


def record_sign_in(user: User, attempt: Attempt) -> None:
    """Call it after a correct password. Staff get a mail, once a day, about a network that is new for them."""
    # Not at the first log-in: every network is new then.
    is_new = user.is_staff and user.last_login is not None and attempt.is_from_elsewhere()
    attempt.succeeded()
    log_event("sign_in", actor=user)
    if is_new:
        payload = {"user": str(user.pk), "what": "network"}
        schedule(mail_security_notice, key=f"new_network:{user.pk}:{database_now():%Y-%m-%d}", payload=payload)


def ask_to_verify(user: User) -> None:
    membership = getattr(user, "membership", None)
    _schedule_verification(user.email, about=membership and membership.account)


def ask_to_verify_address(email: str) -> None:
    # Does not tell a stranger whether the address is known.
    _schedule_verification(email, about=None)


def verify_email(token: str) -> User:
    with atomic():
        user = owner_of(token, VERIFICATION)
        if user is None:
            raise ValidationError({"token": [_("This link is not valid any more. Ask for a new one.")]})
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at"])
        prove_by_link(user)
    return user


def ask_to_verify_billing_address(account: Account, *, by: User) -> None:
    """At most once a day. Raises Conflict if it is proved already."""
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
    with atomic():
        found = billing_address_of(token)
        if found is None or not prove_billing_address(*found):
            raise ValidationError({"token": [_("This link is not valid any more. Ask for a new one.")]})
    return found[0]


def get_or_reactivate_user(email: str, password: str | None = None, *, account: Account | None = None) -> User | None:
    """A new user, or one who was removed from this account and comes back; None if the address is taken.

    Needs a transaction.
    """
    canonical = canonical_email(email)
    if canonical.endswith(SERVICE_DOMAIN):
        return None  # also before the service has its row
    user = User.objects.select_for_update(no_key=True).filter(email_canonical=canonical).first()
    # Who types an address need not be the one who had it before: that row keeps its history.
    if user is not None and (_may_give_up_address(user) or _is_over_and_done(user, account)):
        user.give_up_address()
        user.save()
        user = None
    if user is None:
        try:
            with atomic():
                return User.objects.create_user(email, password)
        except IntegrityError:
            return None
    if user.is_active or is_trusted(user) or hasattr(user, "membership"):
        return None
    user.is_active, user.email_verified_at, user.name = True, None, ""
    user.email = email.strip()
    user.set_password(password)
    user.save()
    return user


def sign_out_everywhere(user: User) -> None:
    with atomic():
        user.sign_out()
        record_event("sessions_ended", actor=user, person=user)


def check_new_password(password: str, user: User, *, field: str = "password") -> None:
    try:
        validate_password(composed(password), user)
    except DjangoValidationError as error:
        raise ValidationError({field: error.messages}) from error


def is_of_closed_account(user: User) -> bool:
    return Account.objects.filter(memberships__user=user, status=Account.Status.CLOSED).exists()


def _may_give_up_address(user: User) -> bool:
    # Users whom staff disabled keep their address.
    return user.is_active and not is_trusted(user) and is_of_closed_account(user)


def _is_over_and_done(user: User, account: Account | None) -> bool:
    """Left the staff, or acted for another account."""
    if user.is_active or is_trusted(user) or hasattr(user, "membership"):
        return False
    here = account.pk if account is not None else NO_TENANT
    places = MembershipRecord.objects.filter(user_id=user.pk).exclude(account_id=here)
    acts = Transition.objects.filter(actor=user).exclude(account_id=here)
    return user.was_staff or places.exists() or acts.exists()


def remember_password(user: User, *, by_link: bool) -> None:
    # Staff are told by mail, because a stolen password decides about money.
    record_event("password_set", actor=user, person=user, by_link=by_link)
    if user.is_staff:
        payload = {"user": str(user.pk), "what": "password"}
        schedule(mail_security_notice, key=f"new_password:{uuid7()}", payload=payload)


def _schedule_verification(email: str, *, about: Account | None) -> None:
    schedule(mail_verification, key=f"verify_email:{uuid7()}", about=about, payload={"email": email})
