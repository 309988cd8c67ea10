"""Writes of passwords, and of the links with which people choose them."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit, links, password_age, password_rules, proving, throttle
from accounts.actors import Actor
from accounts.errors import BadLink, BadPassword, Forbidden, WrongPassword
from accounts.models import OneTimeLink, User
from accounts.password_rules import require_new
from accounts.permissions import EndUserRight, Right
from accounts.services.password_keeping import is_changed_next, keep, told
from accounts.services.sessions import drop_sessions

SETTING = (OneTimeLink.Kind.INVITATION, OneTimeLink.Kind.RESET)
JUST_MADE = timedelta(minutes=10)  # an account of which nobody has anything yet that a link could take


def invite(actor: Actor, user: User, *, base_url: str | None = None) -> str:
    """A link with which the person chooses their first password; shown once. Raises: Forbidden, ProofNeeded."""
    return _issue_link(actor, user, OneTimeLink.Kind.INVITATION, base_url)


def issue_reset_link(
    actor: Actor, user: User, *, base_url: str | None = None, lifetime: timedelta | None = None
) -> str:
    """A link with which the person chooses a new password; the old one works until then.

    Raises: Forbidden, ProofNeeded.
    """
    return _issue_link(actor, user, OneTimeLink.Kind.RESET, base_url, lifetime)


def require_issuing(actor: Actor, user: User) -> None:
    """Who may make links to choose a password for whom. Raises: Forbidden."""
    require_setting(actor, user)
    if not user.is_active:
        raise Forbidden("a link for somebody who may not sign in")


def _issue_link(
    actor: Actor, user: User, kind: OneTimeLink.Kind, base_url: str | None, lifetime: timedelta | None = None
) -> str:
    require_issuing(actor, user)
    if user.has_usable_password() or user.created_at < timezone.now() - JUST_MADE:
        proving.require_recent(actor)
    with transaction.atomic():
        audit.record(actor, f"user.{kind.value}_link", user)
        return links.issue_row(kind, user, base_url=base_url, lifetime=lifetime)[0]


def accept_link(link: OneTimeLink, *, password: str) -> User:
    """The person behind an invitation or reset link sets their password: whoever holds the link is them.

    Who holds it may be whoever made it, or found it in a mailbox: that a password was one of the person's former ones
    is said in the words for known ones, and so seldom that the link is no way to find out which they were.
    Raises: BadLink (also when somebody else used it in between), BadPassword, TooManyAttempts.
    """
    user = link.user
    if user is None or link.kind not in SETTING:
        raise BadLink("not a link that sets a person's password")
    check_password(password, user)
    attempt = throttle.former_password_counters(user)
    throttle.admit(attempt)
    try:
        require_new(password, user, differs=user.password_wanted)
    except BadPassword as error:
        raise BadPassword([password_rules.known()]) from error
    throttle.take_back(attempt)
    with transaction.atomic():
        links.use_up(link)
        keep(user, password)
        drop_sessions([user.pk])
        audit.record(Actor.for_user(user), "user.set_password", user, by=link.kind)
    return user


def set_password(actor: Actor, user: User, *, password: str, change_next: bool | None = None) -> None:
    """Set somebody's password without asking for the old one. Raises: BadPassword, Forbidden, ProofNeeded.

    change_next: they choose another one at their next sign-in, which the option PASSWORD_CHANGE_AFTER_RESET may want
    in any case. What the person had before is asked only of themselves: others aren't told whether it was this one.
    """
    require_setting(actor, user)
    proving.require_recent(actor)
    check_password(password, user)
    if actor.owns(user):
        require_new(password, user, differs=user.password_wanted)
    _store(actor, user, password, is_wanted=is_changed_next(actor, user, change_next))


def require_setting(actor: Actor, user: User) -> None:
    """Who may set somebody's password or have them choose one. A program never its own person's, with which it could
    sign in as more than its token. Raises: Forbidden.
    """
    actor.require_writing()
    actor.require_over(Right.SET_PASSWORDS, user)
    if actor.owns(user):
        actor.require_in_person()


def change_password(actor: Actor, *, old: str, new: str) -> User:
    """The person's own password; all their other sessions end.

    Guessing the old one (at a screen left open) is slowed down like signing in. Who must choose a new one may, also
    where their domain lets people change none.
    Raises: WrongPassword, BadPassword, TooManyAttempts, Forbidden.
    """
    user, is_due = _require_own(actor)
    attempt = throttle.own_password_counters(user)
    throttle.admit(attempt)
    if not user.check_password(old):
        raise WrongPassword("the present password is another one")
    throttle.forgive(attempt)
    _change_own(actor, user, new, is_due=is_due)
    return user


def change_proven_password(actor: Actor, *, proven: str, new: str) -> User:
    """The same for who came in with it through a connection that is still open. proven: the password as it was kept
    (`User.password`) when it was found right; it must still be that one. Raises: as `change_password`.
    """
    user, is_due = _require_own(actor)
    if not user.has_usable_password() or not secrets.compare_digest(user.password.encode(), proven.encode()):
        raise WrongPassword("the present password is another one")
    _change_own(actor, user, new, is_due=is_due)
    return user


def _require_own(actor: Actor) -> tuple[User, bool]:
    """(the person as they are now, whether they must choose a new one)."""
    if actor.user is None:
        raise Forbidden("nobody's password")
    actor.require_in_person()
    user = User.objects.get(pk=actor.user.pk)
    is_due = password_age.standing_of(user).is_due
    if not is_due:
        actor.require_own(EndUserRight.CHANGE_PASSWORD)
    if user.second_factor_at is not None:  # else the old password is the proof
        proving.require_recent(actor)
    return user, is_due


def _change_own(actor: Actor, user: User, new: str, *, is_due: bool) -> None:
    check_password(new, user)
    require_new(new, user, differs=is_due)
    _store(actor, user, new)


def check_password(password: str, user: User) -> None:
    """Whether a password keeps the rules. Raises: BadPassword."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadPassword(error.messages) from error
    if said := password_rules.problems(password, user):
        raise BadPassword(said)


def _store(actor: Actor, user: User, password: str, *, is_wanted: bool = False) -> None:
    with transaction.atomic():
        keep(user, password, is_wanted=is_wanted)
        OneTimeLink.objects.filter(user=user, used_at=None).delete()
        drop_sessions([user.pk], keep=actor.session_id)
        audit.record(actor, "user.set_password", user, **told(is_wanted))
