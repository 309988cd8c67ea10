"""Wanting a new password of people: of one, or of everybody who belongs somewhere, from their next sign-in on.

By who may set their passwords, and never of somebody who holds more. Nobody is signed out by it unless that is wanted
too; programs that come with the person's own password get no more in at once.
"""

from __future__ import annotations

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit, places, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, NoPasswordHere
from accounts.models import Grant, User
from accounts.password_age import is_kept_here
from accounts.permissions import Level, Right
from accounts.services.passwords import require_setting
from accounts.services.sessions import drop_sessions


def want_new_password(actor: Actor, user: User, *, end_sessions: bool = False) -> bool:
    """Have somebody choose a new one at their next sign-in; False where it is wanted already.

    Raises: Forbidden, ProofNeeded, NoPasswordHere.
    """
    _require(actor, user)
    if not is_kept_here(user):
        raise NoPasswordHere(_("This person has no password that is kept here."))
    if user.password_wanted and not end_sessions:
        return False
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(password_wanted=True)
        ended = drop_sessions([user.pk], keep=actor.session_id) if end_sessions else 0
        audit.record(actor, "user.want_password", user, sessions=ended)
    was, user.password_wanted = user.password_wanted, True
    return not was


def let_password_be(actor: Actor, user: User) -> bool:
    """Want none any more; False where none was. Raises: Forbidden, ProofNeeded."""
    _require(actor, user)
    if not user.password_wanted:
        return False
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(password_wanted=False)
        audit.record(actor, "user.let_password_be", user)
    user.password_wanted = False
    return True


def want_new_passwords(actor: Actor, obj: object, *, end_sessions: bool = False) -> int:
    """Of everybody who belongs to SERVER, a customer or a domain and has a password here; of how many it is new.

    Left out are the actor, and who holds more than they. One event, on the scope. Raises: Forbidden, ProofNeeded.
    """
    actor.require_writing()
    actor.require(Right.SET_PASSWORDS, obj)
    proving.require_recent(actor)
    people = people_of(obj).exclude(pk=actor.user.pk if actor.user is not None else 0)
    grants = Grant.objects.filter(user=OuterRef("pk"))
    if not actor.dominates_everybody:
        holders = people.filter(Q(is_administrator=True) | Q(Exists(grants)))
        people = people.exclude(pk__in=[each.pk for each in holders if not actor.dominates(each)])
    with transaction.atomic():
        if end_sessions:
            drop_sessions(people)
        count = people.filter(password_wanted=False).update(password_wanted=True)
        audit.record(actor, "user.want_passwords", obj, people=count, end_sessions=end_sessions)
    return count


def people_of(obj: object) -> QuerySet[User]:
    """Who belongs to a scope's object and has a password. Raises: BadGrant for a scope that isn't one of these."""
    scope = places.scope_of(obj)
    with_one = User.objects.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX).exclude(password="")
    if scope.level == Level.SERVER:
        return with_one
    if scope.level == Level.CUSTOMER:
        return with_one.filter(home_customer_id=scope.id)
    if scope.level == Level.DOMAIN:
        return with_one.filter(home_domain_id=scope.id)
    raise BadGrant(_("Give the server, a customer or a domain."), field="scope")


def _require(actor: Actor, user: User) -> None:
    """Raises: Forbidden (also of oneself: whoever holds a token could shut the person's programs out), ProofNeeded."""
    require_setting(actor, user)
    if actor.owns(user):
        raise Forbidden("people change their own password on its page")
    proving.require_recent(actor)
