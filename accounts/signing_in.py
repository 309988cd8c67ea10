"""Signing in with address and password. Not for sessions and cookies: the view makes those."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts import audit, throttle
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress, WrongPassword
from accounts.models import User
from accounts.sessions import may_enter


def sign_in(request: HttpRequest, *, email: str, password: str, device: str | None) -> User:
    """The person these belong to.

    One error, and the same time, for an unknown address, a wrong password, somebody shut out (themselves or
    with their domain) and somebody without a password: Django hashes a dummy where there is nothing to compare.
    Raises: WrongPassword, TooManyAttempts.
    """
    address = _canonical(email)
    attempt = throttle.counters(address, request.META.get("REMOTE_ADDR", ""), device)
    throttle.admit(attempt)
    user = authenticate(request, username=address, password=password)
    if user is None or user.authentication != "integrated" or not may_enter(_actor(request, user)):
        audit.record(_actor(request, request.user), "user.sign_in_failed", address[:254])
        raise WrongPassword("address and password don't belong together")
    throttle.forgive(attempt)
    audit.record(_actor(request, user), "user.sign_in", user)
    return user


def _actor(request: HttpRequest, user: User | AnonymousUser) -> Actor:
    return Actor.for_user(user, address=request.META.get("REMOTE_ADDR", ""), via="page")


def _canonical(email: str) -> str:
    """As accounts keep it; what is no address belongs to nobody, and still costs the same."""
    try:
        return str(parse_address(email))
    except BadAddress:
        return email.strip().lower()


def record_sign_out(actor: Actor) -> None:
    """Note that somebody left."""
    if actor.user is not None:
        audit.record(actor, "user.sign_out", actor.user)
