"""Who asks: the bearer token of the Authorization header, and nothing else.

A session cookie opens nothing here, so a page of somebody else's can't make a browser act (no CSRF). Not for rights.
Source: RFC 6750 §2.1, §3.
"""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security.http import HttpAuthBase

from accounts.actors import Actor
from accounts.tokens import actor_for_token
from api import limits
from api.errors import TooManyRequests, Unauthenticated

TOKEN_MAX_CHARACTERS = 200


class Bearer(HttpAuthBase):
    """`Authorization: Bearer …` → the actor the token stands for."""

    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Actor:
        value = _token_of(request)
        address = request.META.get("REMOTE_ADDR", "")
        count = limits.count_request(value, address)
        if count.is_guessing:
            raise TooManyRequests(_("Too many tokens from this network open nothing."), count.wait_s)
        if count.is_over:
            raise TooManyRequests(_("This token has asked too often in this minute."), count.wait_s)
        actor = actor_for_token(value, address=address)
        if actor is None:
            limits.note_wrong(value, address)
            raise Unauthenticated(
                _("The token is unknown, revoked or expired, or its person is shut out."), invalid=True
            )
        return replace(actor, via=request.dialect) if hasattr(request, "dialect") else actor


class BearerOrNobody(Bearer):
    """The same, but without the header somebody unknown: for what asks for a password instead."""

    def __call__(self, request: HttpRequest) -> Actor:
        if "HTTP_AUTHORIZATION" in request.META:
            return super().__call__(request)
        address = request.META.get("REMOTE_ADDR", "")
        count = limits.count_request(f"nobody at {address}", address)
        if count.is_over or count.is_guessing:
            raise TooManyRequests(_("Too many requests without a token from this network."), count.wait_s)
        return Actor.for_user(AnonymousUser(), address=address, via="api")


def _token_of(request: HttpRequest) -> str:
    scheme, _space, rest = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
    value = rest.strip()
    if not scheme:
        raise Unauthenticated(_("Send your token in the header: Authorization: Bearer …"))
    if scheme.lower() != "bearer" or not value:
        raise Unauthenticated(_("Only “Authorization: Bearer …” is understood."))
    if len(value) > TOKEN_MAX_CHARACTERS or not value.isascii() or not value.isprintable():
        raise Unauthenticated(_("This is no token of ours."), invalid=True)
    return value
