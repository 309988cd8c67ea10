"""The request as views see it after all middleware, for annotations."""

from __future__ import annotations

from accounts.actors import Actor
from config.kit.pages import HtmxRequest


class ActorRequest(HtmxRequest):
    """Has `actor` (ActorMiddleware) and `htmx` (HtmxMiddleware)."""

    actor: Actor
