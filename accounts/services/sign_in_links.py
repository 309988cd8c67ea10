"""Temporary sign-in: a link that lets its person in once, for a few hours, without a password.

For people who only have their own things: never for who administers anything or has a second factor. What comes in by
it holds no rights and changes no password, token or factor. That it was made and that it was used are events which
the person sees.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts import audit, enforcement, factors, holdings, links, proving
from accounts.actors import Actor
from accounts.errors import BadLink, Forbidden
from accounts.models import OneTimeLink, User
from accounts.permissions import EndUserRight, Right
from config.kit import counters

HOURS_MAX = 4


class SignInLink(NamedTuple):
    """A link just made; its address is shown or mailed now, and never again."""

    url: str
    link: OneTimeLink


def issue_sign_in_link(actor: Actor, user: User, *, hours: int = HOURS_MAX, base_url: str | None = None) -> SignInLink:
    """A link for somebody else with the right to, or for oneself. Earlier ones stop working.

    Raises: Forbidden, also for people who may not have one; ProofNeeded; ValueError for hours beyond 1 to 4.
    """
    require_issuing(actor, user)
    proving.require_recent(actor)
    if not 1 <= hours <= HOURS_MAX:
        raise ValueError(f"between 1 and {HOURS_MAX} hours")
    with transaction.atomic():
        url, link = links.issue_row(OneTimeLink.Kind.SIGN_IN, user, base_url=base_url, lifetime=timedelta(hours=hours))
        audit.record(actor, "user.sign_in_link", user, hours=hours)
    return SignInLink(url, link)


def require_issuing(actor: Actor, user: User) -> None:
    """Who may make such a link for whom. Raises: Forbidden."""
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("no links are made while acting as somebody")
    if actor.owns(user):
        if actor.allowed is not None and not actor.allowed and actor.token_id is None:
            raise Forbidden("a temporary sign-in makes no other")
    else:
        actor.require_over(Right.SEND_SIGN_IN_LINKS, user)
    require_suitable(user)


def accept_sign_in_link(link: OneTimeLink, *, address: str = "") -> User:
    """Whoever holds the link is the person; it works once. Raises: BadLink."""
    user = link.user
    if user is None or link.kind != OneTimeLink.Kind.SIGN_IN:
        raise BadLink("not a link that signs in")
    try:
        require_suitable(user)
    except Forbidden as error:
        raise BadLink("not for this person any more") from error
    with transaction.atomic():
        links.use_up(link)
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())
        audit.record(Actor.for_user(user, address=address, via="link"), "user.sign_in_by_link", user)
    counters.count(user=user.pk, domain=user.home_domain_id, logins=1)
    return user


def is_suitable(user: User) -> bool:
    """Whether somebody may be let in by a link at all."""
    try:
        require_suitable(user)
    except Forbidden:
        return False
    return True


def require_suitable(user: User) -> None:
    """Raises: Forbidden."""
    if not user.is_active:
        raise Forbidden("a link for somebody who may not sign in")
    if user.is_administrator or holdings.of(user):
        raise Forbidden("no temporary sign-in for who administers anything")
    if factors.has_second_factor(user):
        raise Forbidden("no temporary sign-in past a second factor")
    if enforcement.is_demanded(user):
        raise Forbidden("no temporary sign-in past a second factor that is demanded")
    if user.login_privileges is not None and "web" not in user.login_privileges:
        raise Forbidden("these pages are shut to the person")
    if EndUserRight.SIGN_IN not in holdings.end_user_rights(user):
        raise Forbidden("the person's domain doesn't let its people sign in")
